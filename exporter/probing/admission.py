"""Admission: trips start in the order in which they became due, at most one in each turn of the
event loop, and fewer if turns are long.

So if there is more work than processor, trips start later, all by the same time, and the loop still
turns quickly: for scrapes, and for the trips in progress. While it turns a few times, one trip
starts and the work of one is done, whatever a trip costs, and however many wait for slow servers.
"""

import asyncio
from collections.abc import Callable

from exporter.core.model import ProbeKey
from exporter.core.timing.clock import Clock
from exporter.probing.probe import Probe

SPACING = 0.004  # seconds between two starts, at least
# Seconds of the processor until we have our next turn: if it takes N times as long, every Nth time
# a trip starts.
LONG = 0.025


class Turn:
    """The place of a probe in the queue; `started` is done when its turn has come."""

    def __init__(self, probe: Probe, since: float) -> None:
        self.probe = probe
        self.since = since
        self.started: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class Admission:
    """Calls `start` for each probe that asks for a trip, when its turn has come, if its trip is
    still due."""

    def __init__(self, start: Callable[[Probe], object], clock: Clock) -> None:
        self._start = start
        self._clock = clock
        self._queue: dict[ProbeKey, Turn] = {}
        self._task: asyncio.Task[None] | None = None

    @property
    def lag(self) -> float:
        """How late the trip is that has been due for the longest time; 0 if none waits."""
        first = next(iter(self._queue.values()), None)
        return self._clock.monotonic() - first.since if first else 0.0

    def enqueue(self, probe: Probe) -> "asyncio.Future[None]":
        """Starts a trip of this probe: at once if possible, or when its turn comes. A probe waits
        for one turn only."""
        turn = self._queue.setdefault(probe.key, Turn(probe, self._clock.monotonic()))
        turn.probe = probe  # after a reload it is another one
        if self._task is None or self._task.done():
            self._start_next()
            self._task = asyncio.create_task(self._run(), name="admission of trips")
        return turn.started

    def close(self) -> None:
        """Starts no more trips."""
        if self._task:
            self._task.cancel()

    async def _run(self) -> None:
        """Starts trips until none has waited since the last start."""
        allowed, used = 0.0, self._clock.processor()
        while True:
            await asyncio.sleep(SPACING)
            if not self._queue:
                return
            now = self._clock.processor()
            allowed += min(LONG / max(now - used, LONG), 1.0)
            used = now
            if allowed >= 1.0:
                allowed -= 1.0
                self._start_next()

    def _start_next(self) -> None:
        turn, bug = self._queue.pop(next(iter(self._queue))), None
        if turn.probe.schedule.due(self._clock.monotonic()) and not turn.probe.removed:
            try:
                self._start(turn.probe)
            except Exception as error:
                bug = error  # of who waits for this turn; others have theirs
        if turn.started.done():
            return  # who waited was cancelled
        if bug:
            turn.started.set_exception(bug)
        else:
            turn.started.set_result(None)
