"""The outcomes of recent trips, each with its trace and transcript or only its verdict, in the file
of the store.

thinning.py has which of them are kept."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from json import dumps
from sqlite3 import Connection
from typing import Any

from pydantic import TypeAdapter, ValidationError

from exporter.core.availability.outage import Outage
from exporter.core.facts import FilterTest, LateArrival
from exporter.core.json_output import ADAPTERS, KINDS, with_facts
from exporter.core.model import Fact, Failure, Outcome, ProbeKey
from exporter.core.phases import Phase
from exporter.core.reasons import Reason


@dataclass(frozen=True, slots=True)
class ListedTrip:
    """A trip in the list of its probe, and how many between it and the next older one are no longer
    kept."""

    outcome: Outcome
    successes: int = 0
    failures: int = 0


_OF_PROBE = "WHERE module = ? AND target = ?"
_WHOLE = """coalesce((SELECT traces.outcome FROM traces WHERE traces.number = recent.number), outcome)
    AS outcome"""  # noqa: E501
_DOCUMENT = TypeAdapter(dict[str, Any])
_DOCUMENTS = TypeAdapter(list[dict[str, Any]])
_OF_FIELDS: dict[frozenset[str], Any] = {
    frozenset(one.name for one in fields(kind)): kind for kind in KINDS
}
"""The kind of a fact with exactly these fields, as this version writes it."""


def written(outcome: Outcome) -> str:
    """The outcome as JSON. An invalid character, such as a byte of a command line that is not
    UTF-8, becomes a question mark."""
    return _as_json(Outcome, outcome)


def readable(text: str) -> Outcome | None:
    """The outcome, without facts that cannot be read; None if another version wrote it and we
    cannot read it."""
    try:
        document = _DOCUMENT.validate_json(text)
        return with_facts(document, _facts_of(document.get("facts", [])))
    except ValidationError:
        return None


def facts_written(facts: tuple[Fact, ...]) -> str:
    """The facts alone, as JSON, like an outcome."""
    return _as_json(tuple[Fact, ...], facts)


def facts_readable(text: str) -> tuple[Fact, ...]:
    """The facts that can be read."""
    try:
        return _facts_of(_DOCUMENTS.validate_json(text))
    except ValidationError:
        return ()


def _as_json(kind: Any, value: object) -> str:
    adapter = ADAPTERS[kind]
    try:
        return adapter.dump_json(value).decode()
    except ValueError:  # pydantic's, of surrogates
        plain = dumps(adapter.dump_python(value, mode="json"), ensure_ascii=False)
        return plain.encode("utf-8", "replace").decode()


def _facts_of(documents: object) -> tuple[Fact, ...]:
    """Reads fact by fact, and not all in one call of a library: there may be thousands, and the
    event loop's thread has its turn only between calls."""
    found = map(_fact_of, _DOCUMENTS.validate_python(documents))
    return tuple(fact for fact in found if fact is not None)


def _fact_of(document: dict[str, Any]) -> Fact | None:
    """None if it cannot be read: another version wrote it, or a number in it was infinite, which
    JSON has as `null`."""
    kind = _OF_FIELDS.get(frozenset(document), Fact)
    try:
        fact: Fact = ADAPTERS[kind].validate_python(document)
    except ValidationError:
        return None
    return fact


def add(connection: Connection, trip: str, *facts: Fact, brief: bool = True) -> None:
    """Adds what has become known of a trip since its end, if the trip is kept; to what is kept of
    it in `brief`, too. If its message came, and should not have come, the trip has failed."""
    for table in ("recent", "traces") if brief else ("traces",):
        of_trip = "number = (SELECT number FROM recent WHERE trip = ?)"
        find = f"SELECT outcome FROM {table} WHERE {of_trip}"  # noqa: S608
        row = connection.execute(find, (trip,)).fetchone()
        if row and (outcome := readable(row[0])):
            failure = outcome.failure or _let_through(outcome.filter_test, facts)
            text = written(replace(outcome, facts=(*outcome.facts, *facts), failure=failure))
            update = f"UPDATE {table} SET outcome = ?, size = ? WHERE {of_trip}"  # noqa: S608
            connection.execute(update, (text, len(text.encode()), trip))


def _let_through(test: FilterTest | None, facts: Iterable[Fact]) -> Failure | None:
    for fact in facts:
        if test and isinstance(fact, LateArrival):
            detail = test.let_through(fact.folder)
            return Failure(Phase.VERIFY, None, Reason.ACCEPTED, test.payload, detail)
    return None


def newest(
    connection: Connection, probe: ProbeKey | None, limit: int, offset: int = 0
) -> list[Outcome]:
    """The outcomes of one probe or of all in brief, the newest first: a thousand of them wholly
    would take 100 MB."""
    where, which = (_OF_PROBE, (probe.module, probe.target)) if probe else ("", ())
    query = f"""SELECT outcome FROM recent WHERE number IN (
        SELECT number FROM recent {where} ORDER BY number DESC LIMIT ? OFFSET ?)
        ORDER BY number DESC"""  # noqa: S608
    rows = connection.execute(query, (*which, limit, offset))
    return [outcome for (text,) in rows if (outcome := readable(text))]


def listed(
    connection: Connection, probe: ProbeKey, limit: int, offset: int = 0
) -> list[ListedTrip]:
    """The outcomes of one probe in brief, the newest first."""
    query = f"""SELECT outcome, success, successes, failures FROM recent WHERE number IN (
        SELECT number FROM recent {_OF_PROBE} ORDER BY number DESC LIMIT ? OFFSET ?)
        ORDER BY number DESC"""  # noqa: S608
    values = probe.module, probe.target, limit + 1, offset
    rows = connection.execute(query, values).fetchall()
    trips = []
    for (text, success, *counts), (_, _, *older) in zip(
        rows[:limit], [*rows[1:], (None, None, 0, 0)], strict=False
    ):
        own = (success, not success)
        missing = [max(a - b - c, 0) for a, b, c in zip(counts, older, own, strict=True)]
        if outcome := readable(text):
            trips.append(ListedTrip(outcome, *missing))
    return trips


def beside(connection: Connection, outage: Outage) -> tuple[Outcome | None, Outcome | None]:
    """The OK trips before and after an outage, in brief, if they and its first and its last trip
    are kept."""

    def nearest(beside: str, order: str, trip: str) -> Outcome | None:
        query = f"""SELECT outcome FROM recent {_OF_PROBE} AND success = 1
            AND number {beside} (SELECT number FROM recent WHERE trip = ?)
            ORDER BY number {order} LIMIT 1"""  # noqa: S608
        row = connection.execute(query, (outage.probe.module, outage.probe.target, trip)).fetchone()
        return readable(row[0]) if row else None

    before = nearest("<", "DESC", outage.first_trip)
    return before, None if outage.lasts else nearest(">", "ASC", outage.last_trip)


def of_trip(connection: Connection, trip: str) -> Outcome | None:
    query = f"SELECT {_WHOLE} FROM recent WHERE trip = ?"  # noqa: S608
    row = connection.execute(query, (trip,)).fetchone()
    return readable(row[0]) if row else None
