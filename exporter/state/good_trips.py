"""What the newest good trips of a probe met on their way, to compare another one with."""

from contextlib import closing
from pathlib import Path
from sqlite3 import Connection, Error

from exporter.core.comparison.circumstances import circumstances_of
from exporter.core.comparison.comparison import GoodTrip
from exporter.core.model import ProbeKey
from exporter.state import evidence
from exporter.state.schema import FILE, SCHEMA_VERSION, for_reading


def good_trips(connection: Connection, probe: ProbeKey, but: str, limit: int) -> list[GoodTrip]:
    """What the newest good trips of a probe met, the newest first, of those that are kept whole;
    without the trip `but`."""
    query = """SELECT trip, json_extract(traces.outcome, '$.started_at'),
            json_extract(traces.outcome, '$.facts')
        FROM recent JOIN traces USING (number) WHERE module = ? AND target = ? AND success = 1 AND trip != ?
        AND json_valid(traces.outcome) ORDER BY number DESC LIMIT ?"""  # noqa: E501
    rows = connection.execute(query, (probe.module, probe.target, but, limit))
    return [
        GoodTrip(trip, started_at, circumstances_of(evidence.facts_readable(facts)))
        for trip, started_at, facts in rows
        if isinstance(started_at, int | float) and isinstance(facts, str)
    ]


def stored_good_trips(directory: Path, probe: ProbeKey, limit: int) -> list[GoodTrip]:
    """The same from a state directory that another process may be using; none if it cannot be
    read."""
    if not (directory / FILE).is_file():
        return []
    try:
        with closing(for_reading(directory)) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            return good_trips(connection, probe, "", limit) if version == SCHEMA_VERSION else []
    except Error:
        return []
