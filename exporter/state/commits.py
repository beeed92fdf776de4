"""Changes of the state on their way to the disk: in their order, many in one commit, each with its
own fate.

A disk that is full, or a file that another program has locked, refuses everything for a while. What
waits is then kept and tried again, always before whatever is newer, so that nothing that was
settled is unsettled. A change that is impossible in itself, such as one with text that is no UTF-8,
is given up alone.
"""

import asyncio
import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

from exporter.core.threads import off_the_loop, retrieved
from exporter.state.schema import StateUnusable, is_refusal

log = logging.getLogger(__name__)

PATIENCE = 5.0  # seconds that anybody waits for the disk
SHORT_PATIENCE = 1.0  # seconds, once the disk is known to be in trouble
RETRY = 1.0  # seconds between two attempts then
LAST_RETRY, LAST_PATIENCE = 0.1, 3.0  # seconds, while we stop: who stops us does not wait for long
MOST_AT_ONCE = 1000  # changes in one commit
MOST_WAITING = 50_000  # changes that are kept while the disk refuses
MOST_BYTES = 16 << 20  # of the evidence among them, which goes first

Change = Callable[[sqlite3.Connection], object]
Tell = Callable[[str], None]
"""Is called once: with "" when a change is on the disk, else with why it is not. Perhaps by another
thread."""


class Once:
    """Tells only the first who calls, of two threads also."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._first = threading.Lock()

    def __call__(self, why: str) -> None:
        if self._first.acquire(blocking=False):
            try:
                self._tell(why)
            except Exception:
                log.exception("a bug in mailtrip")


@dataclass(slots=True, eq=False)
class _Waiting:
    change: Change
    done: "asyncio.Future[None]"
    weight: int  # bytes of evidence; 0 for what must not be forgotten
    tell: Once | None = None
    timer: asyncio.TimerHandle | None = field(default=None)


class Commits:
    """The only writer. `place` says what is wrong with where the file is, or ""; `sync` waits for
    the disk.

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
        self._waiting: deque[_Waiting] = deque()
        self._bytes = 0
        self._dropped = 0
        self._task: asyncio.Task[None] | None = None
        self._thread: asyncio.Future[list[Exception | None]] | None = None
        self._refused: asyncio.Future[None] | None = None  # done at the next refusal
        self._trouble = ""  # of the disk, until it has written again
        self._misplaced = ""
        self._closing = asyncio.Event()

    # ---------------------------------------------------------------- for those who change
    # something

    def add(
        self, change: Change, *, weight: int = 0, tell: Tell | None = None
    ) -> "asyncio.Future[None]":
        """Queues a change. The future is done when it is on the disk, or has the exception that
        made it impossible."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting(change, loop.create_future(), weight)
        waiting.done.add_done_callback(retrieved)
        if tell:
            waiting.tell = Once(tell)
            waiting.timer = loop.call_later(PATIENCE, self._tell_without_the_disk, waiting)
        self._waiting.append(waiting)
        self._bytes += weight
        self._make_room()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write(), name="store")
        return waiting.done

    async def wait(self, done: "asyncio.Future[None]") -> None:
        """Returns when that change is on the disk. Raises StateUnusable soon if it is not: perhaps
        it will be yet."""
        limit = SHORT_PATIENCE if self._trouble else PATIENCE
        if not done.done():
            await asyncio.wait(
                {done, self._refusal()}, timeout=limit, return_when=asyncio.FIRST_COMPLETED
            )
        if not done.done():
            self._is_in_trouble(self._trouble or f"no answer from the disk within {limit:g} s")
            raise StateUnusable(f"the state could not be written: {self._trouble}")
        if error := done.exception():
            raise StateUnusable(f"the state could not be written: {_words(error)}") from error

    async def attempted(self) -> None:
        """Returns when all that waits now is on the disk, or when the disk is slow or refuses."""
        if self._waiting and not self._trouble:
            newest = self._waiting[-1].done
            await asyncio.wait(
                {newest, self._refusal()},
                timeout=SHORT_PATIENCE,
                return_when=asyncio.FIRST_COMPLETED,
            )

    async def close(self, patience: float = LAST_PATIENCE) -> bool:
        """Writes what waits, if that can be. Whether the disk has let go of us, so that the file
        may be closed."""
        self._closing.set()
        if self._task:
            await asyncio.wait({self._task}, timeout=patience)
            self._task.cancel()
        if self._waiting:
            why = self._trouble or "no answer from the disk"
            log.error(
                "the state could not be written: %s; changes that are lost: %d",
                why,
                len(self._waiting),
            )
            for waiting in self._waiting:
                self._settle(waiting, StateUnusable(f"the state could not be written: {why}"))
            self._waiting.clear()
        return not self._thread or self._thread.done()

    # ---------------------------------------------------------------- writing

    async def _write(self) -> None:
        while self._waiting:
            batch = list(islice(self._waiting, MOST_AT_ONCE))
            try:
                self._thread = off_the_loop(partial(self._commit, batch), threaded=self._threaded)
                problems = await asyncio.shield(self._thread)
            except Exception as error:
                self._is_in_trouble(_words(error))
                await self._pause()
                continue
            self._is_well(len(batch))
            for waiting, problem in zip(batch, problems, strict=True):
                # Else it had to make room meanwhile.
                if self._waiting and self._waiting[0] is waiting:
                    self._waiting.popleft()
                    self._bytes -= waiting.weight
                if problem:
                    log.error("the state could not be written: %s", _words(problem))
                self._settle(waiting, problem)

    async def _pause(self) -> None:
        if self._closing.is_set():
            await asyncio.sleep(LAST_RETRY)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), RETRY)

    def _commit(self, batch: list[_Waiting]) -> list[Exception | None]:
        """Writes all that can be written, and returns what is wrong with the rest. Raises when the
        disk refuses."""
        problems = self._transaction(batch)
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

    def _transaction(self, batch: list[_Waiting]) -> list[Exception | None]:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            problems = [_problem_of(waiting.change, connection) for waiting in batch]
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise
        return problems

    # ---------------------------------------------------------------- when it goes wrong

    def _settle(self, waiting: _Waiting, problem: Exception | None) -> None:
        if waiting.timer:
            waiting.timer.cancel()
        if waiting.tell and problem:
            waiting.tell(_words(problem))
        if not waiting.done.done():
            waiting.done.set_exception(problem) if problem else waiting.done.set_result(None)

    def _tell_without_the_disk(self, waiting: _Waiting) -> None:
        if waiting.tell:
            waiting.tell(self._trouble or f"no answer from the disk within {PATIENCE:g} s")

    def _refusal(self) -> "asyncio.Future[None]":
        if self._refused is None or self._refused.done():
            self._refused = asyncio.get_running_loop().create_future()
        return self._refused

    def _is_in_trouble(self, trouble: str) -> None:
        if not self._trouble:
            log.error(
                "the state could not be written: %s; it is tried again every %g s", trouble, RETRY
            )
        self._trouble = trouble
        if self._refused and not self._refused.done():
            self._refused.set_result(None)

    def _is_well(self, written: int) -> None:
        if self._trouble:
            lost = (
                f"; changes that were too many to be kept: {self._dropped}" if self._dropped else ""
            )
            log.warning("the state is written again; changes that had waited: %d%s", written, lost)
        self._trouble, self._dropped = "", 0

    def _make_room(self) -> None:
        """While the disk refuses, the oldest evidence is given up first."""
        while self._bytes > MOST_BYTES and len(self._waiting) > MOST_AT_ONCE:
            oldest = next(waiting for waiting in self._waiting if waiting.weight)
            self._give_up(oldest)
        if len(self._waiting) > MOST_WAITING:
            self._give_up(self._waiting[0])

    def _give_up(self, waiting: _Waiting) -> None:
        self._waiting.remove(waiting)
        self._bytes -= waiting.weight
        self._dropped += 1
        self._settle(waiting, StateUnusable("too much waits for the disk"))


def _problem_of(change: Change, connection: sqlite3.Connection) -> Exception | None:
    """Why this change is impossible, if it is. Raises when the disk refuses."""
    connection.execute("SAVEPOINT one")
    try:
        change(connection)
    except Exception as error:
        if isinstance(error, sqlite3.Error) and is_refusal(error):
            raise
        connection.execute("ROLLBACK TO one")
        return error
    finally:
        if connection.in_transaction:
            connection.execute("RELEASE one")
    return None


def _words(problem: BaseException) -> str:
    return str(problem) or type(problem).__name__
