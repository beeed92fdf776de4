"""Round trips whose message does not come back: what comes instead, and what that proves."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from exporter.core.facts import Answer, Arrival, LateArrival
from exporter.core.home import Home
from exporter.core.model import Outcome
from exporter.core.phases import Leg, Phase
from exporter.core.reasons import Reason
from tests.support import virtual_time as virtual
from tests.support.answers import header, report, silent_vacation, vacation
from tests.support.prober_rig import TIMEOUT, ProberRig

ADDRESSED: dict[str, Any] = {"from": "probe+{trip}@example.org"}
Make = Callable[[bytes, float], bytes]

Answered = partial(ProberRig, home="reply")
Reported = partial(ProberRig, home="delivery_status")
Addressed = partial(ProberRig, home="reply", **ADDRESSED)


def answering(rig: ProberRig, make: Make, after: float = 2.0) -> None:
    """Whoever gets the message answers so many seconds later; the answer is seen 5 s after it was
    sent."""
    rig.sender.on_the_way = lambda raw: make(raw, rig.clock.wall() + after)


def answer(outcome: Outcome) -> Answer:
    (fact,) = (fact for fact in outcome.facts if isinstance(fact, Answer))
    return fact


def arrival(outcome: Outcome) -> Arrival:
    (fact,) = (fact for fact in outcome.facts if isinstance(fact, Arrival))
    return fact


@virtual.on_a(Answered)
async def test_an_answer_is_the_arrival_and_both_legs_are_timed(rig: ProberRig) -> None:
    answering(rig, vacation)
    outcome = await rig.trip()
    assert outcome.failure is None, outcome.failure
    assert outcome.legs == dict.fromkeys(Leg, True)
    told, came = answer(outcome), arrival(outcome)
    assert told.home is Home.REPLY
    assert (told.sender, told.text) == ("Away <away@lab.test>", "Away")
    assert came.found_in == "references"
    assert came.delay == pytest.approx(5, rel=0.05)
    # It was written 2 s after the acceptance, and its date has whole seconds.
    assert told.there is not None
    assert told.back is not None
    assert told.error is not None
    assert abs(told.there - 2) <= told.error <= 0.5
    assert told.there + told.back == pytest.approx(came.delay)
    assert rig.mailbox.messages == {}


@virtual.on_a(Answered)
async def test_the_message_that_asks_for_an_answer_does_not_look_like_one(rig: ProberRig) -> None:
    """RFC 3834 section 2: responders do not answer automatic messages."""
    answering(rig, vacation)
    await rig.trip()
    (raw,) = rig.sender.sent
    for name in (b"auto-submitted", b"x-auto-response-suppress", b"precedence", b"list-"):
        assert b"\r\n" + name not in raw.lower()


@virtual.on_a(Answered)
async def test_an_answer_causes_no_message_however_many_come(rig: ProberRig) -> None:
    answering(rig, vacation)
    rig.sender.copies = 3
    await rig.trip()
    await asyncio.sleep(3600)
    assert len(rig.sender.sent) == 1


@virtual.on_a(Answered)
async def test_a_second_answer_is_a_duplicate(rig: ProberRig) -> None:
    answering(rig, vacation)
    rig.sender.copies = 2
    assert (await rig.trip()).success
    await asyncio.sleep(60)
    assert rig.series()["mailtrip_duplicates_total"] == 1
    assert rig.mailbox.messages == {}


@virtual.on_a(Answered)
async def test_the_message_itself_is_neither_the_arrival_nor_a_duplicate(rig: ProberRig) -> None:
    """It is cleaned away, if the mailbox gets it as well."""
    outcome = await rig.trip()
    assert outcome.failure
    assert (outcome.failure.phase, outcome.failure.reason) == (Phase.DELIVER, Reason.OVERDUE)
    assert "no answer was seen" in outcome.failure.detail
    assert rig.series()["mailtrip_duplicates_total"] == 0
    assert rig.mailbox.messages == {}


@virtual.on_a(Answered)
async def test_a_late_answer_is_late_and_one_that_never_comes_is_lost(rig: ProberRig) -> None:
    answering(rig, vacation)
    rig.sender.delay = TIMEOUT + 60
    assert (await rig.trip()).failure
    await asyncio.sleep(120)
    assert rig.series()["mailtrip_late_total"] == 1
    rig.sender.delay = None
    assert (await rig.trip()).failure
    await asyncio.sleep(2 * 86400)
    rig.ledger.expire()
    assert rig.series()["mailtrip_lost_total"] == 1


def test_a_restart_waits_for_the_answer_and_knows_a_late_one(tmp_path: Path) -> None:
    async def course() -> None:
        first = Answered(tmp_path)
        answering(first, vacation)
        first.sender.delay = TIMEOUT + 60
        overdue = await first.trip()
        first.sender.delay = 100
        first.prober.start(first.probe)
        await asyncio.sleep(50)
        await first.close()
        second = Answered(tmp_path, first.mailbox)
        (trip,) = second.ledger.recover()
        second.prober.resume(second.probe, trip)
        await second.prober.scrape(second.probe, 200)
        outcome = await second.store.outcome(trip.id)
        assert outcome is not None
        assert outcome.success
        assert answer(outcome).home is Home.REPLY
        late = await second.store.outcome(overdue.trip)
        assert late is not None
        assert [one for one in late.facts if isinstance(one, LateArrival)]
        await second.close()

    virtual.run(course())


@virtual.on_a(Answered)
async def test_the_legs_are_unknown_if_the_clocks_differ(rig: ProberRig) -> None:
    for after, words in ((3600.0, "3595 s or more ahead of"), (-3600.0, "3599 s or more behind")):
        answering(rig, vacation, after)
        told = answer(await rig.trip())
        assert (told.there, told.back, told.error) == (None, None, None)
        assert words in told.legs


@virtual.on_a(Answered)
async def test_an_answer_without_a_date_says_nothing_about_the_legs(rig: ProberRig) -> None:
    answering(rig, lambda raw, at: vacation(raw, at).replace(b"Date:", b"X-Date:"))
    outcome = await rig.trip()
    assert outcome.success
    assert answer(outcome).legs.startswith("unknown: it has no readable time")


@virtual.on_a(Addressed)
async def test_an_answer_that_names_nothing_is_known_by_the_address_that_it_comes_to(
    rig: ProberRig,
) -> None:
    answering(rig, silent_vacation)
    outcome = await rig.trip()
    assert outcome.failure is None, outcome.failure
    assert arrival(outcome).found_in == "recipient"
    sender = header(rig.sender.sent[0], "From")
    assert sender.startswith("<probe+mtrip1")
    assert len(sender.strip("<>").partition("@")[0]) <= 64


@virtual.on_a(partial(ProberRig, **ADDRESSED))
async def test_a_bounce_without_the_original_is_known_by_its_address(rig: ProberRig) -> None:
    rig.sender.on_the_way = lambda raw: report(raw, rig.clock.wall(), "failed", original=False)
    outcome = await rig.trip()
    assert outcome.failure
    assert (outcome.failure.reason, outcome.failure.code) == (Reason.BOUNCED, "5.1.1")
    assert rig.mailbox.messages == {}


def test_a_restart_knows_the_address_of_a_trip(tmp_path: Path) -> None:
    async def course() -> None:
        first = ProberRig(tmp_path, **ADDRESSED)
        first.sender.on_the_way = lambda raw: report(raw, 0.0, "failed", original=False)
        first.sender.delay = 100
        first.prober.start(first.probe)
        await asyncio.sleep(50)
        await first.close()
        second = ProberRig(tmp_path, first.mailbox, **ADDRESSED)
        (trip,) = second.ledger.recover()
        second.prober.resume(second.probe, trip)
        await second.prober.scrape(second.probe, 200)
        assert second.probe.newest is not None
        assert second.probe.newest.failure is not None
        assert second.probe.newest.failure.reason is Reason.BOUNCED
        assert second.mailbox.messages == {}
        await second.close()

    virtual.run(course())


@virtual.on_a(partial(ProberRig, **ADDRESSED))
async def test_other_mail_to_the_address_of_a_trip_is_not_touched(rig: ProberRig) -> None:
    """The address proves that a notice is about our message, and never that ours came."""
    rig.sender.on_the_way = lambda raw: (
        f"From: shop@example.net\r\nTo: {header(raw, 'From')}\r\nSubject: Offer\r\n\r\nBuy\r\n"
    ).encode()
    outcome = await rig.trip()
    assert outcome.failure
    assert outcome.failure.reason is Reason.OVERDUE
    assert len(rig.mailbox.messages) == 1


@pytest.mark.parametrize(
    ("action", "code"), [("delivered", None), ("relayed", "relayed"), ("expanded", "expanded")]
)
def test_a_notification_proves_a_delivery_only_if_it_says_so(action: str, code: str | None) -> None:
    async def course() -> None:
        rig = Reported()
        answering(rig, partial(report, action=action))
        outcome = await rig.trip()
        told = answer(outcome)
        assert told.home is Home.DELIVERY_STATUS
        assert told.text.startswith(f"{action} by mx1.lab.test to imap.lab.test: 250")
        failure = outcome.failure
        found = failure and (failure.phase, failure.reason, failure.code)
        assert found == (code and (Phase.VERIFY, Reason.PROTOCOL, code))
        assert outcome.legs[Leg.DELIVERY] is (code is None)
        assert rig.mailbox.messages == {}
        await rig.close()

    virtual.run(course())


@virtual.on_a(Reported)
async def test_an_automatic_answer_is_no_notification_of_the_delivery(rig: ProberRig) -> None:
    answering(rig, vacation)
    outcome = await rig.trip()
    assert outcome.failure
    assert outcome.failure.reason is Reason.OVERDUE
    assert "no notification of its delivery" in outcome.failure.detail


@virtual.on_a(Answered)
async def test_a_notification_is_no_answer(rig: ProberRig) -> None:
    answering(rig, report)
    outcome = await rig.trip()
    assert outcome.failure
    assert outcome.failure.reason is Reason.OVERDUE


@virtual.on_a(Reported)
async def test_a_message_that_is_returned_ends_the_trip_at_once(rig: ProberRig) -> None:
    answering(rig, partial(report, action="failed"))
    outcome = await rig.trip()
    assert outcome.failure
    assert (outcome.failure.reason, outcome.failure.code) == (Reason.BOUNCED, "5.1.1")


@virtual.on_a(Answered)
async def test_an_answer_in_the_junk_folder_fails_as_any_message(rig: ProberRig) -> None:
    answering(rig, vacation)
    rig.mailbox.junk = True
    outcome = await rig.trip()
    assert outcome.failure
    assert outcome.failure.reason is Reason.JUNK
