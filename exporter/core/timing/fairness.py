"""Time limits that exclude time in which this process did not run, and long work in slices.

After the event loop was blocked (by other work, a stopped process, a busy machine), answers are
still unread in our sockets, and a time limit of asyncio would expire just before they are read.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Self, TypeVar

T = TypeVar("T")

TICKS = 40  # in the time of a limit: how late they are tells how late we are
SHORTEST = 0.05  # seconds between two ticks
NOTICEABLE = 0.02  # seconds by which a timer may be late on a machine that is well
AT_A_TIME = 1000  # large objects that are freed before others have their turn: a millisecond
SLICE = 0.005  # seconds of work, after which others have their turn


class FairTimeout:
    """A context with a limit, used like asyncio.timeout, in the loop's time: raises TimeoutError
    after so many `seconds`.

    The limit grows by the delay of its ticks, but by at most `most` seconds. After a long stop of
    the process these begin when it continues, so that there is time for one poll.
    """

    def __init__(self, seconds: float, most: float) -> None:
        self._seconds = seconds
        self._most = most

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._limit = await asyncio.timeout(None).__aenter__()
        self._end = self._loop.time() + self._seconds
        self._gap = max(self._seconds / TICKS, SHORTEST)
        self._plan()
        return self

    async def __aexit__(self, *error: Any) -> None:
        self._timer.cancel()
        await self._limit.__aexit__(*error)

    def when(self) -> float:
        """When it expires, without further delays."""
        return self._end

    def reschedule(self, end: float) -> None:
        self._timer.cancel()
        self._end = end
        self._plan()

    def expired(self) -> bool:
        return self._limit.expired()

    def _plan(self) -> None:
        self._due = min(self._loop.time() + self._gap, self._end)
        self._timer = self._loop.call_at(self._due, self._tick)

    def _tick(self) -> None:
        now = self._loop.time()
        if (late := min(now - self._due, self._most)) > NOTICEABLE:
            self._most -= late
            self._end = max(self._end, now) + late
        if now < self._end:
            self._plan()
        else:
            # Acts in the next turn: what came is given to who waits for it in this one.
            self._limit.reschedule(now)


async def in_turns(items: Iterable[T], at_a_time: int) -> AsyncIterator[T]:
    """Yields the items; after every `at_a_time` of them, or earlier if they take long, other tasks
    of the event loop run."""
    slices = Slices(asyncio.get_running_loop().time)
    for number, item in enumerate(items, 1):
        yield item
        await slices.pause(SLICE if number % at_a_time else 0.0)


async def let_go(items: list[Any]) -> None:
    """Empties a list of many large objects, which takes long, too: a few at a time."""
    while items:
        del items[-AT_A_TIME:]
        await asyncio.sleep(0)


class Slices:
    """Long work in slices of a few milliseconds. They are measured by time, so that the work needs
    few turns: in a busy event loop it waits for each of them. `now` returns seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._began = now()

    async def pause(self, length: float = SLICE) -> None:
        """Lets other tasks run if the slice, of so many seconds, is over."""
        if self._now() >= self._began + length:
            await asyncio.sleep(0)
            self._began = self._now()
