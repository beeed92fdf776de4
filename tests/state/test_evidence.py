"""The outcomes of recent trips, which the store keeps for those who ask why."""

import asyncio
import sqlite3
import sys
from collections import Counter
from contextlib import closing
from dataclasses import fields, replace
from json import dumps
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from exporter.core.facts import Client
from exporter.core.json_output import KINDS
from exporter.core.model import Fact, Failure, Listing, ListState, Outcome, ProbeKey, Reply, Span
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.state import schema as state_file
from exporter.state.evidence import (
    ListedTrip,
    facts_readable,
    facts_written,
    readable,
    written,
)
from exporter.state.store import Store
from exporter.state.thinning import DAY, KEEP, NEWEST
from exporter.state.trip import Moment
from tests.support.kept_trips import kept_trips

PROBE, OTHER = (
    ProbeKey("submission", "someone@example.org"),
    ProbeKey("submission", "other@example.org"),
)
SPANS = (
    Span(Phase.SEND, Step.RCPT, 0.5, 1.0, Reason.REJECTED, "mx:25"),
    Span(Phase.SEND, None, 0.0, 2.0),
)
SAID = (
    "    0.500 send    C: RCPT TO:<someone@example.org>",
    "    1.500 send    S: 550 5.1.1 \u00a7 nobody",
)
OURS = Reply(250, "ok")
FAILURE = Failure(Phase.SEND, Step.RCPT, Reason.REJECTED, "550", "mx answered 550 5.1.1 nobody")


def bad(trip: str, probe: ProbeKey = PROBE, at: float = 1000.0) -> Outcome:
    return Outcome(trip, probe, at, 2.0, SPANS, (), FAILURE, SAID)


def good(trip: str, probe: ProbeKey = PROBE, at: float = 1000.0) -> Outcome:
    return Outcome(trip, probe, at, 2.0, SPANS[1:], transcript=SAID[:1])


async def trips(store: Store, probe: ProbeKey | None = None) -> list[str]:
    return [outcome.trip for outcome in await store.recent(probe, 10_000)]


async def test_trace_and_transcript_of_a_trip_survive_a_restart(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.finished(bad("a"))
    store.finished(good("b"))
    store.finished(bad("c", OTHER))
    await store.close()
    store = Store.open(tmp_path)
    assert await store.outcome("a") == bad("a")
    assert await store.outcome("nobody") is None
    assert await kept_trips(store, PROBE) == [good("b"), bad("a")]
    assert await store.recent(None, 2) == [bad("c", OTHER).brief, good("b").brief]
    await store.close()


@pytest.mark.parametrize("threaded", [True, False])
async def test_who_asks_at_once_is_told_what_was_finished_before(
    tmp_path: Path, threaded: bool
) -> None:
    store = Store.open(tmp_path, threaded=threaded)
    for number in range(20):
        store.finished(bad(str(number)))
        assert (await trips(store))[0] == str(number)
    await store.close()


async def test_how_many_trips_are_no_longer_kept_is_known_between_those_that_are() -> None:
    store = Store.open(None)
    store.finished(bad("first"))
    for number in range(40):
        store.finished(good(f"good{number}"))
    store.finished(bad("second"))
    for number in range(NEWEST + 28):
        store.finished(good(f"later{number}"))
    store.finished(bad("third"))
    store.finished(good("other", OTHER))
    kept = await store.listed(PROBE, 10_000)
    missing = {one.outcome.trip: (one.successes, one.failures) for one in kept}
    assert len(kept) == NEWEST + 4
    assert {trip: counts for trip, counts in missing.items() if any(counts)} == {
        "later28": (28, 0),
        "second": (39, 0),
    }
    (oldest,) = await store.listed(OTHER, 10)
    assert oldest == ListedTrip(good("other", OTHER).brief)
    newest = await store.recent(PROBE, 5)
    assert [one.outcome for one in await store.listed(PROBE, 5)] == newest
    assert await store.listed(PROBE, 1) == [ListedTrip(bad("third").brief)]
    await store.close()


async def test_how_many_trips_are_no_longer_kept_is_known_at_the_end_of_the_list() -> None:
    store = Store.open(None)
    for number in range(3):
        store.finished(good(f"old{number}"))
    store.finished(bad("old"))
    store.finished(good("new", at=DAY))
    store.forget_expired(Moment("boot", 0.0, 1000.0 + KEEP + 10.0))
    assert await store.listed(PROBE, 10) == [ListedTrip(good("new", at=DAY).brief, 3, 1)]
    await store.close()


async def test_a_trip_that_is_told_twice_is_kept_once(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.finished(bad("a"))
    store.finished(good("b"))
    store.finished(good("a"))
    assert await kept_trips(store) == [good("a"), good("b")]
    await store.close()


async def test_an_outcome_and_what_is_kept_of_it_are_one_commit(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.finished(bad("a"))
    with closing(sqlite3.connect(tmp_path / state_file.FILE)) as reader:
        while not (
            rows := reader.execute(
                "SELECT (SELECT count(*) FROM recent), count(*) FROM outcomes"
            ).fetchall()
        ):
            await asyncio.sleep(0)
        assert rows in ([(0, 0)], [(1, 1)])
        await trips(store)
        assert reader.execute(
            "SELECT size = length(CAST(outcome AS BLOB)) FROM recent"
        ).fetchall() == [(1,)]
        assert reader.execute(
            "SELECT (SELECT count(*) FROM recent), count(*) FROM outcomes"
        ).fetchall() == [(1, 1)]
    await store.close()


async def test_what_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.finished(bad("a"))
    store.finished(bad("b"))
    await store.close()
    with closing(sqlite3.connect(tmp_path / state_file.FILE)) as file:
        file.execute("UPDATE recent SET outcome = '{\"trip\": 1}' WHERE trip = 'b'")
        file.execute("UPDATE traces SET outcome = '{\"trip\": 1}' WHERE number = 2")
        file.commit()
    store = Store.open(tmp_path)
    assert await trips(store) == ["a"]
    assert await store.outcome("b") is None
    await store.close()


async def test_a_list_of_many_trips_reads_none_of_their_traces_and_transcripts() -> None:
    """A thousand of them would take 100 MB."""
    store = Store.open(None)
    store.finished(replace(bad("a"), transcript=("x" * 500,) * 400))
    assert await store.recent(None, 10) == [bad("a").brief]
    assert await store.outcome("a") != bad("a").brief
    await store.close()


@given(st.data())
@pytest.mark.parametrize("kind", KINDS, ids=[*KINDS.values()])
def test_a_fact_of_each_kind_is_read_as_it_was(kind: type[Fact], data: st.DataObject) -> None:
    fact = data.draw(st.from_type(kind))
    assume(has_numbers(fact))
    trip = replace(bad("a"), facts=(fact,))
    assert facts_readable(facts_written((fact,))) == (fact,)
    assert type(facts_readable(facts_written((fact,)))[0]) is kind
    assert readable(written(trip)) == trip


def has_numbers(fact: Fact) -> bool:
    """Whether its numbers are some: JSON has neither NaN nor infinity."""
    try:
        dumps(TypeAdapter(type(fact)).dump_python(fact), allow_nan=False)
    except ValueError:
        return False
    return True


@given(st.data())
@pytest.mark.parametrize("kind", KINDS, ids=[*KINDS.values()])
def test_a_number_that_is_none_costs_no_more_than_its_fact(
    kind: type[Fact], data: st.DataObject
) -> None:
    fact = data.draw(st.from_type(kind))
    trip = replace(bad("a"), facts=(OURS, fact, OURS))
    read = readable(written(trip))
    assert read is not None
    assert replace(read, facts=trip.facts) == trip
    assert (read.facts[0], read.facts[-1]) == (OURS, OURS)
    assert facts_readable(facts_written(trip.facts)) == read.facts


@pytest.mark.parametrize("score", ["null", '"high"', "[]", "{}"])
def test_the_state_of_a_trip_with_a_score_that_is_no_number_is_read(score: str) -> None:
    """As one that has none."""
    odd = f'{{"scanner": "other", "score": {score}}}'
    assert facts_readable(f'[{{"code": 250, "text": "ok"}}, {odd}]') == (OURS,)
    trip = replace(bad("a"), facts=(OURS,))
    assert readable(written(trip).replace('"facts":[', f'"facts":[{odd},')) == trip


def test_a_byte_that_is_no_text_does_not_keep_facts_from_being_written() -> None:
    client = Client("192.0.2.1", "a\udcffb", "x@example.org")
    assert facts_readable(facts_written((client,))) == (replace(client, helo="a?b"),)


def test_no_two_kinds_of_facts_have_the_same_fields() -> None:
    """By which they are told apart, since the file of the state has them without a name."""
    assert len({frozenset(one.name for one in fields(kind)) for kind in KINDS}) == len(KINDS)


def test_a_fact_of_an_earlier_version_lacks_fields() -> None:
    text = '[{"blocklist": "bl.example", "subject": "192.0.2.1", "state": "listed"}]'
    assert facts_readable(text) == (Listing("bl.example", "192.0.2.1", ListState.LISTED),)


def test_thousands_of_facts_are_read_in_as_many_calls() -> None:
    """One call of a library for all of them would keep the event loop's thread waiting."""
    listing = Listing("bl.example", "192.0.2.1", ListState.LISTED, ("127.0.0.2",))
    text = written(replace(bad("a"), facts=(listing,) * 3200))
    calls = Counter[str]()
    sys.setprofile(lambda _frame, event, _argument: calls.update([event]))
    try:
        outcome = readable(text)
    finally:
        sys.setprofile(None)
    assert outcome is not None
    assert len(outcome.facts) == 3200
    assert calls["c_call"] > 3200
