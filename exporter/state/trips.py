"""The table of trips: those whose message may be in transit."""

from sqlite3 import Connection
from typing import Any

from exporter.core.home import Home
from exporter.core.model import ProbeKey
from exporter.state import evidence
from exporter.state.rows import SENSIBLE
from exporter.state.trip import Moment, State, Trip

MOST_ARRIVED = 100_000  # trips whose message is back: those of 50 minutes at 33 trips a second
MOST_AT_ONCE = 20_000  # that are deleted, since trips wait for their own changes meanwhile


def unsettled(connection: Connection) -> list[Trip]:
    """The trips whose message may still come."""
    query = f"SELECT * FROM trips WHERE state != ? AND {SENSIBLE['trips']}"  # noqa: S608
    return [_trip(row) for row in connection.execute(query, (State.ARRIVED,))]


def find(connection: Connection, trip_id: str) -> Trip | None:
    query = f"SELECT * FROM trips WHERE id = ? AND {SENSIBLE['trips']}"  # noqa: S608
    row = connection.execute(query, (trip_id,)).fetchone()
    return _trip(row) if row else None


def last_starts(connection: Connection, now: Moment) -> dict[ProbeKey, float]:
    """The start of the newest trip of each probe: monotonic, in this boot's seconds."""
    query = f"""SELECT module, target, max(iif(boot = ? AND boot != '', started, ? - max(? - started_at, 0)))
        FROM trips WHERE {SENSIBLE["trips"]} GROUP BY module, target"""  # noqa: E501, S608
    rows = connection.execute(query, (now.boot, now.monotonic, now.wall)).fetchall()
    return {ProbeKey(module, target): started for module, target, started in rows}


def insert(connection: Connection, trip: Trip) -> None:
    row = (
        trip.id,
        trip.probe.module,
        trip.probe.target,
        trip.mailbox,
        trip.state,
        trip.started_at,
        trip.boot,
        trip.started,
        trip.sending_since,
        trip.accepted,
        trip.expires_at,
        trip.home,
    )
    connection.execute("INSERT INTO trips VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?)", row)


def set_sent(connection: Connection, trip: Trip, facts: str | None) -> None:
    """Saves that a server has accepted its message; `facts` are those of the sending, as JSON."""
    change = "UPDATE trips SET state = ?, sending_since = ?, accepted = ?, verdict = ? WHERE id = ?"
    values = (State.SENT, trip.sending_since, trip.accepted, facts, trip.id)
    connection.execute(change, values)


def set_found(connection: Connection, trip_id: str, verdict: str) -> None:
    """Saves that its message is back; `verdict` is its outcome so far, as JSON."""
    change = "UPDATE trips SET state = ?, verdict = ? WHERE id = ?"
    connection.execute(change, (State.FOUND, verdict, trip_id))


def settle(connection: Connection, trip_id: str, state: State) -> None:
    change = "UPDATE trips SET state = ?, verdict = NULL WHERE id = ?"
    connection.execute(change, (state, trip_id))


def forget(connection: Connection, trip_id: str) -> None:
    connection.execute("DELETE FROM trips WHERE id = ?", (trip_id,))


def come_back(connection: Connection, now: Moment, grace: float) -> None:
    """Converts trips of another boot, whose monotonic clock has ended, to ours: see
    Trip.in_this_boot."""
    change = """UPDATE trips SET boot = :boot, sending_since = NULL, accepted = NULL,
        started = :monotonic - max(0, min(:wall - started_at, expires_at - started_at - :grace))
        WHERE boot != :boot OR :boot = ''"""
    values = {"boot": now.boot, "monotonic": now.monotonic, "wall": now.wall, "grace": grace}
    connection.execute(change, values)


def forget_expired(connection: Connection, now: Moment, most: int = MOST_ARRIVED) -> None:
    """Deletes trips that are too old, and of those whose message is back all but the newest: they
    are only known so that a second copy counts as such."""
    gone = "DELETE FROM trips WHERE boot = ? AND started + (expires_at - started_at) < ?"
    connection.execute(gone, (now.boot, now.monotonic))
    count = "SELECT count(*) FROM trips WHERE state = ?"
    (known,) = connection.execute(count, (State.ARRIVED,)).fetchone()
    if known > most:
        oldest = """DELETE FROM trips WHERE id IN
            (SELECT id FROM trips WHERE state = ? ORDER BY started LIMIT ?)"""
        surplus = min(known - most, MOST_AT_ONCE)
        connection.execute(oldest, (State.ARRIVED, surplus))


def _trip(row: tuple[Any, ...]) -> Trip:
    trip_id, module, target, mailbox, state, started_at, boot, started, *more = row
    sending_since, accepted, expires_at, verdict, home = more
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
        Home(home),
    )
