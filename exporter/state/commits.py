"""Writes changes of the state to disk: in order, many in one commit, each with its own result.

A change that a trip waits for is committed at once, with all that were queued before it, unless the
newest commit was a moment ago: then with the changes of other trips, so that many trips have ten
commits a second together. Changes that no trip waits for wait a little for such a commit. While one
commit is made, the changes of the next are gathered.

A full disk, or a file that another program has locked, refuses every change for a while. Changes
are then kept and tried again, always before newer ones, so that no newer value is overwritten. A
change that is impossible in itself, such as text that is not UTF-8, is dropped alone.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from functools import partial
from math import inf

from exporter.core.threads import Worker, off_the_loop
from exporter.state.commit_callbacks import Once, Tell, words_of
from exporter.state.queue import Queue, Waiting
from exporter.state.schema import StateUnusable
from exporter.state.transaction import Change, commit
from exporter.state.trouble import RETRY, DiskTrouble

log = logging.getLogger(__name__)

GATHER = 0.1  # seconds, at most, until a change is committed; between two commits that are awaited
SOON = 0.02  # the same, of what has been shown to others: a restart must not report something else
PATIENCE = 5.0  # seconds that a caller waits for the disk
SHORT_PATIENCE = 1.0  # seconds, once the disk is known to be in trouble
LAST_RETRY, LAST_PATIENCE = 0.1, 3.0  # seconds, while we stop: who stops us does not wait for long


class Commits:
    """The only writer. `sync` waits for the disk.

    Without `threaded` the event loop's thread commits, which virtual time and a state in memory
    want.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        threaded: bool,
        sync: Callable[[], None] = lambda: None,
    ) -> None:
        self._connection = connection
        self._sync = sync
        self._worker = Worker() if threaded else None
        self._queue = Queue()
        self._due = inf  # when the queue is to be committed, by the event loop's clock
        self._began = -inf  # when the newest commit began
        self._timer: asyncio.TimerHandle | None = None  # for what is due
        self._retry: asyncio.TimerHandle | None = None  # tries again what the disk has refused
        self._trouble = DiskTrouble()
        self._under_way: asyncio.Future[list[Exception | None]] | None = None  # the commit
        self._closing = False

    def add(
        self,
        change: Change,
        *,
        weight: int = 0,
        tell: Tell | None = None,
        within: float = GATHER,
    ) -> "asyncio.Future[None]":
        """Queues a change, to be committed within so many seconds. The future is done when it is on
        disk, or has the exception that made it impossible."""
        loop = asyncio.get_running_loop()
        waiting = Waiting(change, loop.create_future(), weight)
        if tell:
            waiting.tell = Once(tell)
            waiting.timer = loop.call_later(PATIENCE, self._tell_without_the_disk, waiting)
        self._queue.add(waiting)
        self._write_by(loop.time() + within)
        return waiting.done

    async def wait(self, done: "asyncio.Future[None]") -> None:
        """Returns when that change is on disk. Raises StateUnusable soon if not; it may still be
        written."""
        limit = SHORT_PATIENCE if self._trouble else PATIENCE
        if not done.done():
            self._write_by(self._began + GATHER)
            await asyncio.wait(
                {done, self._trouble.refusal()}, timeout=limit, return_when=asyncio.FIRST_COMPLETED
            )
        if not done.done():
            self._trouble.report_failure(
                self._trouble.words or f"no answer from the disk within {limit:g} s"
            )
            raise StateUnusable(f"the state could not be written: {self._trouble.words}")
        if error := done.exception():
            raise StateUnusable(f"the state could not be written: {words_of(error)}") from error

    async def attempted(self) -> None:
        """Returns when all changes queued so far are on disk, or when the disk is slow or
        refuses."""
        if self._queue and not self._trouble:
            newest = self._queue.newest.done
            self._write_by(self._began)
            await asyncio.wait(
                {newest, self._trouble.refusal()},
                timeout=SHORT_PATIENCE,
                return_when=asyncio.FIRST_COMPLETED,
            )

    async def close(self, patience: float = LAST_PATIENCE) -> bool:
        """Writes the queued changes if possible. Returns whether no write is pending, so that the
        file may be closed."""
        self._closing = True
        if self._retry:
            self._write_again()
        if self._queue:
            newest = self._queue.newest.done
            self._write_by(self._began)
            await asyncio.wait({newest}, timeout=patience)
        if self._retry:
            self._retry.cancel()
        if lost := self._queue.take_all():
            why = self._trouble.words or "no answer from the disk"
            log.error("the state could not be written: %s; changes lost: %d", why, len(lost))
            for waiting in lost:
                waiting.settle(StateUnusable(f"the state could not be written: {why}"))
        if self._worker:
            self._worker.stop()
        return self._under_way is None

    def _write_by(self, moment: float) -> None:
        """Has all changes queued so far committed at that moment of the event loop's clock, with
        those that come until then; in the next turn if it is over."""
        self._due = min(self._due, moment)
        if self._under_way or self._retry:
            return
        if self._timer is None or self._due < self._timer.when():
            if self._timer:
                self._timer.cancel()
            self._timer = asyncio.get_running_loop().call_at(self._due, self._write)

    def _write(self) -> None:
        """Begins a commit."""
        self._timer, self._due = None, inf
        if not self._queue:
            return
        self._began = asyncio.get_running_loop().time()
        batch = self._queue.batch()
        if len(batch) < len(self._queue):
            self._due = self._began
        work = partial(self._commit, batch)
        self._under_way = (
            self._worker.run(work) if self._worker else off_the_loop(work, threaded=False)
        )
        self._under_way.add_done_callback(partial(self._attempted, batch))

    def _attempted(
        self, batch: list[Waiting], commit: "asyncio.Future[list[Exception | None]]"
    ) -> None:
        self._under_way = None
        if error := commit.exception():
            self._trouble.report_failure(words_of(error))
            pause = LAST_RETRY if self._closing else RETRY
            self._retry = asyncio.get_running_loop().call_later(pause, self._write_again)
            return
        self._trouble.report_success(len(batch), self._queue.dropped)
        self._queue.dropped = 0
        for waiting, problem in zip(batch, commit.result(), strict=True):
            self._queue.take(waiting)
            if problem:
                log.error("the state could not be written: %s", words_of(problem))
            waiting.settle(problem)
        if self._queue:
            self._write_by(self._due)

    def _write_again(self) -> None:
        if self._retry:
            self._retry.cancel()
            self._retry = None
        self._write()

    def _commit(self, batch: list[Waiting]) -> list[Exception | None]:
        """Writes all valid changes, and returns the errors of the others. Raises when the disk
        refuses."""
        problems = commit(self._connection, [waiting.change for waiting in batch])
        for waiting, problem in zip(batch, problems, strict=True):
            if waiting.tell and not problem:
                # In this very moment: a process that is killed a little later has told it, once.
                waiting.tell("")
        try:
            self._sync()
        except OSError as error:  # it is committed all the same, and must not be so twice
            log.error("the newest changes of the state may not be on the disk: %s", error.strerror)
        return problems

    def _tell_without_the_disk(self, waiting: Waiting) -> None:
        if waiting.tell:
            waiting.tell(self._trouble.words or f"no answer from the disk within {PATIENCE:g} s")
