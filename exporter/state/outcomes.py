"""The table of outcomes: the newest one of every probe, and the results of those before it."""

from dataclasses import dataclass
from json import loads
from sqlite3 import Connection

from exporter.core.model import Outcome
from exporter.state import evidence
from exporter.state.history import HISTORY_LENGTH, TripSummary, summary_of
from exporter.state.rows import SENSIBLE


@dataclass(frozen=True, slots=True)
class LastKnown:
    """The stored results of a probe."""

    outcome: Outcome  # the newest
    last_success: float | None  # when a trip last succeeded, in seconds since the epoch
    history: tuple[TripSummary, ...]  # how those before it ended, the oldest first


def last_known(connection: Connection) -> list[LastKnown]:
    """The stored results of every probe, without those of an older version that we cannot read."""
    query = f"SELECT outcome, last_success, history FROM outcomes WHERE {SENSIBLE['outcomes']}"  # noqa: S608
    rows = connection.execute(query).fetchall()
    read = (
        (evidence.readable(text), last_success, _summaries(history))
        for text, last_success, history in rows
    )
    return [
        LastKnown(outcome, last_success, summaries[:-1])
        for outcome, last_success, summaries in read
        if outcome
    ]


def keep(connection: Connection, outcome: Outcome, text: str) -> None:
    """Makes the outcome, serialized as `text`, the newest of its probe. The time of the last
    success is kept, however many trips have failed since."""
    probe, finished_at = outcome.probe, outcome.finished_at
    last_success, summary = finished_at if outcome.success else None, summary_of(outcome)
    row = (
        probe.module,
        probe.target,
        finished_at,
        text,
        last_success,
        summary.success,
        summary.seconds,
        HISTORY_LENGTH,
    )
    insert = """INSERT INTO outcomes VALUES (?, ?, ?, ?, ?, json_array(json_array(?, ?))) ON CONFLICT DO UPDATE SET
            finished_at = excluded.finished_at, outcome = excluded.outcome,
            last_success = ifnull(excluded.last_success, last_success),
            history = CASE WHEN iif(json_valid(history), json_type(history), '') != 'array' THEN excluded.history
                ELSE json_insert(iif(json_array_length(history) < ?, history, json_remove(history, '$[0]')), '$[#]',
                    json_extract(excluded.history, '$[0]')) END"""
    connection.execute(insert, row)


def _summaries(history: str) -> tuple[TripSummary, ...]:
    """The valid summaries."""
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
        TripSummary(bool(success), seconds)
        for success, seconds in pairs
        if isinstance(seconds, int | float)
    )
