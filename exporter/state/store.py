"""What has to outlive the process: the trips under way, by token, and the outcomes of those that
are over.

One SQLite file in the state directory. What is written goes through commits.py, and what is read
has a connection of its own: the event loop never waits for the disk. A trip's row is on the disk
before its message leaves.
"""

import asyncio
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from json import loads
from pathlib import Path
from typing import Any, TypeVar

from exporter.core.model import Fact, Outcome, ProbeKey
from exporter.core.threads import off_the_loop
from exporter.state import evidence
from exporter.state import schema as state_file
from exporter.state.commits import LAST_PATIENCE, PATIENCE, Commits, Tell
from exporter.state.history import MOST_BEATS, Beat, beat_of
from exporter.state.rows import forget_the_rest, sensible
from exporter.state.schema import StateUnusable

Result = TypeVar("Result")
CLOSING = 0.5  # seconds that the disk has to close a file


class State(StrEnum):
    """What is known of a trip's message."""

    LEAVING = "leaving"  # it may or may not have left
    SENT = "sent"  # accepted by a server; awaited
    FOUND = "found"  # seen in the mailbox; perhaps not deleted yet
    OVERDUE = "overdue"  # not back in time; still known, so that it can come late
    FAILED = "failed"  # the trip failed otherwise; if the message comes, it is only cleaned away
    ARRIVED = "arrived"


@dataclass(frozen=True, slots=True)
class Moment:
    """The time by all our clocks, in seconds: `boot` names the period in which monotonic times may
    be compared."""

    boot: str  # empty if the machine does not tell
    monotonic: float
    wall: float


@dataclass(frozen=True, slots=True)
class Trip:
    """A trip as the store knows it. Times: `*_at` seconds since the epoch; the others monotonic
    within `boot`."""

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
    facts: tuple[Fact, ...] = ()  # of one whose message was accepted: what the sending has taught

    @property
    def expires(self) -> float:
        """When its message is lost, monotonic: the wall clock may be set meanwhile, and no time
        passes by that."""
        return self.started + (self.expires_at - self.started_at)

    def in_this_boot(self, now: Moment, grace: float) -> "Trip":
        """The same by the monotonic clock of this boot.

        How long the machine was away only the wall clock can say, which may be wrong: it is
        believed, but `grace` seconds are left in any case. Nothing can be measured over a boot.
        """
        if self.boot == now.boot and now.boot:
            return self
        ago = max(0.0, min(now.wall - self.started_at, self.expires_at - self.started_at - grace))
        return replace(
            self, boot=now.boot, started=now.monotonic - ago, sending_since=None, accepted=None
        )


@dataclass(frozen=True, slots=True)
class LastKnown:
    """What is kept of a probe."""

    outcome: Outcome  # the newest
    last_success: float | None  # when a trip last succeeded, in seconds since the epoch
    history: tuple[Beat, ...]  # how those before it ended, the oldest first


SENSIBLE = sensible(State)


class Store:
    """Open with `Store.open(directory)`, or with None for one that lives in memory only.

    Without `threaded` the event loop's thread commits, which virtual time and a state in memory
    want.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        directory: Path | None,
        lock: int | None,
        threaded: bool,
    ) -> None:
        place = state_file.place_of(directory) if directory else str
        self._connection = connection
        sync = state_file.sync_of(directory) if directory else lambda: None
        self._commits = Commits(connection, place, threaded=threaded, sync=sync)
        self._reader = state_file.for_reading(directory) if directory else connection
        self._reading: asyncio.Future[Any] | None = None
        self._lock = lock
        self._threaded = threaded

    @classmethod
    def open(cls, directory: Path | None, *, threaded: bool = True) -> "Store":
        """Raises StateUnusable. A damaged file is set aside, and a new one begun."""
        if directory is None:
            return cls(state_file.in_memory(), None, None, threaded=False)
        connection, lock = state_file.in_directory(directory)
        forget_the_rest(connection, SENSIBLE)
        return cls(connection, directory, lock, threaded)

    # ---------------------------------------------------------------- reading, at the start, and
    # for a reload

    # What these read does not wait for what is being written. All raise StateUnusable.

    def unsettled(self) -> list[Trip]:
        """The trips whose message may still come."""
        query = f"SELECT * FROM trips WHERE state != ? AND {SENSIBLE['trips']}"  # noqa: S608
        with _readable():
            return [_trip(row) for row in self._reader.execute(query, (State.ARRIVED,))]

    def last_starts(self, now: Moment) -> dict[ProbeKey, float]:
        """When the newest trip of each probe began that is known by its message: monotonic, in this
        boot's seconds."""
        query = f"""SELECT module, target, max(iif(boot = ? AND boot != '', started, ? - max(? - started_at, 0)))
            FROM trips WHERE {SENSIBLE["trips"]} GROUP BY module, target"""  # noqa: S608
        with _readable():
            rows = self._reader.execute(query, (now.boot, now.monotonic, now.wall)).fetchall()
        return {ProbeKey(module, target): started for module, target, started in rows}

    def last_known(self) -> list["LastKnown"]:
        """Of every probe. What an older version wrote and we cannot read is left out."""
        query = f"SELECT outcome, last_success, history FROM outcomes WHERE {SENSIBLE['outcomes']}"  # noqa: S608
        with _readable():
            rows = self._reader.execute(query).fetchall()
        read = (
            (evidence.readable(text), last_success, _beats(history))
            for text, last_success, history in rows
        )
        return [
            LastKnown(outcome, last_success, beats[:-1])
            for outcome, last_success, beats in read
            if outcome
        ]

    # ---------------------------------------------------------------- reading, later

    async def trip(self, trip_id: str) -> Trip | None:
        """Raises StateUnusable."""
        query = f"SELECT * FROM trips WHERE id = ? AND {SENSIBLE['trips']}"  # noqa: S608
        row = await self._read(lambda c: c.execute(query, (trip_id,)).fetchone())
        return _trip(row) if row else None

    async def recent(self, probe: ProbeKey | None, limit: int) -> list[Outcome]:
        """Recent outcomes of one probe or of all, the newest first. See evidence.py for what is
        kept."""
        return await self._read(lambda c: evidence.newest(c, probe, limit))

    async def outcome(self, trip_id: str) -> Outcome | None:
        """That of one trip, if it is kept."""
        return await self._read(lambda c: evidence.of_trip(c, trip_id))

    async def _read(self, query: Callable[[sqlite3.Connection], Result]) -> Result:
        """Reads off the event loop, after what is being written. Raises StateUnusable."""
        await self._commits.attempted()
        with _readable():
            async with asyncio.timeout(PATIENCE):
                while self._reading and not self._reading.done():
                    await asyncio.wait({self._reading})
                reading = self._reading = off_the_loop(
                    partial(query, self._reader), threaded=self._threaded
                )
                return await asyncio.shield(reading)

    # ---------------------------------------------------------------- writing

    async def record(self, trip: Trip) -> None:
        """Returns when the trip is on the disk. Raises StateUnusable if it is not yet; it is kept
        to be written."""
        row = (
            trip.id,
            trip.probe.module,
            trip.probe.target,
            trip.mailbox,
            trip.state,
            trip.started_at,
            trip.boot,
        )
        times = (trip.started, trip.sending_since, trip.accepted, trip.expires_at)
        insert = "INSERT INTO trips VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)"
        await self._commits.wait(self._change(insert, *row, *times))

    def accepted(self, trip: Trip, tell: Tell) -> None:
        """A server has taken the message. `tell` hears when that is on the disk: see commits.py."""
        change = (
            "UPDATE trips SET state = ?, sending_since = ?, accepted = ?, verdict = ? WHERE id = ?"
        )
        facts = evidence.facts_written(trip.facts) if trip.facts else None
        self._change(
            change, State.SENT, trip.sending_since, trip.accepted, facts, trip.id, tell=tell
        )

    async def found(self, verdict: Outcome) -> None:
        """Returns when it is on the disk that the message is back, and what the trip has to say so
        far.

        Raises StateUnusable if it is not yet; it is kept to be written.
        """
        change = "UPDATE trips SET state = ?, verdict = ? WHERE id = ?"
        await self._commits.wait(
            self._change(change, State.FOUND, evidence.written(verdict), verdict.trip)
        )

    def settle(
        self, trip_id: str, state: State, tell: Tell | None = None
    ) -> "asyncio.Future[None]":
        change = "UPDATE trips SET state = ?, verdict = NULL WHERE id = ?"
        return self._change(change, state, trip_id, tell=tell)

    def forget(self, trip_id: str, tell: Tell | None = None) -> None:
        self._change("DELETE FROM trips WHERE id = ?", trip_id, tell=tell)

    async def written(self, change: "asyncio.Future[None]") -> None:
        """Returns when it is on the disk. Raises StateUnusable if it is not yet; it is kept to be
        written."""
        await self._commits.wait(change)

    def come_back(self, now: Moment, grace: float) -> None:
        """Trips of another boot, whose monotonic clock is gone, are counted on by ours: see
        Trip.in_this_boot."""
        change = """UPDATE trips SET boot = ?1, sending_since = NULL, accepted = NULL,
            started = ?2 - max(0, min(?3 - started_at, expires_at - started_at - ?4)) WHERE boot != ?1 OR ?1 = ''"""
        self._change(change, now.boot, now.monotonic, now.wall, grace)

    def forget_expired(self, now: Moment) -> None:
        """What is too old by the time that has passed; `now.wall` is for the evidence."""
        gone = "DELETE FROM trips WHERE boot = ? AND started + (expires_at - started_at) < ?"
        self._change(gone, now.boot, now.monotonic)
        self._commits.add(lambda c: evidence.prune(c, now.wall))

    def finished(self, outcome: Outcome, tell: Tell | None = None) -> None:
        """A trip has its outcome. When the last one succeeded is kept, however many have failed
        since."""
        probe, finished_at, text = outcome.probe, outcome.finished_at, evidence.written(outcome)
        last_success, beat = finished_at if outcome.success else None, beat_of(outcome)
        row = (
            probe.module,
            probe.target,
            finished_at,
            text,
            last_success,
            beat.success,
            beat.seconds,
            MOST_BEATS,
        )
        insert = """INSERT INTO outcomes VALUES (?, ?, ?, ?, ?, json_array(json_array(?, ?))) ON CONFLICT DO UPDATE SET
            finished_at = excluded.finished_at, outcome = excluded.outcome,
            last_success = ifnull(excluded.last_success, last_success),
            history = CASE WHEN iif(json_valid(history), json_type(history), '') != 'array' THEN excluded.history
                ELSE json_insert(iif(json_array_length(history) < ?, history, json_remove(history, '$[0]')), '$[#]',
                    json_extract(excluded.history, '$[0]')) END"""

        def change(connection: sqlite3.Connection) -> None:
            connection.execute(insert, row)
            evidence.keep(connection, outcome, text)

        self._commits.add(change, weight=len(text), tell=tell)

    def _change(
        self, statement: str, *values: object, tell: Tell | None = None
    ) -> "asyncio.Future[None]":
        return self._commits.add(lambda c: c.execute(statement, values), tell=tell)

    async def close(self, patience: float = LAST_PATIENCE) -> None:
        """Writes what waits, for so many seconds, and gives the state directory free."""
        if await self._commits.close(patience) and (self._reading is None or self._reading.done()):
            # The last one to close writes, too.
            closed = off_the_loop(self._close_files, threaded=self._threaded)
            await asyncio.wait({closed}, timeout=CLOSING)
        if self._lock is not None:
            os.close(self._lock)

    def _close_files(self) -> None:
        self._reader.close()
        self._connection.close()


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except TimeoutError:
        raise StateUnusable(
            f"the state cannot be read now: no answer from the disk within {PATIENCE:g} s"
        ) from None
    except sqlite3.Error as error:
        raise StateUnusable(f"the state cannot be read now: {error}") from error


def _beats(history: str) -> tuple[Beat, ...]:
    """Those that make sense."""
    try:
        said = loads(history)
    except (ValueError, RecursionError):
        return ()
    pairs = (
        [one for one in said if isinstance(one, list) and len(one) == 2]
        if isinstance(said, list)
        else []
    )
    return tuple(
        Beat(bool(success), seconds)
        for success, seconds in pairs
        if isinstance(seconds, int | float)
    )


def _trip(row: tuple[Any, ...]) -> Trip:
    *row_to_state, started_at, boot, started, sending_since, accepted, expires_at, verdict = row
    trip_id, module, target, mailbox, state = row_to_state
    times = (started, expires_at, sending_since, accepted)
    said = evidence.readable(verdict) if verdict and state != State.SENT else None
    facts = evidence.facts_readable(verdict) if verdict and state == State.SENT else ()
    return Trip(
        trip_id,
        ProbeKey(module, target),
        mailbox,
        State(state),
        started_at,
        boot,
        *times,
        said,
        facts,
    )
