"""What has to outlive the process: the trips under way, by token, and the newest outcome of every probe.

One SQLite file in the state directory. A writer thread commits for everybody who waits at that moment (group commit),
so the event loop never waits for the disk. A trip's row is on the disk before the first byte of its message leaves.
"""

import asyncio
import fcntl
import logging
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from exporter.model import Outcome, ProbeKey

log = logging.getLogger(__name__)

SCHEMA_VERSION = 2
_SCHEMA = """
CREATE TABLE trips (
    id TEXT PRIMARY KEY, module TEXT NOT NULL, target TEXT NOT NULL, mailbox TEXT NOT NULL, state TEXT NOT NULL,
    started_at REAL NOT NULL, boot TEXT NOT NULL, started REAL NOT NULL, sending_since REAL,
    accepted REAL, expires_at REAL NOT NULL, verdict TEXT
) WITHOUT ROWID;
CREATE TABLE outcomes (
    module TEXT NOT NULL, target TEXT NOT NULL, finished_at REAL NOT NULL, outcome TEXT NOT NULL, last_success REAL,
    PRIMARY KEY (module, target)
) WITHOUT ROWID;
"""
_FROM_1_TO_2 = """
ALTER TABLE trips ADD COLUMN verdict TEXT;
ALTER TABLE outcomes ADD COLUMN last_success REAL;
UPDATE outcomes SET last_success = finished_at WHERE json_extract(outcome, '$.failure') IS NULL;
"""
_STEPS = {0: _SCHEMA, 1: _FROM_1_TO_2}
"""What leads from a schema to ours, by its version; 0 is that of a new file."""
_OUTCOME = TypeAdapter(Outcome)


class State(StrEnum):
    """What is known of a trip's message."""

    LEAVING = "leaving"  # it may or may not have left
    SENT = "sent"  # accepted by a server; awaited
    FOUND = "found"  # seen in the mailbox; perhaps not deleted yet
    OVERDUE = "overdue"  # not back in time; still known, so that it can come late
    FAILED = "failed"  # the trip failed otherwise; if the message comes, it is only cleaned away
    ARRIVED = "arrived"


@dataclass(frozen=True, slots=True)
class Trip:
    """A trip as the store knows it. Times: `*_at` seconds since the epoch; the others monotonic within `boot`."""

    id: str
    probe: ProbeKey
    mailbox: str
    state: State
    started_at: float
    boot: str
    started: float
    expires_at: float
    sending_since: float | None = None
    accepted: float | None = None
    verdict: Outcome | None = None  # of a trip whose message was found, as far as it had come then


class StateUnusable(Exception):
    """The state directory cannot be used. The message names it and the cure."""


Change = Callable[[sqlite3.Connection], object]


class Store:
    """Open with `Store.open(directory)`, or with None for one that lives in memory only.

    Without `threaded` the event loop's thread commits, which virtual time and a state in memory want.
    """

    def __init__(self, connection: sqlite3.Connection, lock: int | None, *, threaded: bool) -> None:
        self._connection = connection
        self._lock = lock
        self._writer = ThreadPoolExecutor(1, "store") if threaded else None
        self._waiting: list[tuple[Change, asyncio.Future[None]]] = []
        self._committing: asyncio.Task[None] | None = None

    @classmethod
    def open(cls, directory: Path | None, *, threaded: bool = True) -> "Store":
        """Raises StateUnusable. A damaged file is set aside, and a new one begun."""
        if directory is None:
            return cls(_connect(":memory:"), None, threaded=False)
        lock = _lock(directory)
        file = directory / "mailtrip.sqlite"
        try:
            return cls(_connect(str(file)), lock, threaded=threaded)
        except sqlite3.OperationalError as error:
            os.close(lock)
            raise StateUnusable(f"cannot use {file}: {error}") from None
        except sqlite3.DatabaseError as error:
            aside = file.with_suffix(".damaged")
            log.error("the state in %s is damaged (%s); it is set aside as %s", file, error, aside)
            for suffix in ("-wal", "-shm"):
                Path(f"{file}{suffix}").unlink(missing_ok=True)
            file.replace(aside)
            return cls(_connect(str(file)), lock, threaded=threaded)

    # ---------------------------------------------------------------- reading, at the start or for strays

    def unsettled(self) -> list[Trip]:
        """The trips whose message may still come."""
        rows = self._connection.execute("SELECT * FROM trips WHERE state != ?", (State.ARRIVED,))
        return [_trip(row) for row in rows]

    def last_starts(self) -> dict[ProbeKey, float]:
        """When the newest trip of each probe began that is known by its message, in seconds since the epoch."""
        rows = self._connection.execute("SELECT module, target, max(started_at) FROM trips GROUP BY module, target")
        return {ProbeKey(module, target): started_at for module, target, started_at in rows}

    def trip(self, trip_id: str) -> Trip | None:
        row = self._connection.execute("SELECT * FROM trips WHERE id = ?", (trip_id,)).fetchone()
        return _trip(row) if row else None

    def outcomes(self) -> list[tuple[Outcome, float | None]]:
        """The newest outcome of every probe, and when a trip of it last succeeded, in seconds since the epoch.

        What an older version wrote and we cannot read is left out.
        """
        rows = self._connection.execute("SELECT outcome, last_success FROM outcomes")
        read = ((_readable(text), last_success) for text, last_success in rows)
        return [(outcome, last_success) for outcome, last_success in read if outcome]

    # ---------------------------------------------------------------- writing

    async def begin(self, trip: Trip) -> None:
        """Returns when the trip is on the disk."""
        row = (trip.id, trip.probe.module, trip.probe.target, trip.mailbox, trip.state, trip.started_at, trip.boot)
        times = (trip.started, trip.sending_since, trip.accepted, trip.expires_at)
        insert = "INSERT INTO trips VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)"
        await self._write(lambda c: c.execute(insert, (*row, *times)))

    def accepted(self, trip_id: str, sending_since: float | None, moment: float) -> None:
        """A server has taken the message, at that monotonic time."""
        change = "UPDATE trips SET state = ?, sending_since = ?, accepted = ? WHERE id = ?"
        self._write_soon(lambda c: c.execute(change, (State.SENT, sending_since, moment, trip_id)))

    async def found(self, verdict: Outcome) -> None:
        """Returns when it is on the disk that the message is back, and what the trip has to say so far."""
        change = "UPDATE trips SET state = ?, verdict = ? WHERE id = ?"
        row = (State.FOUND, _OUTCOME.dump_json(verdict).decode(), verdict.trip)
        await self._write(lambda c: c.execute(change, row))

    def settle(self, trip_id: str, state: State) -> None:
        change = "UPDATE trips SET state = ?, verdict = NULL WHERE id = ?"
        self._write_soon(lambda c: c.execute(change, (state, trip_id)))

    def forget(self, trip_id: str) -> None:
        self._write_soon(lambda c: c.execute("DELETE FROM trips WHERE id = ?", (trip_id,)))

    def forget_expired(self, now: float) -> None:
        self._write_soon(lambda c: c.execute("DELETE FROM trips WHERE expires_at < ?", (now,)))

    def finished(self, outcome: Outcome) -> None:
        """A trip has its outcome. When the last one succeeded is kept, however many have failed since."""
        probe, finished_at = outcome.probe, outcome.finished_at
        last_success = finished_at if outcome.success else None
        row = (probe.module, probe.target, finished_at, _OUTCOME.dump_json(outcome).decode(), last_success)
        change = """INSERT INTO outcomes VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
            finished_at = excluded.finished_at, outcome = excluded.outcome,
            last_success = ifnull(excluded.last_success, last_success)"""
        self._write_soon(lambda c: c.execute(change, row))

    async def _write(self, change: Change) -> None:
        try:
            await self._queue(change)
        except sqlite3.Error as error:
            raise StateUnusable(f"the state could not be written: {error}") from error

    def _write_soon(self, change: Change) -> None:
        """For what need not be waited for."""
        self._queue(change).add_done_callback(_log_failure)

    def _queue(self, change: Change) -> "asyncio.Future[None]":
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((change, done))
        if self._committing is None or self._committing.done():
            self._committing = asyncio.create_task(self._commit_all(), name="store")
        return done

    async def _commit_all(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting, []
            error: Exception | None = None
            try:
                changes = [change for change, _ in batch]
                if self._writer:
                    await loop.run_in_executor(self._writer, self._commit, changes)
                else:
                    self._commit(changes)
            except sqlite3.Error as problem:
                error = problem
            for _, done in batch:
                if not done.done():
                    done.set_exception(error) if error else done.set_result(None)

    def _commit(self, changes: list[Change]) -> None:
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            for change in changes:
                change(self._connection)

    async def close(self) -> None:
        """Writes what waits, and gives the state directory free."""
        if self._committing:
            await self._committing
        if self._writer:
            self._writer.shutdown()
        self._connection.close()
        if self._lock is not None:
            os.close(self._lock)


def _log_failure(done: "asyncio.Future[None]") -> None:
    if not done.cancelled() and (error := done.exception()):
        log.error("the state could not be written: %s", error)


def _trip(row: tuple[Any, ...]) -> Trip:
    *row_to_state, started_at, boot, started, sending_since, accepted, expires_at, verdict = row
    trip_id, module, target, mailbox, state = row_to_state
    times = (started, expires_at, sending_since, accepted)
    said = _readable(verdict) if verdict else None
    return Trip(trip_id, ProbeKey(module, target), mailbox, State(state), started_at, boot, *times, said)


def _readable(text: str) -> Outcome | None:
    try:
        return _OUTCOME.validate_json(text)
    except ValidationError:
        return None


def _lock(directory: Path) -> int:
    """One process for one state directory."""
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StateUnusable(f"cannot write in the state directory {directory}: {error.strerror}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise StateUnusable(f"another mailtrip uses the state directory {directory}; give this one its own") from None
    return lock


def _connect(file: str) -> sqlite3.Connection:
    """Commits by hand. FULL: a commit has reached the disk when it returns, also with the power cut."""
    connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    try:
        _prepare(connection)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version in _STEPS:
        connection.executescript(f"BEGIN;{_STEPS[version]}PRAGMA user_version = {SCHEMA_VERSION};COMMIT;")
    elif version != SCHEMA_VERSION:
        raise sqlite3.OperationalError(f"it was written by another version of mailtrip (schema {version})")
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)
