"""Which trips are kept, for how long, and what of them: the newest of each probe wholly, older ones
fewer and fewer, so that links last and the state does not grow.

Of each probe, and of OK and failed trips separately:

* whole, with trace and transcript: the newest; the first of each hour and of each day; those that
  an exemplar of /metrics names, which are the newest with a delay in each bucket; of an outage the
  first and the last trip, and the OK ones before and after it, to compare with;
* the verdict: of more of the newest, and of those whose message may still come late.

What a trip is kept for is known when it ends, so it costs the same however many are kept. All
together are bounded in bytes: beyond that, traces go, and then verdicts, those first that have
reached the largest part of their time, so that every probe keeps trips of each age. Those that
exemplars name go later, those of outages last.
"""

from bisect import bisect_left
from sqlite3 import Connection

from exporter.core.availability.delays import BOUNDS
from exporter.core.availability.outage import Outage
from exporter.core.facts import Arrival
from exporter.core.model import Outcome, ProbeKey
from exporter.state import evidence
from exporter.state.trip import State

SUCCESSES, FAILURES = 10, 50  # the newest of each probe that are kept whole
NEWEST = 300  # the same of whose verdict is kept: 25 hours of trips every 5 minutes
OUTAGE_TRIPS = 100  # OK and failed trips of outages of each probe that are kept whole
HOUR, DAY = 3600.0, 86400.0
KEEP = 30 * DAY  # seconds, unless the configuration says otherwise
SUCCESSES_FOR = 7 * DAY  # OK trips but the first ones of a day and those of outages
MOST_BYTES = 64 << 20  # of all probes together
LEAST_FOR_TRACES = MOST_BYTES // 4  # of them
ROW = 250  # bytes of a row beside the outcome, with its entries in the indexes
_ORDINARY, _OF_HOUR, _OF_DAY, _OF_OUTAGE = range(4)  # grades
TABLES = """
CREATE TABLE traces (number INTEGER PRIMARY KEY, size INTEGER NOT NULL, outcome TEXT NOT NULL);
CREATE TABLE exemplars (
    module TEXT NOT NULL, target TEXT NOT NULL, bucket INTEGER NOT NULL, number INTEGER NOT NULL,
    PRIMARY KEY (module, target, bucket)
) WITHOUT ROWID;
"""
"""The outcomes that are kept whole, and the newest of each probe with a delay in each bucket, both
by their numbers."""

# With how many trips of the probe have succeeded and failed so far, of which at most as many are
# kept.
_BEFORE = "max(iif(success = :success, finished_at, NULL))"
_INSERT = f"""INSERT OR REPLACE INTO recent
    (trip, module, target, success, finished_at, size, outcome, grade, successes, failures)
    SELECT :trip, :module, :target, :success, :finished_at, :size, :outcome, CASE
        WHEN coalesce({_BEFORE} / {DAY} < CAST(:finished_at / {DAY} AS INTEGER), 1) THEN {_OF_DAY}
        WHEN {_BEFORE} / {HOUR} < CAST(:finished_at / {HOUR} AS INTEGER) THEN {_OF_HOUR}
        ELSE {_ORDINARY} END,
        coalesce(max(successes), 0) + :success, coalesce(max(failures), 0) + 1 - :success
    FROM recent WHERE number IN (
        (SELECT max(number) FROM recent
            WHERE module = :module AND target = :target AND success = 1),
        (SELECT max(number) FROM recent
            WHERE module = :module AND target = :target AND success = 0))
    RETURNING number, iif(success, successes, failures)"""  # noqa: S608 - all parts are ours
_AT_PLACE = """(SELECT number FROM recent WHERE module = ? AND target = ? AND success = ?
    ORDER BY number DESC LIMIT 1 OFFSET ?)"""
_BEYOND_PLACE = f"""DELETE FROM recent WHERE number IN (SELECT number FROM (
        SELECT number, grade FROM recent
        WHERE module = :module AND target = :target AND success = :success
        ORDER BY number DESC LIMIT -1 OFFSET :newest) WHERE grade = {_ORDINARY})
    AND number NOT IN (SELECT number FROM exemplars WHERE module = :module AND target = :target)
    AND NOT EXISTS (SELECT 1 FROM trips WHERE id = trip AND state = '{State.OVERDUE}')"""  # noqa: S608
_SUMMARIZE = f"""DELETE FROM traces WHERE number = {{which}} AND EXISTS (
    SELECT 1 FROM recent WHERE recent.number = traces.number AND grade = {_ORDINARY} AND NOT EXISTS (
        SELECT 1 FROM exemplars AS e WHERE e.module = recent.module AND e.target = recent.target
        AND e.number = recent.number))"""  # noqa: E501, S608
# The least valuable last.
_ORDER = f"""ORDER BY grade = {_OF_OUTAGE} DESC, number IN (SELECT number FROM exemplars) DESC,
    (:now - finished_at) / iif(success AND grade < {_OF_DAY}, :successes_for, :keep), number DESC"""  # noqa: S608
_TRACES_BEYOND_ROOM = f"""DELETE FROM traces WHERE number IN (SELECT number FROM (
        SELECT number, sum(traces.size) OVER ({_ORDER}) AS room FROM traces JOIN recent USING (number))
    WHERE room > :room)"""  # noqa: E501, S608
# Read from an index alone, since there may be a hundred thousand.
_BEYOND_ROOM = f"""DELETE FROM recent WHERE number IN (SELECT number FROM (
        SELECT number, sum(size + {ROW}) OVER ({_ORDER}) AS room FROM recent)
    WHERE room > :room)"""  # noqa: S608
_ORPHANS = """DELETE FROM {table} WHERE NOT EXISTS (
    SELECT 1 FROM recent WHERE recent.number = {table}.number)"""


def keep(connection: Connection, outcome: Outcome, text: str) -> None:
    """Adds the newest outcome of its probe, serialized as `text`, and thins out older ones."""
    of_kind = outcome.probe.module, outcome.probe.target, outcome.success
    brief = evidence.written(outcome.brief)
    values = {
        "trip": outcome.trip,
        "module": outcome.probe.module,
        "target": outcome.probe.target,
        "success": outcome.success,
        "finished_at": outcome.finished_at,
        "size": len(brief.encode()),
        "outcome": brief,
        "newest": NEWEST,
    }
    ((number, count),) = connection.execute(_INSERT, values).fetchall()
    trace = number, len(text.encode()), text
    connection.execute("INSERT OR REPLACE INTO traces VALUES (?, ?, ?)", trace)
    for fact in outcome.facts:
        if isinstance(fact, Arrival) and fact.delay is not None:
            keep_exemplar(connection, outcome.probe, outcome.trip, fact.delay)
    newest = SUCCESSES if outcome.success else FAILURES
    if count > newest:
        connection.execute(_SUMMARIZE.format(which=_AT_PLACE), (*of_kind, newest))
    if count > NEWEST:
        connection.execute(_BEYOND_PLACE, values)


def pin(connection: Connection, outage: Outage) -> None:
    """Keeps the first trip of an outage and the OK one before it; if it is over, also the last one
    and the OK one after it. Of a probe with very many outages, those of the newest."""
    probe = outage.probe.module, outage.probe.target
    edges = [("max(number)", "<", outage.first_trip)]
    if not outage.lasts:
        edges.append(("min(number)", ">", outage.last_trip))
    for nearest, beside, trip in edges:
        this = "(SELECT number FROM recent WHERE trip = ?)"
        good = f"""(SELECT {nearest} FROM recent WHERE module = ? AND target = ? AND success = 1
            AND number {beside} {this})"""  # noqa: S608
        update = f"""UPDATE recent SET grade = {_OF_OUTAGE} WHERE grade != {_OF_OUTAGE}
            AND number IN ({this}, {good})"""  # noqa: S608
        connection.execute(update, (trip, *probe, trip))
    surplus = f"""SELECT number FROM recent WHERE module = ? AND target = ? AND success = ?
        AND grade = {_OF_OUTAGE} ORDER BY number DESC LIMIT -1 OFFSET ?"""  # noqa: S608
    for success in (False, True):
        values = (*probe, success, OUTAGE_TRIPS)
        for older in connection.execute(surplus, values).fetchall():
            ordinary = f"UPDATE recent SET grade = {_ORDINARY} WHERE number = ?"  # noqa: S608
            connection.execute(ordinary, older)
            connection.execute(_SUMMARIZE.format(which="?"), older)


def prune(connection: Connection, now: float, keep_for: float) -> None:
    """Drops outcomes that are too old at `now`, in seconds since the epoch, and thins them out if
    they are too large together."""
    times = {"now": now, "keep": keep_for, "successes_for": min(keep_for, SUCCESSES_FOR)}
    for success in (False, True):
        for grade in (_ORDINARY, _OF_HOUR, _OF_DAY, _OF_OUTAGE):
            life = times["successes_for"] if success and grade < _OF_DAY else keep_for
            old = """DELETE FROM recent WHERE success = ? AND grade = ? AND finished_at < ?
                AND (finished_at < ? OR number NOT IN (SELECT number FROM exemplars))"""
            connection.execute(old, (success, grade, now - life, now - keep_for))
    connection.execute(_ORPHANS.format(table="traces"))
    (traces,) = connection.execute("SELECT total(size) FROM traces").fetchone()
    sizes = f"SELECT total(size + {ROW}) FROM recent"  # noqa: S608
    (verdicts,) = connection.execute(sizes).fetchone()
    for_traces = max(MOST_BYTES - verdicts, LEAST_FOR_TRACES)
    if traces > for_traces:
        connection.execute(_TRACES_BEYOND_ROOM, {**times, "room": for_traces})
    if verdicts > MOST_BYTES - LEAST_FOR_TRACES:
        connection.execute(_BEYOND_ROOM, {**times, "room": MOST_BYTES - LEAST_FOR_TRACES})
        connection.execute(_ORPHANS.format(table="traces"))
    connection.execute(_ORPHANS.format(table="exemplars"))


def keep_exemplar(connection: Connection, probe: ProbeKey, trip: str, delay: float) -> None:
    """Keeps the trip while it is the newest of its probe with a delay in its bucket. The one before
    it is then kept as long as others, and whole."""
    insert = "INSERT OR REPLACE INTO exemplars SELECT ?, ?, ?, number FROM recent WHERE trip = ?"
    connection.execute(insert, (probe.module, probe.target, bisect_left(BOUNDS, delay), trip))
