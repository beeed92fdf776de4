"""What has to outlive the process: the trips under way, by token, and the outcomes of those that are over.

One SQLite file in the state directory. A writer thread commits for everybody who waits at that moment (group commit),
so the event loop never waits for the disk. A trip's row is on the disk before the first byte of its message leaves.
"""

import asyncio
import logging
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from json import loads
from pathlib import Path
from typing import Any, TypeVar

from exporter import evidence, state_file
from exporter.history import MOST_BEATS, Beat, beat_of
from exporter.model import Outcome, ProbeKey
from exporter.state_file import StateUnusable

log = logging.getLogger(__name__)

Result = TypeVar("Result")


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


@dataclass(frozen=True, slots=True)
class LastKnown:
    """What is kept of a probe."""

    outcome: Outcome  # the newest
    last_success: float | None  # when a trip last succeeded, in seconds since the epoch
    history: tuple[Beat, ...]  # how those before it ended, the oldest first


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
            return cls(state_file.in_memory(), None, threaded=False)
        return cls(*state_file.in_directory(directory), threaded=threaded)

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

    def last_known(self) -> list["LastKnown"]:
        """Of every probe. What an older version wrote and we cannot read is left out."""
        rows = self._connection.execute("SELECT outcome, last_success, history FROM outcomes")
        read = ((evidence.readable(text), last_success, _beats(history)) for text, last_success, history in rows)
        return [LastKnown(outcome, last_success, beats[:-1]) for outcome, last_success, beats in read if outcome]

    # ---------------------------------------------------------------- reading, for people

    async def recent(self, probe: ProbeKey | None, limit: int) -> list[Outcome]:
        """Recent outcomes of one probe or of all, the newest first. See evidence.py for what is kept."""
        return await self._read(lambda c: evidence.newest(c, probe, limit))

    async def outcome(self, trip_id: str) -> Outcome | None:
        """That of one trip, if it is kept."""
        return await self._read(lambda c: evidence.of_trip(c, trip_id))

    async def _read(self, query: Callable[[sqlite3.Connection], Result]) -> Result:
        """Reads off the event loop, after what is being written. Raises StateUnusable."""
        answers: list[Result] = []
        await self._write(lambda c: answers.append(query(c)))
        return answers[0]

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
        row = (State.FOUND, evidence.written(verdict), verdict.trip)
        await self._write(lambda c: c.execute(change, row))

    def settle(self, trip_id: str, state: State) -> None:
        change = "UPDATE trips SET state = ?, verdict = NULL WHERE id = ?"
        self._write_soon(lambda c: c.execute(change, (state, trip_id)))

    def forget(self, trip_id: str) -> None:
        self._write_soon(lambda c: c.execute("DELETE FROM trips WHERE id = ?", (trip_id,)))

    def forget_expired(self, now: float) -> None:
        self._write_soon(lambda c: c.execute("DELETE FROM trips WHERE expires_at < ?", (now,)))
        self._write_soon(lambda c: evidence.prune(c, now))

    def finished(self, outcome: Outcome) -> None:
        """A trip has its outcome. When the last one succeeded is kept, however many have failed since."""
        probe, finished_at, text = outcome.probe, outcome.finished_at, evidence.written(outcome)
        last_success, beat = finished_at if outcome.success else None, beat_of(outcome)
        row = (probe.module, probe.target, finished_at, text, last_success, beat.success, beat.seconds, MOST_BEATS)
        change = """INSERT INTO outcomes VALUES (?, ?, ?, ?, ?, json_array(json_array(?, ?))) ON CONFLICT DO UPDATE SET
            finished_at = excluded.finished_at, outcome = excluded.outcome,
            last_success = ifnull(excluded.last_success, last_success),
            history = json_insert(iif(json_array_length(history) < ?, history, json_remove(history, '$[0]')), '$[#]',
                json_extract(excluded.history, '$[0]'))"""
        self._write_soon(lambda c: c.execute(change, row))
        self._write_soon(lambda c: evidence.keep(c, outcome, text))

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


def _beats(history: str) -> tuple[Beat, ...]:
    return tuple(Beat(bool(success), seconds) for success, seconds in loads(history))


def _trip(row: tuple[Any, ...]) -> Trip:
    *row_to_state, started_at, boot, started, sending_since, accepted, expires_at, verdict = row
    trip_id, module, target, mailbox, state = row_to_state
    times = (started, expires_at, sending_since, accepted)
    said = evidence.readable(verdict) if verdict else None
    return Trip(trip_id, ProbeKey(module, target), mailbox, State(state), started_at, boot, *times, said)
