"""The queue of changes to be written, in order. Bounded: it drops the oldest evidence first."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from itertools import islice

from exporter.state.commit_callbacks import Once, words_of
from exporter.state.schema import StateUnusable
from exporter.state.transaction import Change

MOST_AT_ONCE = 1000  # changes in one commit
MOST_WAITING = 50_000  # changes that are kept while the disk refuses
MOST_BYTES = 16 << 20  # of the evidence among them, which goes first


@dataclass(slots=True, eq=False)
class Waiting:
    """A queued change. `done` is set when it is on disk, or will never be."""

    change: Change
    done: "asyncio.Future[None]"
    weight: int  # bytes of evidence; 0 for what must not be forgotten
    tell: Once | None = None
    timer: asyncio.TimerHandle | None = field(default=None)

    def settle(self, problem: Exception | None) -> None:
        """Reports that it is on disk, or its problem."""
        if self.timer:
            self.timer.cancel()
        if self.tell and problem:
            self.tell(words_of(problem))
        if not self.done.done():
            self.done.set_exception(problem) if problem else self.done.set_result(None)
            self.done.exception()  # counts as retrieved: it may never be awaited


class Queue:
    """Call everything from the event loop's thread."""

    def __init__(self) -> None:
        self.dropped = 0
        """How many were given up because there were too many."""
        # In order. Ordered dictionaries, since what is given up is in the middle.
        self._waiting: OrderedDict[Waiting, None] = OrderedDict()
        self._evidence: OrderedDict[Waiting, None] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def newest(self) -> Waiting:
        return next(reversed(self._waiting))

    def add(self, waiting: Waiting) -> None:
        self._waiting[waiting] = None
        if waiting.weight:
            self._evidence[waiting] = None
            self._bytes += waiting.weight
        while self._bytes > MOST_BYTES and len(self._waiting) > MOST_AT_ONCE:
            self._give_up(next(iter(self._evidence)))
        if len(self._waiting) > MOST_WAITING:
            self._give_up(next(iter(self._waiting)))

    def batch(self) -> list[Waiting]:
        """The oldest changes, which stay until they are taken."""
        return list(islice(self._waiting, MOST_AT_ONCE))

    def take(self, waiting: Waiting) -> None:
        """Removes a change, unless it was dropped meanwhile."""
        if waiting in self._waiting:
            del self._waiting[waiting]
            if waiting.weight:
                del self._evidence[waiting]
                self._bytes -= waiting.weight

    def take_all(self) -> list[Waiting]:
        waiting = list(self._waiting)
        self._waiting.clear()
        self._evidence.clear()
        self._bytes = 0
        return waiting

    def _give_up(self, waiting: Waiting) -> None:
        self.take(waiting)
        self.dropped += 1
        waiting.settle(StateUnusable("too many changes wait for the disk"))
