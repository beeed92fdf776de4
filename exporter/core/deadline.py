"""The end of a whole trip."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from exporter.core.fairness import FairLimit, fair_timeout
from exporter.core.model import ProbeError
from exporter.core.reasons import Reason


class Deadline:
    """What fails past it fails with `overdue()`, or else as a timeout with the detail
    `too_late`."""

    def __init__(self) -> None:
        self.overdue: Callable[[], ProbeError | None] | None = None
        self.too_late = ""
        self._limit: FairLimit | None = None

    @asynccontextmanager
    async def over(self, seconds: float, patience: float) -> AsyncIterator[None]:
        """Everything inside has so many seconds; more if we were late ourselves, but no more than
        `patience`."""
        try:
            async with fair_timeout(seconds, patience) as limit:
                self._limit = limit
                yield
        except TimeoutError as error:
            raise self.error() if self.is_past() else error from None

    def left(self) -> float:
        """Seconds until then."""
        return (
            self._limit.when() - asyncio.get_running_loop().time() if self._limit else float("inf")
        )

    def extend(self, seconds: float) -> None:
        """It is no sooner than in so many seconds."""
        if self._limit:
            self._limit.reschedule(
                max(self._limit.when(), asyncio.get_running_loop().time() + seconds)
            )

    def is_past(self) -> bool:
        return self._limit is not None and self._limit.expired()

    def error(self) -> ProbeError:
        """What a trip fails with that is past it."""
        return (self.overdue and self.overdue()) or ProbeError(Reason.TIMEOUT, self.too_late)
