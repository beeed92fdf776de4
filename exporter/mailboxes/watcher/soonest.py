"""Expectations in the order of a moment each. There may be ten thousand for one mailbox, which is
polled many times in a second."""

from heapq import heapify, heappop, heappush, heapreplace
from itertools import count

from exporter.mailboxes.watcher.expectation import Expectation

FEW = 64  # that are over and still kept


class Soonest:
    """The earliest first. Those whose message has been found, or that no longer wait, are
    dropped."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Expectation]] = []
        self._numbers = count()
        self._most = FEW

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, at: float, one: Expectation) -> None:
        heappush(self._heap, (at, next(self._numbers), one))
        if len(self._heap) > self._most:
            self._heap = [entry for entry in self._heap if not entry[2].found.done()]
            heapify(self._heap)
            self._most = 2 * len(self._heap) + FEW

    def first(self) -> tuple[float, Expectation] | None:
        while self._heap and self._heap[0][2].found.done():
            heappop(self._heap)
        return (self._heap[0][0], self._heap[0][2]) if self._heap else None

    def move_first(self, at: float) -> None:
        """Its moment is another one."""
        heapreplace(self._heap, (at, next(self._numbers), self._heap[0][2]))

    def drop_first(self) -> None:
        heappop(self._heap)
