"""The account of a month."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from exporter.core.availability.account import Month, ProbeAccount
from exporter.core.availability.downtime import Downtime
from exporter.core.availability.outage import Outage, Unsettled
from exporter.core.facts import Arrival, LateArrival
from exporter.core.model import Failure, Outcome, ProbeKey
from exporter.core.phases import Leg, Phase
from exporter.core.reasons import Reason
from exporter.state import account as accounts
from exporter.state import days, outages, outcomes
from exporter.state import schema as state_file
from exporter.state.account import stored_account
from exporter.state.days import DAY
from exporter.state.schema import FILE, StateUnusable
from exporter.state.store import Store

PROBE, OTHER, NEVER = (ProbeKey("submission", f"{one}@example.org") for one in "abc")
OCTOBER = Month(2026, 10)


def moment(day: int, hour: int = 0, minute: int = 0, month: int = 10) -> float:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC).timestamp()


def trip(
    at: float, *, good: bool = True, delay: float | None = 2.0, planned: bool = False
) -> Outcome:
    """One that ended at that moment."""
    return Outcome(
        f"trip{at:.0f}",
        PROBE,
        at - 5.0,
        5.0,
        facts=(Arrival("INBOX", "header", delay, None),) if good else (),
        failure=None if good else Failure(Phase.DELIVER, None, Reason.OVERDUE),
        planned=planned,
    )


def outage(start: float, end: float | None, planned_seconds: float = 0.0) -> Outage:
    return Outage(
        id=f"outage{start:.0f}",
        probe=PROBE,
        start=start,
        last_start=start,
        end=end,
        failures=1,
        first_trip="a",
        last_trip="b",
        leg=Leg.DELIVERY,
        reasons=("deliver/overdue",),
        planned_seconds=planned_seconds,
        planned=planned_seconds > 0,
    )


BEYOND_THE_MONTH = [trip(moment(30, month=9)), trip(moment(1)), trip(moment(1, month=11))]


async def the_account(
    directory: Path, outcomes: list[Outcome], outages: list[Outage], now: float
) -> ProbeAccount:
    store = Store.open(directory)
    for outcome in outcomes:
        store.finished(outcome)
    for one in outages:
        store.keep_outage(one)
    await store.close()
    store = Store.open(directory)
    (account,) = await store.account(OCTOBER, now)
    await store.close()
    return account


NOVEMBER_2 = moment(2, month=11)


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(state_file.in_memory()) as made:
        yield made


async def test_trips_are_counted_by_month_and_rechecks_and_planned_ones_apart(
    tmp_path: Path,
) -> None:
    outcomes = [
        trip(moment(30, 23, 59, month=9)),  # in September
        trip(moment(1)),
        trip(moment(1, 1), good=False),
        replace(trip(moment(1, 2), good=False), recheck=True),
        trip(moment(15), planned=True),
        trip(moment(15, 1), good=False, planned=True),
        trip(moment(31, 23, 59)),
        trip(moment(1, month=11)),  # in November
    ]
    account = await the_account(tmp_path, outcomes, [], NOVEMBER_2)
    assert (account.trips, account.failures) == (3, 1)
    assert (account.planned_trips, account.planned_failures) == (2, 1)
    assert (account.since, account.until) == (OCTOBER.start, OCTOBER.end)
    assert sum(account.delays) == 3


async def test_availability_is_the_time_without_outages_that_were_not_planned(
    tmp_path: Path,
) -> None:
    outages = [
        outage(moment(10), moment(10, 0, 5)),
        outage(moment(20), moment(20, 2), planned_seconds=7200.0),
    ]
    account = await the_account(tmp_path, BEYOND_THE_MONTH, outages, NOVEMBER_2)
    assert account.downtime.down == 300.0
    assert account.downtime.planned == 7200.0
    assert account.downtime.availability == pytest.approx(1 - 300 / (31 * DAY - 7200))
    assert [one.id for one in account.outages] == [one.id for one in outages]


async def test_of_an_outage_that_exceeds_the_month_only_the_part_inside_counts(
    tmp_path: Path,
) -> None:
    outages = [
        outage(moment(30, 22, month=9), moment(1, 2)),
        outage(moment(31, 23), moment(1, 9, month=11)),
        outage(moment(5, month=9), moment(6, month=9)),  # none of it
    ]
    account = await the_account(tmp_path, BEYOND_THE_MONTH, outages, NOVEMBER_2)
    assert account.downtime.down == 3 * 3600.0
    assert len(account.outages) == 2


async def test_a_probe_counts_from_its_first_trip_to_its_last_one(tmp_path: Path) -> None:
    """As one that was removed while it failed: what happened later is unknown."""
    lasting = outage(moment(10, 23), None)
    first, last = trip(moment(10)), trip(moment(11), good=False)
    account = await the_account(tmp_path, [first, last], [lasting], NOVEMBER_2)
    assert (account.since, account.until) == (first.started_at, last.finished_at)
    assert account.downtime.down == 3600.0
    assert account.downtime.availability == pytest.approx(1 - 3600 / (DAY + 5))


async def test_the_last_days_are_computed_as_a_month_is() -> None:
    now, month = moment(31), 30 * DAY
    store = Store.open(None)
    for at in (now - 40 * DAY, now - 60, now):
        store.finished(trip(at))
    store.finished(replace(trip(now - 3600), probe=OTHER))
    for number, one in enumerate(
        [
            outage(now - 40 * DAY, now - 29 * DAY),
            outage(now - 3600, now - 1800, planned_seconds=450.0),
            outage(now - 60, None),
        ]
    ):
        store.keep_outage(replace(one, id=str(number)))
    downtimes = await store.downtimes([PROBE, OTHER, NEVER], [DAY, month], now)
    assert downtimes[PROBE] == [
        Downtime(DAY, 1410.0, 450.0),
        Downtime(month, DAY + 1410.0, 450.0),
    ]
    # It was watched for five seconds.
    assert downtimes[OTHER] == [Downtime(5.0, 0.0, 0.0)] * 2
    assert [one.availability for one in downtimes[NEVER]] == [None, None]
    await store.close()


async def test_late_and_lost_messages_count_on_their_day(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.finished(trip(moment(1), delay=None))
    store.keep_late_arrival("a", PROBE, LateArrival(moment(2), 700.0, "INBOX", (), ()))
    store.keep_late_arrival("b", PROBE, LateArrival(moment(2), None, "INBOX", (), ()))
    store.count_lost(PROBE, moment(3))
    await store.close()
    store = Store.open(tmp_path)
    (account,) = await store.account(OCTOBER, NOVEMBER_2)
    await store.close()
    assert (account.late, account.lost, account.trips) == (2, 1, 1)
    assert account.delay(0.5) == pytest.approx(600.0)
    assert account.delay(1.0) == 900.0


async def test_thirteen_months_of_a_hundred_probes_need_less_than_20_mb(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    for number in range(10):  # a tenth of them
        for day in range(395):
            outcome = trip(moment(1) + day * DAY)
            store.finished(replace(outcome, probe=ProbeKey("submission", f"{number}@example.org")))
        await store.outcome("none")  # returns when they are written
    await store.close()
    assert 10 * (tmp_path / FILE).stat().st_size < 20 << 20


async def test_the_account_is_read_while_mailtrip_writes(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.finished(trip(moment(1)))
    await store.outcome("none")
    (account,) = stored_account(tmp_path, OCTOBER, NOVEMBER_2)
    assert account.trips == 1
    await store.close()


def test_a_state_that_cannot_be_read_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(
        StateUnusable,
        match="does not exist: give the directory of mailtrip serve, with --state.dir",
    ):
        stored_account(tmp_path, OCTOBER, NOVEMBER_2)
    (tmp_path / FILE).write_bytes(b"nonsense" * 1000)
    with pytest.raises(StateUnusable, match="file is not a database"):
        stored_account(tmp_path, OCTOBER, NOVEMBER_2)
    (tmp_path / FILE).unlink()
    with closing(sqlite3.connect(tmp_path / FILE)) as file:
        file.execute("PRAGMA user_version = 4")
    with pytest.raises(StateUnusable, match="another version of mailtrip"):
        stored_account(tmp_path, OCTOBER, NOVEMBER_2)


async def test_a_damaged_day_is_left_out(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.finished(trip(moment(1)))
    store.finished(trip(moment(2)))
    await store.close()
    with closing(sqlite3.connect(tmp_path / FILE)) as file:
        file.execute("UPDATE days SET trips = 'nonsense' WHERE day % 2")
        file.commit()
    (account,) = stored_account(tmp_path, OCTOBER, NOVEMBER_2)
    assert account.trips == 1


def of_probe(name: str, outcome: Outcome) -> Outcome:
    return replace(outcome, probe=ProbeKey("submission", name))


def kept_days(connection: sqlite3.Connection) -> dict[str, list[int]]:
    """The days of October by the targets of probes."""
    found: dict[str, list[int]] = {}
    first = int(OCTOBER.start // DAY) - 1
    for target, day in connection.execute("SELECT target, day FROM days ORDER BY target, day"):
        found.setdefault(target, []).append(day - first)
    return found


def test_the_oldest_days_of_all_probes_go_if_there_are_too_many(
    connection: sqlite3.Connection,
) -> None:
    for day in range(1, 11):
        for name in "abc":
            days.count(connection, of_probe(name, trip(moment(day))))
    days.prune(connection, moment(11), most=30)
    assert len(kept_days(connection)["a"]) == 10
    days.prune(connection, moment(11), most=29)
    assert kept_days(connection) == {name: [*range(2, 11)] for name in "abc"}
    for account in accounts.account(connection, OCTOBER, moment(31)):
        assert account.since == moment(2) - 5.0
        assert account.trips == 9


def test_of_a_day_with_too_many_probes_those_with_the_most_trips_are_kept(
    connection: sqlite3.Connection,
) -> None:
    """Such as of a stranger who makes up targets."""
    for hour in range(3):
        days.count(connection, of_probe("real", trip(moment(1, hour))))
        days.count(connection, of_probe("real", trip(moment(2, hour))))
    for number in range(40):
        days.count(connection, of_probe(f"made up {number}", trip(moment(2, 4))))
    days.prune(connection, moment(3), most=40)
    assert sum(map(len, kept_days(connection).values())) == 38
    assert kept_days(connection)["real"] == [2]


def test_the_account_of_a_probe_begins_after_an_outage_that_is_no_longer_kept(
    connection: sqlite3.Connection,
) -> None:
    """Else it would have been available then. The account of other probes goes on."""
    for day in range(1, 21):
        for name in "ab":
            days.count(connection, of_probe(name, trip(moment(day))))
        flap = outage(moment(day, 3), moment(day, 4))
        outages.keep(connection, replace(flap, probe=ProbeKey("submission", "b")))
    only = outage(moment(1, 3), moment(1, 9))
    outages.keep(connection, replace(only, id="only", probe=ProbeKey("submission", "a")))
    accounts.prune(connection, moment(21), most_outages=21)
    assert len(outages.newest(connection, None, 100)) == 21
    accounts.prune(connection, moment(21), most_outages=20)
    a, b = accounts.account(connection, OCTOBER, moment(31))
    assert (len(a.outages), len(b.outages)) == (1, 18)
    assert a.since == OCTOBER.start
    assert b.since == moment(3) - 5.0
    assert a.downtime.down == 6 * 3600
    assert b.downtime.down == 17 * 3600  # the last one began after the last trip


def test_outages_of_made_up_targets_go_before_those_of_a_probe_that_is_watched_for_long(
    connection: sqlite3.Connection,
) -> None:
    real = ProbeKey("submission", "real")
    days.count(connection, of_probe("real", trip(moment(21))))
    for day in range(1, 21):
        days.count(connection, of_probe("real", trip(moment(day))))
        outages.keep(connection, replace(outage(moment(day, 3), moment(day, 4)), probe=real))
    for number in range(100):
        name = f"made up {number}"
        days.count(connection, of_probe(name, trip(moment(21))))
        one = replace(outage(moment(21, 0, number % 60), None), id=name, probe=ProbeKey("m", name))
        outages.keep(connection, one)
    accounts.prune(connection, moment(22), most_outages=40)
    assert len(outages.newest(connection, real, 100)) == 20
    assert len(outages.newest(connection, None, 100)) == 38
    assert len(kept_days(connection)["real"]) == 21


def test_probes_that_have_not_been_heard_of_for_long_are_forgotten_if_there_are_too_many(
    connection: sqlite3.Connection,
) -> None:
    for number in range(40):
        one = of_probe(f"{number:02}", trip(moment(1, 0, number)))
        outcomes.keep(connection, one, "{}")
        outages.keep_unsettled(connection, one.probe, Unsettled())
    outcomes.prune(connection, most=40)
    assert len(outcomes.probes(connection)) == 40
    outcomes.prune(connection, most=39)
    kept = [f"{number:02}" for number in range(2, 40)]
    assert [one.target for one in outcomes.probes(connection)] == kept
    assert [one.target for one in outages.unsettled(connection)] == kept
