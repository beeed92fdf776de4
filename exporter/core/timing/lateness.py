"""How late this process was: the time in which its event loop could not attend to what was due,
since it computed, was stopped, or got no processor.

One timer ticks all the time. A tick that comes late shows for how long nothing else had a turn.
"""

import asyncio
from array import array
from bisect import bisect_left
from math import inf

from exporter.core.timing.fairness import NOTICEABLE

GAP = 0.05  # seconds between two ticks
MOST_KEPT = 100_000  # late ticks: hours of overload, and 16 bytes each


class Lateness:
    """Ticks inside `with`. Times are those of the event loop, in seconds."""

    def __init__(self) -> None:
        # The late times, which do not overlap: when each ended, and the sum of all until then.
        self._ends, self._sums = array("d"), array("d")
        self._sum_before = 0.0  # of those that are no longer kept
        self._due = inf  # the next tick
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> "Lateness":
        self._plan()
        return self

    def __exit__(self, *exception: object) -> None:
        self._due = inf
        if self._timer:
            self._timer.cancel()

    def _plan(self) -> None:
        loop = asyncio.get_running_loop()
        self._due = loop.time() + GAP
        self._timer = loop.call_at(self._due, self._tick)

    def between(self, since: float, until: float) -> float:
        """The seconds by which we were late in that time, which is not in the future."""
        if until <= self._due + NOTICEABLE and (not self._ends or self._ends[-1] < since):
            return 0.0  # as most often
        return max(self._sum_at(until) - self._sum_at(since), 0.0)

    def _tick(self) -> None:
        now = asyncio.get_running_loop().time()
        if (late := now - self._due) > NOTICEABLE:
            self._sums.append(self._sum + late)
            self._ends.append(now)
            if len(self._ends) > MOST_KEPT:
                self._forget(MOST_KEPT // 2)
        self._plan()

    def _forget(self, number: int) -> None:
        self._sum_before = self._sums[number - 1]
        del self._ends[:number], self._sums[:number]

    @property
    def _sum(self) -> float:
        return self._sums[-1] if self._sums else self._sum_before

    def _sum_at(self, moment: float) -> float:
        """The sum of the late times until a moment, also of one that goes on."""
        place = bisect_left(self._ends, moment)
        if place == len(self._ends):
            late = moment - self._due
            return self._sum + (late if late > NOTICEABLE else 0.0)
        before = self._sums[place - 1] if place else self._sum_before
        began = self._ends[place] - (self._sums[place] - before)
        return before + max(moment - began, 0.0)
