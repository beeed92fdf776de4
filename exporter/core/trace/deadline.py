"""The deadline of a whole trip."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.core.timing.clock import Clock
from exporter.core.timing.fairness import FairTimeout
from exporter.core.trace.starvation import blamed


class Deadline:
    """After the deadline the trip fails with `overdue()`, or else as a timeout with detail
    `too_late`; or as starved, if that is our own fault."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since, self._allowed = clock.monotonic(), 0.0  # the time that the servers have
        self.overdue: Callable[[], ProbeError | None] | None = None
        self.too_late = ""
        self._limit: FairTimeout | None = None

    @asynccontextmanager
    async def over(self, seconds: float, patience: float) -> AsyncIterator[None]:
        """Limits its block to so many seconds, plus our own delays up to `patience`."""
        self._since, self._allowed = self._clock.monotonic(), seconds
        try:
            async with FairTimeout(seconds, patience) as limit:
                self._limit = limit
                yield
        except TimeoutError as error:
            raise self.error() if self.is_past() else error from None

    def left(self) -> float:
        """Seconds until the deadline."""
        return (
            self._limit.when() - asyncio.get_running_loop().time() if self._limit else float("inf")
        )

    def extend(self, seconds: float) -> None:
        """Moves the deadline to at least so many seconds from now."""
        if self._limit:
            self._since, self._allowed = self._clock.monotonic(), seconds
            self._limit.reschedule(
                max(self._limit.when(), asyncio.get_running_loop().time() + seconds)
            )

    def is_past(self) -> bool:
        return self._limit is not None and self._limit.expired()

    def error(self) -> ProbeError:
        """The error of a trip that has passed its deadline."""
        error = (self.overdue and self.overdue()) or ProbeError(Reason.TIMEOUT, self.too_late)
        return blamed(error, self._clock.late_since(self._since), self._allowed)
