"""The trips of a probe in the order in which they ended, with the delays of their messages: for a
chart, and for those before and after one of them."""

from dataclasses import dataclass
from sqlite3 import Connection

from exporter.core.model import ProbeKey
from exporter.state.rows import LARGEST

BEFORE, AFTER = 200, 100  # trips that are read; without one that is looked for, all of them before
# Those of damaged rows are left out.
_QUERY = """SELECT trip, success, json_extract(outcome, '$.started_at'),
    (SELECT json_extract(value, '$.delay') FROM json_each(outcome, '$.facts')
     WHERE json_extract(value, '$.found_in') IS NOT NULL LIMIT 1)
    FROM recent WHERE json_valid(outcome) AND number IN (
        SELECT number FROM (SELECT number FROM recent WHERE module = :module AND target = :target
            AND number <= :place ORDER BY number DESC LIMIT :before)
        UNION ALL
        SELECT number FROM (SELECT number FROM recent WHERE module = :module AND target = :target
            AND number > :place ORDER BY number LIMIT :after))
    ORDER BY number"""


@dataclass(frozen=True, slots=True)
class TimelineTrip:
    """A trip, without what it did."""

    trip: str
    success: bool
    started_at: float  # seconds since the epoch
    delay: float | None  # of its message, seconds; None if it is not known, or did not come


def around(connection: Connection, probe: ProbeKey, trip: str = "") -> list[TimelineTrip]:
    """The kept trips before and after one; the newest ones if it is not kept."""
    row = connection.execute("SELECT number FROM recent WHERE trip = ?", (trip,)).fetchone()
    values = {
        "module": probe.module,
        "target": probe.target,
        "place": row[0] if row else 1 << 62,
        "before": BEFORE if row else BEFORE + AFTER,
        "after": AFTER,
    }
    return [
        TimelineTrip(trip_id, bool(success), started_at, delay if _is_sensible(delay) else None)
        for trip_id, success, started_at, delay in connection.execute(_QUERY, values)
        if _is_sensible(started_at)
    ]


def _is_sensible(number: object) -> bool:
    return isinstance(number, int | float) and 0 <= number < LARGEST
