"""Admission: trips start one at a time, in the order in which they became due, and only while the
event loop is on time.

So if there is more work than processor, trips start later, all by the same time, and the loop still
turns quickly: for scrapes, and for the trips in progress.
"""

import asyncio
from collections.abc import Callable

from exporter.core.clock import Clock
from exporter.core.model import ProbeKey
from exporter.probing.probe import Probe

SPACING = 0.004  # seconds between two starts, at least
WINDOW = 0.1  # seconds of the past that count
TOO_LATE = 0.025  # seconds of them: if the loop was late by more, no trip starts
LEAST = 1.0  # seconds after which one starts all the same, so that no flood of scrapes stops trips


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
        self._newest_start = float("-inf")
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
        if len(self._queue) == 1 and self._may_start():
            self._start_next()
        elif self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="admission of trips")
        return turn.started

    def close(self) -> None:
        """Starts no more trips."""
        if self._task:
            self._task.cancel()

    async def _run(self) -> None:
        while self._queue:
            await asyncio.sleep(SPACING)
            if self._may_start():
                self._start_next()

    def _may_start(self) -> bool:
        now, first = self._clock.monotonic(), next(iter(self._queue.values()))
        if now - max(self._newest_start, first.since) >= LEAST:
            return True
        on_time = self._clock.late(now - WINDOW, now) <= TOO_LATE
        return on_time and now - self._newest_start >= SPACING

    def _start_next(self) -> None:
        turn = self._queue.pop(next(iter(self._queue)))
        now, bug = self._clock.monotonic(), None
        if turn.probe.due(now) and not turn.probe.removed:
            self._newest_start = now
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
