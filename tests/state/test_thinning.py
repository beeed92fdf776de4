"""Which trips the store keeps, for how long, and what of them."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from exporter.core.availability.outage import Outage
from exporter.core.facts import Arrival, LateArrival
from exporter.core.model import Failure, Outcome, ProbeKey, Span
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.settings import StateOptions
from exporter.state import evidence, thinning
from exporter.state import schema as state_file
from exporter.state.store import Store
from exporter.state.thinning import DAY, FAILURES, HOUR, KEEP, NEWEST, OUTAGE_TRIPS, SUCCESSES
from exporter.state.trip import Moment, State, Trip
from tests.support.kept_trips import kept_trips

PROBE = ProbeKey("submission", "someone@example.org")
OTHER = ProbeKey("submission", "other@example.org")
FAILURE = Failure(Phase.SEND, None, Reason.REJECTED, "550", "mx answered 550 5.1.1 nobody")
SPANS, SAID = (Span(Phase.SEND, None, 0.0, 2.0),), ("    0.500 send    C: RCPT TO:<a@b>",)
START = 20_000 * DAY  # the beginning of a day


def good(
    trip: str, at: float = START, delay: float | None = None, probe: ProbeKey = PROBE
) -> Outcome:
    facts = () if delay is None else (Arrival("INBOX", "header", delay, delay),)
    return Outcome(trip, probe, at, 2.0, SPANS, facts, None, SAID)


def bad(
    trip: str, at: float = START, delay: float | None = None, probe: ProbeKey = PROBE
) -> Outcome:
    return replace(good(trip, at, delay, probe), failure=FAILURE)


def is_whole(outcome: Outcome | None) -> bool:
    return bool(outcome and outcome.spans and outcome.transcript)


async def whole(store: Store, probe: ProbeKey | None = None) -> dict[str, bool]:
    """The trips that are kept, the newest first, and whether that is more than the verdict."""
    return {one.trip: is_whole(one) for one in await kept_trips(store, probe)}


def moment(now: float) -> Moment:
    return Moment("boot", 0.0, now)


@pytest.mark.slow
async def test_the_newest_are_kept_whole_more_of_the_failures_and_of_older_ones_the_verdict(
    tmp_path: Path,
) -> None:
    store = Store.open(tmp_path)
    store.finished(good("other", probe=OTHER))
    for number in range(-1, NEWEST + 20):
        store.finished(bad(f"bad{number}"))
        store.finished(good(f"good{number}"))
    kept, newest = await whole(store, PROBE), NEWEST + 19
    for word, most in (("good", SUCCESSES), ("bad", FAILURES)):
        of_kind = {trip: one for trip, one in kept.items() if trip.startswith(word)}
        first = {f"{word}-1": True}  # the first of a day
        assert of_kind == {f"{word}{newest - n}": n < most for n in range(NEWEST)} | first
    assert await store.outcome("bad20") == bad("bad20").brief
    assert await whole(store, OTHER) == {"other": True}
    await store.close()
    with closing(sqlite3.connect(tmp_path / state_file.FILE)) as file:
        (odd,) = file.execute(
            "SELECT count(*) FROM recent WHERE size != length(CAST(outcome AS BLOB))"
        ).fetchone()
    assert odd == 0


async def live(store: Store, outcomes: Iterable[Outcome]) -> None:
    """Trips that finish, in a state that is pruned each hour."""
    pruned = START
    for outcome in outcomes:
        store.finished(outcome)
        if outcome.finished_at > pruned + HOUR:
            pruned = outcome.finished_at
            await store.recent(None, 1)
            store.forget_expired(moment(pruned))


def every(seconds: float, days: float, failing: range = range(0)) -> Iterator[Outcome]:
    """Trips of some days, with their age in their names. Those of the `failing` hours fail."""
    for number in range(int(days * DAY / seconds)):
        at = number * seconds
        make = bad if int(at // HOUR) in failing else good
        yield make(f"{at / HOUR:g}", START + at)


@pytest.mark.slow
@pytest.mark.parametrize("keep", [KEEP, 60 * DAY, 3 * DAY])
async def test_older_trips_are_thinned_out_by_time(keep: float) -> None:
    store, interval, days = Store.open(None, keep=keep), 900.0, 70.0
    await live(store, every(interval, days))
    ages = {days * 24 - float(trip): one for trip, one in (await whole(store)).items()}
    per_hour = HOUR / interval
    week = min(7 * 24, keep / HOUR)
    for age, is_kept_whole in ages.items():
        hour = days * 24 - age
        of_hour, of_day = hour % 1 == 0, hour % 24 == 0
        assert age <= NEWEST / per_hour or (of_hour and age <= week + 1) or of_day
        assert is_kept_whole is (age * per_hour <= SUCCESSES or of_hour)
        assert age <= keep / HOUR + 1
    newest = min(NEWEST, per_hour * keep / HOUR)
    assert len([age for age in ages if age * per_hour <= NEWEST]) == pytest.approx(newest, abs=4)
    hours = [age for age in ages if (days * 24 - age) % 1 == 0 and age <= week]
    assert len(hours) == pytest.approx(week, abs=1)
    of_days = [age for age in ages if (days * 24 - age) % 24 == 0]
    assert len(of_days) == pytest.approx(keep / DAY, abs=1)
    await store.close()


async def test_the_failures_of_a_long_outage_are_thinned_out_too() -> None:
    store = Store.open(None)
    await live(store, every(60.0, 5.0, failing=range(24, 96)))
    kept = await whole(store)
    failed = [float(trip) for trip in kept if 24 <= float(trip) < 96]
    assert [hour for hour in failed if hour % 1 == 0] == [*range(95, 23, -1)]
    assert len(failed) == pytest.approx(NEWEST + 72 - 5, abs=1)
    assert all(kept[f"{hour}"] for hour in range(24, 96))
    await store.close()


async def test_trips_that_exemplars_name_are_kept_whole_until_others_take_their_place() -> None:
    store = Store.open(None)
    store.finished(good("first"))
    store.finished(good("slow", START + 10, 700.0))
    store.finished(bad("slow and failed", START + 11, 70.0))
    for number in range(2 * NEWEST):
        store.finished(good(f"{number}", START + 20 + number, 2.0))
    for trip in ("slow", "slow and failed"):
        outcome = await store.outcome(trip)
        assert outcome
        assert is_whole(outcome)
    store.finished(good("slow too", START + 1000, 650.0))
    assert await store.outcome("slow too")
    assert await store.outcome("slow") is None, "no exemplar names it any more"
    store.forget_expired(moment(START + 20 * DAY))
    assert [*await whole(store)] == [
        "slow too",
        f"{2 * NEWEST - 1}",
        "slow and failed",
        "first",
    ]
    store.forget_expired(moment(START + KEEP + DAY))
    assert await whole(store) == {}
    await store.close()


async def test_the_trip_of_a_late_message_is_named_by_an_exemplar_and_kept() -> None:
    store = Store.open(None)
    store.finished(bad("first"))
    store.finished(bad("late"))
    store.keep_late_arrival("late", PROBE, LateArrival(START + 900, 800.0, "INBOX", (), ()))
    for number in range(2 * NEWEST):
        store.finished(bad(f"{number}"))
    late = await store.outcome("late")
    assert late
    assert is_whole(late)
    await store.close()


async def test_an_exemplar_that_is_replaced_soon_is_still_among_the_newest() -> None:
    store = Store.open(None)
    store.finished(good("first"))
    for number in range(SUCCESSES + 5):
        store.finished(good(f"{number}", START + number, 2.0))
    kept = await whole(store)
    assert [*kept.values()] == [True] * SUCCESSES + [False] * 5 + [True]
    await store.close()


def outage_of(first: str, last: str, *, lasts: bool = False) -> Outage:
    end = None if lasts else 3000.0
    why = ("send/rejected",)
    return Outage(first, PROBE, 1000.0, 2000.0, end, 2, first, last, None, why, 0.0, False)


async def test_the_edges_of_an_outage_are_kept_whole_with_the_good_trips_beside_them() -> None:
    store = Store.open(None)
    for number in range(3):
        store.finished(good(f"before{number}"))
    for number in range(NEWEST + 20):
        store.finished(bad(f"bad{number}"))
        if number == 1:
            store.keep_outage(outage_of("bad1", "bad1", lasts=True))
        if number == 3:
            store.finished(good("after0"))
            store.keep_outage(outage_of("bad1", "bad3"))
    for number in range(NEWEST):
        store.finished(good(f"after{1 + number}"))
    edges = {"before2", "bad1", "bad3", "after0"}
    others = {"before1": None, "bad2": None, "bad100": False, "after100": False}
    for trip, expected in (others | dict.fromkeys(edges, True)).items():
        outcome = await store.outcome(trip)
        assert (outcome and is_whole(outcome)) is expected, trip
    store.forget_expired(moment(START + KEEP))
    assert edges < {*await whole(store)}
    beside = good("before2").brief, good("after0").brief
    assert await store.beside(outage_of("bad1", "bad3")) == beside
    assert await store.beside(outage_of("bad1", "bad3", lasts=True)) == (beside[0], None)
    assert await store.beside(outage_of("none", "none")) == (None, None)
    store.forget_expired(moment(START + KEEP + DAY))
    assert await whole(store) == {}
    await store.close()


async def test_of_very_many_outages_the_newest_have_evidence() -> None:
    store, more = Store.open(None), 30
    store.finished(bad("first"))
    for number in range(OUTAGE_TRIPS + more):
        store.finished(bad(f"bad{number}"))
        store.keep_outage(outage_of(f"bad{number}", f"bad{number}"))
    kept = [*(await whole(store)).values()]
    assert kept == [True] * OUTAGE_TRIPS + [False] * more + [True]
    await store.close()


async def test_a_verdict_stays_while_its_message_may_come_late() -> None:
    store = Store.open(None)
    store.finished(bad("first"))
    late = Trip("late", PROBE, "own", State.OVERDUE, START, "boot", 0.0, START + DAY)
    await store.record(late)
    store.finished(bad("late"))
    for number in range(2 * NEWEST):
        store.finished(bad(f"{number}"))
    assert await store.outcome("late") == bad("late").brief
    store.forget("late")
    store.finished(bad("last"))
    assert await store.outcome("late") is None
    await store.close()


async def test_a_clock_that_is_set_back_does_not_make_new_trips_old() -> None:
    store = Store.open(None)
    for number in range(1 + SUCCESSES):
        store.finished(good(f"before{number}", START + DAY))
    store.finished(good("after"))
    assert [*(await whole(store)).values()] == [True] * SUCCESSES + [False, True]
    await store.close()


def test_the_time_that_trips_are_kept_for_is_an_option() -> None:
    assert StateOptions().keep == KEEP
    assert StateOptions.model_validate({"keep": "2d"}).keep == 2 * DAY
    for nonsense, why in (
        ("59m", "must be at least 1h"),
        ("400d", "between 1ms and 365d"),
        ("-1d", "not a duration"),
        ("0s", "between 1ms and 365d"),
        ("forever", "not a duration"),
        (30, "not a duration"),
        (None, "not a duration"),
    ):
        with pytest.raises(ValueError, match=why):
            StateOptions.model_validate({"keep": nonsense})


def test_all_together_are_bounded_and_old_successes_go_before_old_failures() -> None:
    with closing(state_file.in_memory()) as connection:
        each = thinning.MOST_BYTES // 20 - 10_000
        for number in range(15):
            for make, word in ((bad, "bad"), (good, "good")):
                first = make(f"first {word}{number}", probe=ProbeKey("m", f"{word}{number}"))
                thinning.keep(connection, first, evidence.written(first))  # the first of a day
                outcome = replace(first, trip=f"{word}{number}")
                text = evidence.written(outcome)
                padding = " " * (each - len(text.encode()))
                thinning.keep(connection, outcome, text + padding)
        thinning.prune(connection, START + DAY, KEEP)
        assert size_of(connection) <= thinning.MOST_BYTES
        trips = [one.trip for one in evidence.newest(connection, None, 100)]
        kept = {one: is_whole(evidence.of_trip(connection, one)) for one in trips}
    assert len(kept) == 60
    dropped = [trip for trip, one in kept.items() if not one]
    assert dropped == [f"good{number}" for number in range(9, -1, -1)]


PROBES = 10_000
TEXT = 9000  # bytes of a trip with its transcript


def size_of(connection: sqlite3.Connection) -> int:
    """Bytes of all outcomes."""
    sizes = """SELECT (SELECT total(length(CAST(outcome AS BLOB))) FROM recent)
        + (SELECT total(length(CAST(outcome AS BLOB))) FROM traces)"""
    (size,) = connection.execute(sizes).fetchone()
    return int(size)


def used(connection: sqlite3.Connection) -> int:
    """Bytes of the file in which there is something."""
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    return int((pages - free) * size)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_ten_thousand_probes_are_bounded_and_each_keeps_its_newest_trips() -> None:
    keys = [ProbeKey("submission", f"someone{n}@example.org") for n in range(PROBES)]
    said = ("x" * 500,) * (TEXT // 500)
    with closing(state_file.in_memory()) as connection:
        for turn in range(9):
            now = START + turn * 300.0
            for number, key in enumerate(keys):
                fails = turn == 4 and number % 100 == 0
                facts = good("", delay=2.0).facts
                outcome = Outcome(
                    f"{turn:04x}{number:010x}", key, now, 2.0, SPANS, facts, None, said
                )
                if fails:
                    outcome = replace(outcome, failure=FAILURE, facts=())
                thinning.keep(connection, outcome, evidence.written(outcome))
                if fails:
                    outage = replace(outage_of(outcome.trip, outcome.trip), probe=key)
                    thinning.pin(connection, outage)
                if number % 5000 == 4999:
                    thinning.prune(connection, now + 2.0, KEEP)
                    assert size_of(connection) <= thinning.MOST_BYTES
                    # With the indexes, and what is left free in pages.
                    assert used(connection) <= 1.1 * thinning.MOST_BYTES
        failed = list[Outcome]()
        for key in keys[::10]:
            kept = evidence.newest(connection, key, 100)
            assert [one.trip[:4] for one in kept[:3]] == ["0008", "0007", "0006"]
            of_trips = [evidence.of_trip(connection, one.trip) for one in kept if one.failure]
            failed += filter(None, of_trips)
        assert len(failed) == PROBES // 100
        assert all(map(is_whole, failed))
        (exemplars,) = connection.execute(
            "SELECT count(*) FROM exemplars JOIN recent USING (number)"
        ).fetchone()
        assert exemplars == PROBES
