"""A message through each exchanger, beside a trip, in virtual time."""

import asyncio
from pathlib import Path

import pytest

from exporter.core.model import Exchanger, ExchangerVisit, ProbeError
from exporter.core.reasons import Reason
from exporter.state.commits import GATHER
from exporter.state.trip import State
from tests.support import virtual_time as virtual
from tests.support.exchangers_rig import Dead, ExchangersRig, Greylisting, Pausing
from tests.support.pretend import PretendSender
from tests.support.prober_rig import INTERVAL, KEY
from tests.support.scopes import EXCHANGER


def results(visits: list[ExchangerVisit]) -> list[tuple[str, bool | None, str]]:
    return [(one.address, one.success, one.failure.reason if one.failure else "") for one in visits]


@virtual.on_a(ExchangersRig)
async def test_one_message_goes_through_each_exchanger_and_each_is_deleted(
    rig: ExchangersRig,
) -> None:
    outcome = await rig.trip()
    assert outcome.success
    assert outcome.duration < 7  # as without them
    visits = await rig.visits()
    assert results(visits) == [
        ("192.0.2.1", True, ""),
        ("192.0.2.2", True, ""),
        ("192.0.2.3", True, ""),
    ]
    assert all(one.delay == pytest.approx(5, rel=0.05) for one in visits)
    assert rig.exchangers.sent == [1, 1, 1]  # that of the trip is one of them
    assert rig.mailbox.messages == {}
    assert rig.success() == {"192.0.2.1": 1, "192.0.2.2": 1, "192.0.2.3": 1}
    await asyncio.sleep(GATHER)
    assert rig.store.unsettled() == []
    series = rig.series()
    assert series["mailtrip_trips_total"] == 1
    assert series["mailtrip_duplicates_total"] == series["mailtrip_late_total"] == 0
    assert series["mailtrip_delivery_delay_seconds_count"] == 1


@virtual.on_a(ExchangersRig)
async def test_each_exchanger_that_lets_no_mail_arrive_is_named_while_the_trip_succeeds(
    rig: ExchangersRig,
) -> None:
    rig.replace(0, Dead(rig.mailbox))
    rig.exchanger(2).refusal, rig.exchanger(2).words = Reason.REJECTED, "550 5.1.1 unknown user"
    outcome = await rig.trip()
    assert outcome.success
    assert outcome.duration < 7
    visits = await rig.visits()
    assert results(visits) == [
        ("192.0.2.1", False, "timeout"),
        ("192.0.2.2", True, ""),
        ("192.0.2.3", False, "rejected"),
    ]
    assert visits[2].failure
    assert "5.1.1 unknown user" in visits[2].failure.detail
    assert any("C: DATA" in line for line in visits[2].transcript)
    assert rig.series()["mailtrip_success"] == 1
    assert rig.success() == {"192.0.2.1": 0, "192.0.2.2": 1, "192.0.2.3": 0}


@virtual.on_a(ExchangersRig)
async def test_an_exchanger_that_accepts_a_message_and_loses_it_has_failed(
    rig: ExchangersRig,
) -> None:
    rig.exchanger(2).delay = None
    assert (await rig.trip()).success
    visits = await rig.visits()
    assert results(visits)[2] == ("192.0.2.3", False, "overdue")
    assert rig.clock.monotonic() < INTERVAL  # the next trip finds it done
    await asyncio.sleep(GATHER)
    # Not late and not lost, if it never comes; only deleted, if it does.
    assert [trip.state for trip in rig.store.unsettled()] == [State.FAILED]


@virtual.on_a(ExchangersRig)
async def test_what_comes_late_through_an_exchanger_is_deleted_and_counts_as_nothing(
    rig: ExchangersRig,
) -> None:
    rig.exchanger(2).delay = 400.0
    await rig.trip()
    assert results(await rig.visits())[2] == ("192.0.2.3", False, "overdue")
    await asyncio.sleep(INTERVAL)
    rig.exchanger(2).delay = 5.0
    await rig.trip()
    await rig.visits()
    assert rig.mailbox.messages == {}
    series = rig.series()
    assert series["mailtrip_late_total"] == series["mailtrip_duplicates_total"] == 0
    assert series["mailtrip_lost_total"] == 0


@virtual.on_a(ExchangersRig)
async def test_one_that_is_down_does_not_use_up_the_time_of_the_others(rig: ExchangersRig) -> None:
    rig.exchangers.senders = {
        Exchanger(f"mx{n:02}", n, f"192.0.2.{n}"): Dead(rig.mailbox) for n in range(1, 20)
    } | {Exchanger("mx20", 20, "192.0.2.20"): PretendSender(rig.mailbox)}
    rig.exchangers.senders[Exchanger("mx21", 21, "192.0.2.21")] = PretendSender(rig.mailbox)
    outcome = await rig.trip()
    assert outcome.success
    visits = await rig.visits()
    assert [one.success for one in visits] == [False] * 19 + [True, True]
    assert rig.clock.monotonic() < INTERVAL


@pytest.mark.parametrize(
    ("others", "pause", "success"),
    [(2, 6.0, True), (19, 8.0, None), (2, 1000.0, False)],
    ids=["in time", "slower than its share", "silent"],
)
def test_a_slow_greeting_is_a_fault_only_if_there_was_enough_time(
    others: int, pause: float, success: bool | None
) -> None:
    async def course() -> None:
        rig = ExchangersRig()
        rig.exchangers.senders = {Exchanger("mx", 10, "192.0.2.1"): PretendSender(rig.mailbox)}
        for number in range(others):
            slow = Pausing(rig.mailbox)
            slow.pause = pause
            rig.exchangers.senders[Exchanger("mx", 20, f"192.0.2.{number + 2}")] = slow
        await rig.trip()
        visits = await rig.visits()
        assert [one.success for one in visits[:2]] == [True, success]
        await rig.close()

    virtual.run(course())


@virtual.on_a(ExchangersRig)
async def test_a_deferred_message_holds_up_no_other(rig: ExchangersRig) -> None:
    rig.replace(1, Greylisting(rig.mailbox))
    await rig.trip()
    began = rig.clock.monotonic()
    visits = await rig.visits()
    assert all(one.success for one in visits)
    assert 28 < rig.clock.monotonic() - began < 40


@virtual.on_a(ExchangersRig)
async def test_messages_keep_the_gap(rig: ExchangersRig) -> None:
    rig.exchangers.gap = 20.0
    await rig.trip()
    began = rig.clock.monotonic()
    assert all(one.success for one in await rig.visits())
    assert rig.clock.monotonic() - began > 35


@virtual.on_a(ExchangersRig)
async def test_a_message_without_a_slot_says_nothing_about_its_exchanger(
    rig: ExchangersRig,
) -> None:
    rig.exchangers.gap = 1000.0
    await rig.trip()
    assert results(await rig.visits()) == [
        ("192.0.2.1", True, ""),
        ("192.0.2.2", None, "timeout"),
        ("192.0.2.3", None, "timeout"),
    ]
    assert rig.success() == {"192.0.2.1": 1}


@virtual.on_a(ExchangersRig)
async def test_a_mailbox_that_cannot_be_read_is_not_blamed_on_exchangers(
    rig: ExchangersRig,
) -> None:
    await rig.trip()
    await rig.visits()
    rig.mailbox.down = ProbeError(Reason.CONNECT, "the mailbox is down")
    rig.exchanger(1).refusal = Reason.REJECTED
    await asyncio.sleep(INTERVAL)
    outcome = await rig.trip()
    assert outcome.failure
    visits = await rig.visits()
    assert results(visits)[2][:2] == ("192.0.2.3", None)
    # What is unknown stays as it was.
    assert rig.success() == {"192.0.2.1": 1, "192.0.2.2": 0, "192.0.2.3": 1}


@virtual.on_a(ExchangersRig)
async def test_all_are_tested_when_the_trip_fails(rig: ExchangersRig) -> None:
    for number in range(3):
        rig.exchanger(number).refusal = Reason.REJECTED
    outcome = await rig.trip()
    assert outcome.failure
    assert outcome.failure.reason is Reason.CONNECT
    assert [one.success for one in await rig.visits()] == [False] * 3


@virtual.on_a(ExchangersRig)
async def test_a_new_exchanger_appears_and_one_that_is_gone_disappears(rig: ExchangersRig) -> None:
    await rig.trip()
    await rig.visits()
    del rig.exchangers.senders[Exchanger("mx2", 20, "192.0.2.3")]
    rig.exchangers.senders[Exchanger("mx3", 30, "192.0.2.4")] = PretendSender(rig.mailbox)
    await asyncio.sleep(INTERVAL)
    await rig.trip()
    await rig.visits()
    assert rig.success() == {"192.0.2.1": 1, "192.0.2.2": 1, "192.0.2.4": 1}


@virtual.on_a(ExchangersRig)
async def test_exchangers_that_cannot_be_looked_up_stay_as_they_were(rig: ExchangersRig) -> None:
    await rig.trip()
    await rig.visits()
    rig.exchangers.problem = ProbeError(Reason.DNS, "no answer")
    await asyncio.sleep(INTERVAL)
    await rig.trip()
    assert rig.probe.visits == {}
    assert len(rig.success()) == 3


@virtual.on_a(ExchangersRig)
async def test_a_trip_that_only_follows_a_failure_tests_no_exchanger(rig: ExchangersRig) -> None:
    rig.probe.schedule.interval_after_failure = 60.0
    rig.exchanger(0).delay = None
    rig.probe.timeout = 50.0
    outcome = await rig.trip()
    assert outcome.failure
    assert outcome.failure.reason is Reason.OVERDUE
    assert rig.exchangers.sent == [1, 1, 1]
    await asyncio.sleep(15)
    await rig.trip()
    assert rig.exchangers.sent == [2, 1, 1]


@virtual.on_a(ExchangersRig)
async def test_the_visits_are_kept_with_their_trip(rig: ExchangersRig) -> None:
    outcome = await rig.trip()
    visits = await rig.visits()
    await asyncio.sleep(GATHER)
    kept = await rig.store.outcome(outcome.trip)
    assert kept is not None
    assert [one for one in kept.facts if isinstance(one, ExchangerVisit)] == visits
    (listed,) = await rig.store.recent(KEY, 1)
    assert not [one for one in listed.facts if isinstance(one, ExchangerVisit)]
    (known,) = rig.store.last_known()
    assert [one for one in known.outcome.facts if isinstance(one, ExchangerVisit)] == visits


def test_after_a_restart_the_messages_are_only_deleted(tmp_path: Path) -> None:
    async def course() -> None:
        first = ExchangersRig(tmp_path)
        for number in range(3):
            first.exchanger(number).delay = 60.0
        first.prober.start(first.probe)
        await asyncio.sleep(20)
        assert first.exchangers.sent == [1, 1, 1]
        await first.close()
        second = ExchangersRig(tmp_path, mailbox=first.mailbox)
        (own,) = second.ledger.recover()
        second.prober.resume(second.probe, own)
        await asyncio.sleep(100)
        assert second.probe.newest
        assert second.probe.newest.success
        assert second.mailbox.messages == {}
        series = second.series()
        assert series["mailtrip_trips_total"] == 1
        assert series["mailtrip_duplicates_total"] == series["mailtrip_late_total"] == 0
        assert second.exchangers.sent == [0, 0, 0]
        await second.close()

    virtual.run(course())


def test_a_restart_knows_what_became_of_each_exchanger(tmp_path: Path) -> None:
    async def course() -> None:
        first = ExchangersRig(tmp_path)
        first.exchanger(2).refusal = Reason.REJECTED
        await first.trip()
        await first.visits()
        before = first.success()
        await first.close()
        second = ExchangersRig(tmp_path)
        (known,) = second.store.last_known()
        second.metrics.restored(known.outcome)
        assert second.success() == before == {"192.0.2.1": 1, "192.0.2.2": 1, "192.0.2.3": 0}
        await second.close()

    virtual.run(course())


@virtual.on_a(ExchangersRig)
async def test_stopping_leaves_no_task_behind(rig: ExchangersRig) -> None:
    rig.replace(1, Dead(rig.mailbox))
    await rig.trip()
    await asyncio.sleep(5)
    await rig.prober.abandon(rig.probe)
    assert rig.probe.visits == {}
    names = [task.get_name() for task in asyncio.all_tasks()]
    assert not [name for name in names if "exchangers" in name]


@virtual.on_a(ExchangersRig)
async def test_a_trip_by_hand_sends_no_second_message_to_each_meanwhile(rig: ExchangersRig) -> None:
    rig.replace(2, Dead(rig.mailbox))
    await rig.trip()
    await rig.trip()
    assert rig.exchangers.sent == [2, 1, 0]


@virtual.on_a(lambda: ExchangersRig(expect={"code": 550}))
async def test_what_must_be_refused_must_be_refused_by_each(rig: ExchangersRig) -> None:
    for number in (0, 1):
        rig.exchanger(number).refusal = Reason.REJECTED
    outcome = await rig.trip()
    assert outcome.failure
    assert outcome.failure.reason is Reason.ACCEPTED  # by the last one
    assert results(await rig.visits()) == [
        ("192.0.2.1", True, ""),
        ("192.0.2.2", True, ""),
        ("192.0.2.3", False, "accepted"),
    ]


@virtual.on_a(ExchangersRig)
async def test_junk_through_one_exchanger_is_a_failure_of_this_one(rig: ExchangersRig) -> None:
    rig.mailbox.junk = True
    await rig.trip()
    assert [one.success for one in await rig.visits()] == [False] * 3


@virtual.on_a(ExchangersRig)
async def test_the_exchangers_of_a_removed_probe_have_no_series(rig: ExchangersRig) -> None:
    await rig.trip()
    (task,) = rig.probe.visits.values()
    rig.probe.removed = True
    await task
    assert rig.success() == {}


@virtual.on_a(ExchangersRig)
async def test_the_series_are_gone_when_exchangers_are_not_tested_any_more(
    rig: ExchangersRig,
) -> None:
    await rig.trip()
    await rig.visits()
    assert len(rig.success()) == 3
    rig.metrics.known(KEY, "each", EXCHANGER)
    assert rig.success() == {}


@virtual.on_a(ExchangersRig)
async def test_one_for_which_no_time_is_left_is_unknown(rig: ExchangersRig) -> None:
    rig.probe.schedule.interval = 10.0
    rig.exchanger(0).delay = 0.5
    rig.exchangers.senders |= {
        Exchanger(f"mx{n}", n, f"192.0.2.{n}"): Dead(rig.mailbox) for n in range(30, 40)
    }
    await rig.trip()
    began = rig.clock.monotonic()
    visits = await rig.visits()
    unknown = [one for one in visits if one.success is None]
    assert unknown
    assert "no time was left" in str(unknown[0].failure)
    assert [one.success for one in visits[:4]] == [True, True, True, False]
    assert rig.clock.monotonic() - began < 10


@virtual.on_a(ExchangersRig)
async def test_the_interval_counts_from_the_start_of_the_trip(rig: ExchangersRig) -> None:
    rig.exchangers.gap = 20.0
    began = rig.clock.monotonic()
    await rig.trip()
    await rig.visits()
    await asyncio.sleep(GATHER)
    assert rig.ledger.last_starts() == {KEY: pytest.approx(began)}
