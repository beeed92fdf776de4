"""The table of days: how many trips of a probe ended on each day, in UTC, and how.

It is the account that `mailtrip report` gives. One row for each probe and day, of about 200 bytes.
"""

from bisect import bisect_left
from dataclasses import dataclass
from sqlite3 import Connection

from exporter.core.delays import BOUNDS
from exporter.core.facts import Arrival
from exporter.core.model import Outcome, ProbeKey
from exporter.state.outages import KEPT_FOR

DAY = 86400.0  # seconds; days of UTC have no other length for Unix time
_BUCKETS = tuple(f"delays_{number}" for number in range(len(BOUNDS) + 1))
_COUNTED = ("trips", "failures", "planned_trips", "planned_failures", "late", "lost", *_BUCKETS)
TABLE = f"""
CREATE TABLE days (
    module TEXT NOT NULL, target TEXT NOT NULL, day INTEGER NOT NULL, first REAL NOT NULL, last REAL NOT NULL,
    {", ".join(f"{column} INTEGER NOT NULL DEFAULT 0" for column in _COUNTED)},
    PRIMARY KEY (module, target, day)
) WITHOUT ROWID;
"""
"""Its definition."""


@dataclass(frozen=True, slots=True)
class DayAccount:
    """The trips of a probe that ended on one day, without rechecks."""

    probe: ProbeKey
    day: int  # since the epoch, in UTC
    first: float  # when the first and the last one ended, in seconds since the epoch
    last: float
    trips: int  # outside of maintenance windows
    failures: int  # of these
    planned_trips: int
    planned_failures: int
    late: int  # messages that came after their trip had failed as overdue
    lost: int
    delays: tuple[int, ...]  # messages, by the bounds of core/delays.py


def count(connection: Connection, outcome: Outcome) -> None:
    """Counts a trip that has ended."""
    kinds = ("planned_trips", "planned_failures") if outcome.planned else ("trips", "failures")
    columns = [] if outcome.recheck else [*kinds[: 1 + bool(outcome.failure)]]
    columns += [
        _bucket(fact.delay)
        for fact in outcome.facts
        if isinstance(fact, Arrival) and fact.delay is not None
    ]
    _add(connection, outcome.probe, outcome.finished_at, columns)


def count_late(connection: Connection, probe: ProbeKey, at: float, delay: float | None) -> None:
    """Counts a message that came late, at Unix time `at`; its delay in seconds may be unknown."""
    _add(connection, probe, at, ["late"] + ([_bucket(delay)] if delay is not None else []))


def count_lost(connection: Connection, probe: ProbeKey, at: float) -> None:
    """Counts a message that is lost, at Unix time `at`."""
    _add(connection, probe, at, ["lost"])


def between(connection: Connection, start: float, end: float) -> list[DayAccount]:
    """The days from `start` to `end`, in seconds since the epoch: whole days of UTC, sorted. Without
    rows that a disk has damaged."""
    query = f"""SELECT module, target, day, first, last, {", ".join(_COUNTED)} FROM days
        WHERE day >= ? AND day < ? ORDER BY module, target, day"""  # noqa: S608
    rows = connection.execute(query, (int(start // DAY), int(-(-end // DAY)))).fetchall()
    return [_day(*row) for row in rows if all(isinstance(one, int | float) for one in row[2:])]


def probes_before(connection: Connection, start: float) -> set[ProbeKey]:
    """The probes that made trips before that time, in seconds since the epoch."""
    query = "SELECT DISTINCT module, target FROM days WHERE day < ?"
    rows = connection.execute(query, (int(start // DAY),))
    return {ProbeKey(module, target) for module, target in rows}


def prune(connection: Connection, now: float) -> None:
    """Drops days that are too long ago at `now`, in seconds since the epoch."""
    connection.execute("DELETE FROM days WHERE day < ?", (int((now - KEPT_FOR) // DAY),))


def _day(module: str, target: str, day: int, first: float, last: float, *counts: int) -> DayAccount:
    trips, failures, planned_trips, planned_failures, late, lost, *delays = counts
    return DayAccount(
        ProbeKey(module, target),
        day,
        first,
        last,
        trips,
        failures,
        planned_trips,
        planned_failures,
        late,
        lost,
        tuple(delays),
    )


def _bucket(delay: float) -> str:
    return _BUCKETS[bisect_left(BOUNDS, delay)]


def _add(connection: Connection, probe: ProbeKey, at: float, columns: list[str]) -> None:
    ones = "".join(", 1" for _ in columns)
    names = "".join(f", {column}" for column in columns)
    more = "".join(f", {column} = {column} + 1" for column in columns)
    statement = f"""INSERT INTO days (module, target, day, first, last{names}) VALUES (?, ?, ?, ?, ?{ones})
        ON CONFLICT DO UPDATE SET last = excluded.last{more}"""  # noqa: S608 - the names are ours
    connection.execute(statement, (probe.module, probe.target, int(at // DAY), at, at))
