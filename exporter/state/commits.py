"""Writes changes of the state to disk: in order, many in one commit, each with its own result.

A full disk, or a file that another program has locked, refuses every change for a while. Changes
are then kept and tried again, always before newer ones, so that no newer value is overwritten. A
change that is impossible in itself, such as text that is not UTF-8, is dropped alone.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from exporter.core.threads import off_the_loop, retrieved
from exporter.state.commit_callbacks import Once, Tell, words_of
from exporter.state.queue import Queue, Waiting
from exporter.state.schema import StateUnusable
from exporter.state.transaction import Change, commit
from exporter.state.trouble import RETRY, DiskTrouble

log = logging.getLogger(__name__)

PATIENCE = 5.0  # seconds that a caller waits for the disk
SHORT_PATIENCE = 1.0  # seconds, once the disk is known to be in trouble
LAST_RETRY, LAST_PATIENCE = 0.1, 3.0  # seconds, while we stop: who stops us does not wait for long


class Commits:
    """The only writer. `place` returns what is wrong with the file's location, or ""; `sync` waits
    for the disk.

    Without `threaded` the event loop's thread commits, which virtual time and a state in memory
    want.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        place: Callable[[], str],
        *,
        threaded: bool,
        sync: Callable[[], None] = lambda: None,
    ) -> None:
        self._connection = connection
        self._place = place
        self._sync = sync
        self._threaded = threaded
        self._queue = Queue()
        self._trouble = DiskTrouble()
        self._task: asyncio.Task[None] | None = None
        self._thread: asyncio.Future[list[Exception | None]] | None = None
        self._misplaced = ""
        self._closing = asyncio.Event()

    def add(
        self, change: Change, *, weight: int = 0, tell: Tell | None = None
    ) -> "asyncio.Future[None]":
        """Queues a change. The future is done when it is on disk, or has the exception that made it
        impossible."""
        loop = asyncio.get_running_loop()
        waiting = Waiting(change, loop.create_future(), weight)
        waiting.done.add_done_callback(retrieved)
        if tell:
            waiting.tell = Once(tell)
            waiting.timer = loop.call_later(PATIENCE, self._tell_without_the_disk, waiting)
        self._queue.add(waiting)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write(), name="store")
        return waiting.done

    async def wait(self, done: "asyncio.Future[None]") -> None:
        """Returns when that change is on disk. Raises StateUnusable soon if not; it may still be
        written."""
        limit = SHORT_PATIENCE if self._trouble else PATIENCE
        if not done.done():
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
            await asyncio.wait(
                {newest, self._trouble.refusal()},
                timeout=SHORT_PATIENCE,
                return_when=asyncio.FIRST_COMPLETED,
            )

    async def close(self, patience: float = LAST_PATIENCE) -> bool:
        """Writes the queued changes if possible. Returns whether no write is pending, so that the
        file may be closed."""
        self._closing.set()
        if self._task:
            await asyncio.wait({self._task}, timeout=patience)
            self._task.cancel()
        if lost := self._queue.take_all():
            why = self._trouble.words or "no answer from the disk"
            log.error("the state could not be written: %s; changes lost: %d", why, len(lost))
            for waiting in lost:
                waiting.settle(StateUnusable(f"the state could not be written: {why}"))
        return not self._thread or self._thread.done()

    async def _write(self) -> None:
        while self._queue:
            batch = self._queue.batch()
            try:
                self._thread = off_the_loop(partial(self._commit, batch), threaded=self._threaded)
                problems = await asyncio.shield(self._thread)
            except Exception as error:
                self._trouble.report_failure(words_of(error))
                await self._pause()
                continue
            self._trouble.report_success(len(batch), self._queue.dropped)
            self._queue.dropped = 0
            for waiting, problem in zip(batch, problems, strict=True):
                self._queue.take(waiting)
                if problem:
                    log.error("the state could not be written: %s", words_of(problem))
                waiting.settle(problem)

    async def _pause(self) -> None:
        if self._closing.is_set():
            await asyncio.sleep(LAST_RETRY)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), RETRY)

    def _commit(self, batch: list[Waiting]) -> list[Exception | None]:
        """Writes all valid changes, and returns the errors of the others. Raises when the disk
        refuses."""
        problems = commit(self._connection, [waiting.change for waiting in batch])
        for waiting, problem in zip(batch, problems, strict=True):
            if waiting.tell and not problem:
                waiting.tell(
                    ""
                    # in this very moment: who is killed a little later has told it, and tells it once
                )
        try:
            self._sync()
        except OSError as error:  # it is committed all the same, and must not be so twice
            log.error("the newest changes of the state may not be on the disk: %s", error.strerror)
        if (misplaced := self._place()) != self._misplaced:
            self._misplaced = misplaced
            if misplaced:
                log.error("%s", misplaced)
        return problems

    def _tell_without_the_disk(self, waiting: Waiting) -> None:
        if waiting.tell:
            waiting.tell(self._trouble.words or f"no answer from the disk within {PATIENCE:g} s")
