"""The table of outcomes: the newest one of every probe, and the results of those before it."""

from dataclasses import dataclass, replace
from json import loads
from sqlite3 import Connection

from exporter.core.model import Fact, Outcome, ProbeKey
from exporter.state import evidence
from exporter.state.history import HISTORY_LENGTH, TripSummary, summary_of
from exporter.state.rows import LARGEST, SENSIBLE

MOST = 20_000  # probes that are remembered: twice as many as there may be


@dataclass(frozen=True, slots=True)
class LastKnown:
    """The stored results of a probe."""

    outcome: Outcome  # the newest
    last_success: float | None  # when a trip last succeeded, in seconds since the epoch
    history: tuple[TripSummary, ...]  # how the last ones to end did, the oldest first


def probes(connection: Connection) -> list[ProbeKey]:
    """The probes with stored results, in the order of their newest trips."""
    query = f"SELECT module, target FROM outcomes WHERE {SENSIBLE['outcomes']} ORDER BY finished_at"  # noqa: S608
    return [ProbeKey(module, target) for module, target in connection.execute(query)]


def last_known(connection: Connection, probe: ProbeKey) -> LastKnown | None:
    """The stored results of a probe; None if an older version wrote them and we cannot read
    them."""
    query = f"""SELECT outcome, last_success, history FROM outcomes
        WHERE module = ? AND target = ? AND {SENSIBLE["outcomes"]}"""  # noqa: S608
    row = connection.execute(query, (probe.module, probe.target)).fetchone()
    outcome = evidence.readable(row[0]) if row else None
    return LastKnown(outcome, row[1], _summaries(row[2])) if outcome else None


def keep(connection: Connection, outcome: Outcome, text: str, *, newest: bool = True) -> None:
    """Saves the outcome, serialized as `text`, and makes it the newest of its probe if it is. The
    time of the last success is kept, however many trips have failed since."""
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
        newest,
        newest,
        HISTORY_LENGTH,
    )
    insert = """INSERT INTO outcomes VALUES (?, ?, ?, ?, ?, json_array(json_array(?, ?))) ON CONFLICT DO UPDATE SET
            finished_at = iif(?, excluded.finished_at, finished_at),
            outcome = iif(?, excluded.outcome, outcome),
            last_success = ifnull(excluded.last_success, last_success),
            history = CASE WHEN iif(json_valid(history), json_type(history), '') != 'array' THEN excluded.history
                ELSE json_insert(iif(json_array_length(history) < ?, history, json_remove(history, '$[0]')), '$[#]',
                    json_extract(excluded.history, '$[0]')) END"""  # noqa: E501
    connection.execute(insert, row)


def add(connection: Connection, probe: ProbeKey, trip: str, *facts: Fact) -> None:
    """Adds what has become known of the newest trip of a probe since its end, if it is this one."""
    known = last_known(connection, probe)
    if known and known.outcome.trip == trip:
        text = evidence.written(replace(known.outcome, facts=(*known.outcome.facts, *facts)))
        change = "UPDATE outcomes SET outcome = ? WHERE module = ? AND target = ?"
        connection.execute(change, (text, probe.module, probe.target))


def prune(connection: Connection, most: int = MOST) -> None:
    """Forgets the probes whose newest trips are the oldest, if there are too many; also what may
    still change of their outages."""
    (known,) = connection.execute("SELECT count(*) FROM outcomes").fetchone()
    if known <= most:
        return
    surplus = """DELETE FROM outcomes WHERE (module, target) IN (
        SELECT module, target FROM outcomes ORDER BY finished_at DESC LIMIT -1 OFFSET ?)"""
    connection.execute(surplus, (most - most // 20,))
    connection.execute("""DELETE FROM unsettled WHERE NOT EXISTS (SELECT 1 FROM outcomes
        WHERE outcomes.module = unsettled.module AND outcomes.target = unsettled.target)""")


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
        if isinstance(seconds, int | float) and abs(seconds) < LARGEST
    )
