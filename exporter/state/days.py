"""The table of days: how many trips of a probe ended on each day, in UTC, and how.

It is the account that `mailtrip report` gives. One row for each probe and day, of about 100 bytes.
"""

from bisect import bisect_left
from dataclasses import dataclass
from sqlite3 import Connection

from exporter.core.availability.delays import BOUNDS
from exporter.core.facts import Arrival
from exporter.core.model import Outcome, ProbeKey
from exporter.state.outages import KEPT_FOR
from exporter.state.rows import numbers

MOST = 640_000  # rows: 1,600 probes for thirteen months, ten thousand for two
DAY = 86400.0  # seconds; days of UTC have no other length for Unix time
_BUCKETS = tuple(f"delays_{number}" for number in range(len(BOUNDS) + 1))
_COUNTED = ("trips", "failures", "planned_trips", "planned_failures", "late", "lost", *_BUCKETS)
_SENSIBLE = " AND ".join(numbers("day", "first", "last", *_COUNTED))
TABLE = f"""
CREATE TABLE days (
    module TEXT NOT NULL, target TEXT NOT NULL, day INTEGER NOT NULL, first REAL NOT NULL, last REAL NOT NULL,
    {", ".join(f"{column} INTEGER NOT NULL DEFAULT 0" for column in _COUNTED)},
    PRIMARY KEY (module, target, day)
) WITHOUT ROWID;
"""  # noqa: E501
"""Its definition."""


@dataclass(frozen=True, slots=True)
class Counts:
    """The trips of a probe that ended on some days, without rechecks."""

    probe: ProbeKey
    delays: tuple[int, ...]  # messages, by the bounds of core/availability/delays.py
    trips: int  # outside of maintenance windows
    failures: int  # of these
    planned_trips: int
    planned_failures: int
    late: int  # messages that came after their trip had failed as overdue
    lost: int


def count(connection: Connection, outcome: Outcome) -> None:
    """Counts a trip that has ended."""
    kinds = ("planned_trips", "planned_failures") if outcome.planned else ("trips", "failures")
    columns = [] if outcome.recheck else [*kinds[: 1 + bool(outcome.failure)]]
    columns += [
        _bucket(fact.delay)
        for fact in outcome.facts
        if isinstance(fact, Arrival) and fact.delay is not None
    ]
    _add(connection, outcome.probe, outcome.finished_at, columns, first=outcome.started_at)


def count_late(connection: Connection, probe: ProbeKey, at: float, delay: float | None) -> None:
    """Counts a message that came late, at Unix time `at`; its delay in seconds may be unknown."""
    _add(connection, probe, at, ["late"] + ([_bucket(delay)] if delay is not None else []))


def count_lost(connection: Connection, probe: ProbeKey, at: float) -> None:
    """Counts a message that is lost, at Unix time `at`."""
    _add(connection, probe, at, ["lost"])


def between(connection: Connection, start: float, end: float) -> list[Counts]:
    """What was counted from `start` to `end`, in seconds since the epoch: on whole days of UTC.
    Sorted by probe. Without rows that a disk has damaged."""
    sums = ", ".join(f"sum({column})" for column in _COUNTED)
    query = f"""SELECT module, target, {sums} FROM days WHERE day >= ? AND day < ? AND {_SENSIBLE}
        GROUP BY module, target"""  # noqa: S608 - the names are ours
    rows = connection.execute(query, (int(start // DAY), int(-(-end // DAY))))
    buckets = len(_BUCKETS)
    return [
        Counts(ProbeKey(module, target), tuple(counts[-buckets:]), *counts[:-buckets])
        for module, target, *counts in rows
    ]


def watched(connection: Connection, probe: ProbeKey) -> tuple[float, float] | None:
    """From the start of its first trip to the end of its last one, of those that are kept, in
    seconds since the epoch; None if it made none."""
    query = f"""SELECT {{}} FROM days WHERE module = ? AND target = ? AND {_SENSIBLE}
        ORDER BY day {{}} LIMIT 1"""  # noqa: S608
    key = (probe.module, probe.target)
    first = connection.execute(query.format("first", "ASC"), key).fetchone()
    last = connection.execute(query.format("last", "DESC"), key).fetchone()
    return (first[0], last[0]) if first and last else None


def forget(connection: Connection, probe: ProbeKey, until: float) -> None:
    """Drops the days of a probe until this moment, in seconds since the epoch, and that of it."""
    query = "DELETE FROM days WHERE module = ? AND target = ? AND day <= ?"
    connection.execute(query, (probe.module, probe.target, int(until // DAY)))


def prune(connection: Connection, now: float, most: int = MOST) -> None:
    """Drops days that are too long ago at `now`, in seconds since the epoch. If there are too many
    rows, the oldest days go, of all probes; on a single day, the probes with the fewest trips."""
    connection.execute("DELETE FROM days WHERE day < ?", (int((now - KEPT_FOR) // DAY),))
    counts = connection.execute("SELECT day, count(*) FROM days GROUP BY day ORDER BY day DESC")
    kept = 0
    for day, rows in counts.fetchall():
        kept += rows
        if kept <= most:
            continue
        connection.execute("DELETE FROM days WHERE day < ?", (day + (rows < kept),))
        if rows == kept:
            surplus = """DELETE FROM days WHERE (module, target, day) IN (
                SELECT module, target, day FROM days WHERE day = ?
                ORDER BY trips + planned_trips DESC, last DESC LIMIT -1 OFFSET ?)"""
            connection.execute(surplus, (day, most - most // 20))
        return


def _bucket(delay: float) -> str:
    return _BUCKETS[bisect_left(BOUNDS, delay)]


def _add(
    connection: Connection,
    probe: ProbeKey,
    at: float,
    columns: list[str],
    first: float | None = None,
) -> None:
    ones = "".join(", 1" for _ in columns)
    names = "".join(f", {column}" for column in columns)
    more = "".join(f", {column} = {column} + 1" for column in columns)
    statement = f"""INSERT INTO days (module, target, day, first, last{names}) VALUES (?, ?, ?, ?, ?{ones})
        ON CONFLICT DO UPDATE SET first = min(first, excluded.first), last = max(last, excluded.last){more}"""  # noqa: E501, S608 - the names are ours
    first = at if first is None else first
    connection.execute(statement, (probe.module, probe.target, int(at // DAY), first, at))
