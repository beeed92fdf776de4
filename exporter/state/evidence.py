"""The outcomes of recent trips, each with its trace and transcript, in the file of the store.

It keeps the newest of every probe; more failures, and for longer, since they need an explanation,
and the first and the last of every outage. Of older ones it keeps the verdict, so that links last.
"""

from dataclasses import dataclass
from json import dumps
from math import inf
from sqlite3 import Connection

from pydantic import TypeAdapter, ValidationError

from exporter.core.model import Fact, Outcome, ProbeKey
from exporter.core.outage import Outage

SUCCESSES, FAILURES = 10, 50  # of each probe, with trace and transcript
PINNED = 100  # the same, of outages
SUMMARIES = 300  # successes of each probe in all, and failures
DAY = 86400.0
SUCCESSES_FOR, FAILURES_FOR = 7 * DAY, 30 * DAY  # seconds
MOST_BYTES = 64 << 20  # of all probes together; beyond it the oldest go, successes first


@dataclass(frozen=True, slots=True)
class ListedTrip:
    """A trip in the list of its probe, and how many between it and the next older one are no longer
    kept."""

    outcome: Outcome
    successes: int = 0
    failures: int = 0


_OUTCOME = TypeAdapter(Outcome)
# With how many trips of the probe have succeeded and failed so far.
_INSERT = """INSERT OR REPLACE INTO recent
    (trip, module, target, success, finished_at, size, outcome, successes, failures)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, coalesce(max(successes), 0) + ?4, coalesce(max(failures), 0) + 1 - ?4
    FROM recent WHERE number IN (
        (SELECT max(number) FROM recent WHERE module = ?2 AND target = ?3 AND success = 1),
        (SELECT max(number) FROM recent WHERE module = ?2 AND target = ?3 AND success = 0))"""
_AT_PLACE = """SELECT number, pinned FROM recent WHERE module = ? AND target = ? AND success = ?
    ORDER BY number DESC LIMIT 1 OFFSET ?"""
_BEYOND_PLACE = """DELETE FROM recent WHERE NOT pinned AND number IN (SELECT number FROM recent
    WHERE module = ? AND target = ? AND success = ? ORDER BY number DESC LIMIT -1 OFFSET ?)"""
_FACTS = TypeAdapter(tuple[Fact, ...])


def written(outcome: Outcome) -> str:
    """The outcome as JSON. An invalid character, such as a byte of a command line that is not
    UTF-8, becomes a question mark."""
    try:
        return _OUTCOME.dump_json(outcome).decode()
    except ValueError:  # pydantic's, of surrogates
        plain = dumps(_OUTCOME.dump_python(outcome, mode="json"), ensure_ascii=False)
        return plain.encode("utf-8", "replace").decode()


def readable(text: str) -> Outcome | None:
    """The outcome; None if another version wrote it and we cannot read it."""
    try:
        return _OUTCOME.validate_json(text)
    except ValidationError:
        return None


def facts_written(facts: tuple[Fact, ...]) -> str:
    """The facts alone, as JSON."""
    return _FACTS.dump_json(facts).decode()


def facts_readable(text: str) -> tuple[Fact, ...]:
    """The facts; empty if any of them cannot be read."""
    try:
        return _FACTS.validate_json(text)
    except ValidationError:
        return ()


def keep(connection: Connection, outcome: Outcome, text: str) -> None:
    """Adds the newest outcome of its probe, serialized as `text`; of the one that is too old now
    only the verdict is kept, and of older ones nothing."""
    probe = outcome.probe.module, outcome.probe.target, outcome.success
    row = (outcome.trip, *probe, outcome.finished_at, len(text.encode()), text)
    connection.execute(_INSERT, row)
    oldest = connection.execute(_AT_PLACE, (*probe, SUCCESSES if outcome.success else FAILURES))
    if found := oldest.fetchone():
        number, pinned = found
        if not pinned:
            _summarize(connection, number)
        connection.execute(_BEYOND_PLACE, (*probe, SUMMARIES))


def pin(connection: Connection, outage: Outage) -> None:
    """Keeps the first trip of an outage, and if it is over the last one, for as long as failures are
    kept. Of a probe with very many outages, those of the newest."""
    trips = (outage.first_trip, outage.first_trip if outage.lasts else outage.last_trip)
    connection.execute("UPDATE recent SET pinned = 1 WHERE NOT pinned AND trip IN (?, ?)", trips)
    surplus = """SELECT number FROM recent WHERE module = ? AND target = ? AND success = 0 AND pinned
        ORDER BY number DESC LIMIT -1 OFFSET ?"""
    values = (outage.probe.module, outage.probe.target, PINNED)
    for (number,) in connection.execute(surplus, values).fetchall():
        connection.execute("UPDATE recent SET pinned = 0 WHERE number = ?", (number,))
        _summarize(connection, number)


def _summarize(connection: Connection, number: int) -> None:
    """Keeps of an outcome only what a list shows."""
    (text,) = connection.execute(
        "SELECT outcome FROM recent WHERE number = ?", (number,)
    ).fetchone()
    if outcome := readable(text):
        brief = written(outcome.brief)
        update = "UPDATE recent SET outcome = ?, size = ? WHERE number = ?"
        connection.execute(update, (brief, len(brief.encode()), number))


def prune(connection: Connection, now: float) -> None:
    """Drops outcomes that are too old at `now`, in seconds since the epoch, or too many."""
    for success, age in ((True, SUCCESSES_FOR), (False, FAILURES_FOR)):
        connection.execute(
            "DELETE FROM recent WHERE success = ? AND finished_at < ?", (success, now - age)
        )
    (size,) = connection.execute("SELECT total(size) FROM recent").fetchone()
    if size > MOST_BYTES:
        surplus = """DELETE FROM recent WHERE number IN (SELECT number FROM (SELECT number,
            sum(size) OVER (ORDER BY pinned DESC, success, number DESC) AS room FROM recent) WHERE room > ?)"""
        connection.execute(surplus, (MOST_BYTES,))


def newest(
    connection: Connection, probe: ProbeKey | None, limit: int, offset: int = 0
) -> list[Outcome]:
    """The outcomes of one probe or of all, the newest first."""
    where, which = (
        ("WHERE module = ? AND target = ?", (probe.module, probe.target)) if probe else ("", ())
    )
    rows = connection.execute(
        f"SELECT outcome FROM recent {where} ORDER BY number DESC LIMIT ? OFFSET ?",  # noqa: S608
        (*which, limit, offset),
    )
    return [outcome for (text,) in rows if (outcome := readable(text))]


def listed(
    connection: Connection, probe: ProbeKey, limit: int, offset: int = 0
) -> list[ListedTrip]:
    """The outcomes of one probe, the newest first."""
    rows = connection.execute(
        """SELECT outcome, success, successes, failures FROM recent WHERE module = ? AND target = ?
        ORDER BY number DESC LIMIT ? OFFSET ?""",
        (probe.module, probe.target, limit + 1, offset),
    ).fetchall()
    trips = []
    for (text, success, *counts), (_, _, *older) in zip(
        rows[:limit], [*rows[1:], (None, None, inf, inf)], strict=False
    ):
        own = (success, not success)
        missing = [max(a - b - c, 0) for a, b, c in zip(counts, older, own, strict=True)]
        if outcome := readable(text):
            trips.append(ListedTrip(outcome, *missing))
    return trips


def of_trip(connection: Connection, trip: str) -> Outcome | None:
    row = connection.execute("SELECT outcome FROM recent WHERE trip = ?", (trip,)).fetchone()
    return readable(row[0]) if row else None
