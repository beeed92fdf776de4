"""Messages that a filter must keep out of the inbox, in virtual time."""

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from exporter.core.facts import Arrival, FilterTest, LateArrival
from exporter.core.model import Failure, Outcome, ProbeError
from exporter.core.phases import Leg, Phase
from exporter.core.reasons import Reason
from exporter.state.trip import State
from tests.atlas.transit import notice
from tests.support import virtual_time as virtual
from tests.support.prober_rig import KEY, TIMEOUT, ProberRig

LOST = partial(ProberRig, expect={"lost": True}, payload="eicar")
JUNK = partial(ProberRig, expect={"junk": True}, payload="gtube")
REFUSED = partial(ProberRig, expect={"code": 550}, payload="blocked_attachment")
ACCEPTED = 'mailtrip_failures_total{phase="verify",reason="accepted"}'
DAY = 86400.0


def failure(outcome: Outcome) -> Failure:
    assert outcome.failure is not None
    return outcome.failure


async def kept(rig: ProberRig, trip: str) -> Outcome:
    found = await rig.store.outcome(trip)
    assert found is not None
    return found


@virtual.on_a(LOST)
async def test_what_does_not_arrive_is_a_success_after_the_timeout(rig: ProberRig) -> None:
    rig.sender.delay = None
    outcome = await rig.trip()
    assert outcome.failure is None
    assert outcome.duration == pytest.approx(TIMEOUT, abs=0.2)
    assert outcome.filter_test == FilterTest("lost", "eicar")
    assert outcome.legs == dict.fromkeys(Leg, True)
    assert not [span for span in outcome.spans if span.reason]
    assert rig.series()["mailtrip_success"] == 1


@virtual.on_a(LOST)
async def test_what_arrives_in_time_is_a_failure_and_deleted(rig: ProberRig) -> None:
    outcome = await rig.trip()
    assert str(failure(outcome)) == (
        "verify: accepted eicar: the filter let a test virus (EICAR) through: it arrived in INBOX,"
        " and should not have arrived"
    )
    assert outcome.duration < 10
    assert outcome.legs == {Leg.MAILBOX: True, Leg.SEND: True, Leg.DELIVERY: False}
    assert rig.mailbox.messages == {}
    assert rig.series()[ACCEPTED] == 1
    assert rig.series()["mailtrip_delivery_delay_seconds_count"] == 0


@virtual.on_a(LOST)
async def test_what_arrives_after_the_end_makes_its_trip_a_failure(rig: ProberRig) -> None:
    rig.sender.delay = 5 * TIMEOUT
    outcome = await rig.trip()
    assert outcome.success
    await asyncio.sleep(5 * TIMEOUT)
    late = await kept(rig, outcome.trip)
    assert failure(late).phase is Phase.VERIFY
    assert (failure(late).reason, failure(late).code) == (Reason.ACCEPTED, "eicar")
    assert [type(fact) for fact in late.facts if isinstance(fact, LateArrival)] == [LateArrival]
    series = rig.series()
    assert series[ACCEPTED] == 1
    assert series["mailtrip_late_total"] == series["mailtrip_delivery_delay_seconds_count"] == 0
    assert rig.mailbox.messages == {}
    await asyncio.sleep(DAY)
    assert rig.series()["mailtrip_lost_total"] == 0


@virtual.on_a(LOST)
async def test_what_never_arrives_is_not_counted_as_lost(rig: ProberRig) -> None:
    rig.sender.delay = None
    outcome = await rig.trip()
    await asyncio.sleep(DAY + TIMEOUT)
    rig.ledger.expire()
    await rig.store.written(rig.store.finished(outcome))
    assert rig.series()["mailtrip_lost_total"] == 0
    assert await rig.store.trip(outcome.trip) is None
    assert (await kept(rig, outcome.trip)).success


@virtual.on_a(LOST)
async def test_a_mailbox_that_cannot_be_read_proves_nothing(rig: ProberRig) -> None:
    async def break_down() -> None:
        await asyncio.sleep(100)
        rig.mailbox.down = ProbeError(Reason.UNAVAILABLE, "the disk is full")

    rig.sender.delay = None
    outcome, _ = await asyncio.gather(rig.trip(), break_down())
    assert failure(outcome).reason is Reason.UNAVAILABLE
    assert outcome.legs[Leg.MAILBOX] is False


@virtual.on_a(LOST)
async def test_a_mailbox_that_does_not_answer_the_last_look_proves_nothing(rig: ProberRig) -> None:
    async def hang() -> None:
        await asyncio.sleep(TIMEOUT - 10)  # its session has 30 s for an answer
        rig.mailbox.hangs = True

    rig.sender.delay = TIMEOUT - 5
    outcome, _ = await asyncio.gather(rig.trip(), hang())
    assert str(failure(outcome)) == (
        "deliver: timeout: mailbox monitor did not answer when it was looked into at last"
    )
    assert outcome.legs == {Leg.MAILBOX: False, Leg.SEND: True}


@pytest.mark.parametrize("how", ["hangs", "down"])
def test_a_mailbox_for_bounces_that_cannot_be_read_proves_nothing(how: str) -> None:
    async def course() -> None:
        rig = LOST(bounces="sender")
        rig.sender.delay = None
        assert (await rig.trip()).success
        rig.sender_s_mailbox.hangs = how == "hangs"
        rig.sender_s_mailbox.down = ProbeError(Reason.UNAVAILABLE, "the disk is full")
        outcome = await rig.trip()
        assert failure(outcome).phase is Phase.DELIVER
        assert outcome.legs[Leg.MAILBOX] is False
        await rig.close()

    virtual.run(course())


@virtual.on_a(LOST)
async def test_a_message_that_was_perhaps_not_sent_proves_nothing(rig: ProberRig) -> None:
    rig.sender.delay, rig.sender.uncertain = None, True
    outcome = await rig.trip()
    assert (failure(outcome).phase, failure(outcome).reason) == (Phase.SEND, Reason.DISCONNECTED)


def test_our_own_lateness_proves_nothing() -> None:
    async def course() -> None:
        rig = LOST(clock=replace(virtual.clock(), late=lambda since, until: until - since))
        rig.sender.delay = None
        outcome = await rig.trip()
        assert (failure(outcome).phase, failure(outcome).reason) == (Phase.DELIVER, Reason.STARVED)
        await rig.close()

    virtual.run(course())


@pytest.mark.parametrize(("status", "success"), [("5.7.1", True), ("5.1.1", False)])
def test_a_filter_may_return_it_but_nobody_else(status: str, success: bool) -> None:
    async def course() -> None:
        rig = LOST()
        rig.sender.on_the_way = lambda raw: notice(raw, status, f"550 {status} refused")
        outcome = await rig.trip()
        assert outcome.success is success
        assert outcome.duration < 10
        if success:
            assert any("returned, as expected: 5.7.1" in line for line in outcome.transcript)
        else:
            assert failure(outcome).reason is Reason.BOUNCED
        await rig.close()

    virtual.run(course())


@pytest.mark.parametrize("delay", [None, 100])
def test_a_restart_goes_on_waiting(tmp_path: Path, delay: float | None) -> None:
    async def course() -> None:
        first = LOST(tmp_path)
        first.sender.delay = delay
        first.prober.start(first.probe)
        await asyncio.sleep(50)
        await first.close()
        second = LOST(tmp_path, first.mailbox)
        (trip,) = second.ledger.recover()
        second.prober.resume(second.probe, trip)
        (flight,) = second.probe.flights.values()
        outcome = await flight
        assert outcome.success is (delay is None)
        assert outcome.filter_test == FilterTest("lost", "eicar")
        await second.close()

    virtual.run(course())


def test_a_restart_after_the_end_still_tells_what_arrives(tmp_path: Path) -> None:
    async def course() -> None:
        first = LOST(tmp_path)
        first.sender.delay = 2 * TIMEOUT
        outcome = await first.trip()
        assert outcome.success
        await first.close()
        second = LOST(tmp_path, first.mailbox)
        assert second.ledger.recover() == []
        await asyncio.sleep(2 * TIMEOUT)
        assert second.series()[ACCEPTED] == 1
        assert second.mailbox.messages == {}
        assert failure(await kept(second, outcome.trip)).code == "eicar"
        assert (await second.store.trip(outcome.trip)).state is State.FOUND  # type: ignore[union-attr]
        await second.close()

    virtual.run(course())


@virtual.on_a(JUNK)
async def test_what_is_filed_as_spam_is_a_success_that_is_not_counted_as_junk(
    rig: ProberRig,
) -> None:
    rig.mailbox.junk, rig.mailbox.folder = True, "Junk"
    outcome = await rig.trip()
    assert outcome.failure is None
    assert rig.series()["mailtrip_junk_total"] == 0
    assert rig.series()["mailtrip_delivery_delay_seconds_count"] == 1
    assert rig.mailbox.messages == {}


@virtual.on_a(JUNK)
async def test_what_arrives_in_the_inbox_was_let_through(rig: ProberRig) -> None:
    outcome = await rig.trip()
    assert str(failure(outcome)) == (
        "verify: accepted gtube: the filter let test spam (GTUBE) through: it arrived in INBOX, and"
        " should have been filed as spam"
    )
    assert rig.mailbox.messages == {}


@virtual.on_a(partial(ProberRig, expect={"junk": True}))
async def test_a_message_without_a_payload_may_be_expected_in_the_junk_folder_too(
    rig: ProberRig,
) -> None:
    outcome = await rig.trip()
    assert failure(outcome).detail.startswith("the filter let the message through")
    assert failure(outcome).code == ""


@virtual.on_a(JUNK)
async def test_a_message_that_does_not_come_is_overdue_as_any_other(rig: ProberRig) -> None:
    rig.sender.delay = None
    assert failure(await rig.trip()).reason is Reason.OVERDUE


@virtual.on_a(REFUSED)
async def test_a_refusal_is_a_success_at_once(rig: ProberRig) -> None:
    rig.sender.refusal = Reason.REJECTED
    outcome = await rig.trip()
    assert outcome.failure is None
    assert outcome.duration < 10
    assert not [fact for fact in outcome.facts if isinstance(fact, Arrival)]


@virtual.on_a(REFUSED)
async def test_what_should_have_been_refused_is_deleted_when_it_arrives(rig: ProberRig) -> None:
    outcome = await rig.trip()
    assert str(failure(outcome)) == (
        "send: accepted blocked_attachment: a forbidden attachment was accepted, but should have"
        " been refused with 550"
    )
    assert outcome.legs == {Leg.MAILBOX: True, Leg.SEND: False, Leg.DELIVERY: True}
    assert rig.mailbox.messages == {}
    assert rig.series()['mailtrip_failures_total{phase="send",reason="accepted"}'] == 1
    assert rig.series()["mailtrip_delivery_delay_seconds_count"] == 0


@virtual.on_a(REFUSED)
async def test_what_was_accepted_and_does_not_arrive_was_accepted_all_the_same(
    rig: ProberRig,
) -> None:
    rig.sender.delay = None
    outcome = await rig.trip()
    assert (failure(outcome).phase, failure(outcome).reason) == (Phase.SEND, Reason.ACCEPTED)
    assert outcome.legs == {Leg.MAILBOX: True, Leg.SEND: False}


@virtual.on_a(REFUSED)
async def test_what_was_perhaps_accepted_was_if_it_arrives(rig: ProberRig) -> None:
    rig.sender.uncertain = True
    outcome = await rig.trip()
    assert (failure(outcome).phase, failure(outcome).reason) == (Phase.VERIFY, Reason.ACCEPTED)


def test_a_restart_deletes_what_should_have_been_refused(tmp_path: Path) -> None:
    async def course() -> None:
        first = REFUSED(tmp_path)
        first.sender.delay = 100
        first.prober.start(first.probe)
        await asyncio.sleep(50)
        await first.close()
        second = REFUSED(tmp_path, first.mailbox)
        (trip,) = second.ledger.recover()
        second.prober.resume(second.probe, trip)
        (flight,) = second.probe.flights.values()
        outcome = await flight
        assert (failure(outcome).phase, failure(outcome).reason) == (Phase.SEND, Reason.ACCEPTED)
        assert second.mailbox.messages == {}
        await second.close()

    virtual.run(course())


@pytest.mark.parametrize("make", [LOST, JUNK, REFUSED])
def test_a_payload_is_not_sent_unless_its_mailbox_is_open(make: partial[ProberRig]) -> None:
    async def course() -> None:
        rig = make()
        rig.mailbox.down = ProbeError(Reason.AUTH, "wrong password")
        outcome = await rig.trip()
        assert (failure(outcome).phase, failure(outcome).reason) == (Phase.OPEN, Reason.AUTH)
        assert rig.sender.sent == []
        assert outcome.probe == KEY
        await rig.close()

    virtual.run(course())
