"""What is made of a message that came back as something else, in virtual time."""

import asyncio
from functools import partial

import pytest

from exporter.core.phases import Leg, Phase
from exporter.core.reasons import Reason
from exporter.mail.bounces import Bounce
from exporter.mailboxes.watcher.expectation import returned
from tests.mail.test_message import BOUNCE
from tests.support import virtual_time as virtual
from tests.support.prober_rig import ProberRig
from tests.support.tokens import tokens_in


def bounce(raw: bytes, action: str = "failed") -> bytes:
    (word,) = tokens_in(raw)
    return BOUNCE.format(action=action, token=word).encode()


def vacation_notice(raw: bytes) -> bytes:
    (word,) = tokens_in(raw)
    head = f"Subject: Away\r\nAuto-Submitted: auto-replied\r\nIn-Reply-To: <{word}@example.org>"
    return f"{head}\r\n\r\nI am away.\r\n".encode()


@virtual.on_a(ProberRig)
async def test_a_bounce_ends_the_trip_at_once_with_the_server_and_its_reason(
    rig: ProberRig,
) -> None:
    rig.sender.on_the_way = bounce
    outcome = await rig.trip()
    assert outcome.failure is not None
    assert (outcome.failure.phase, outcome.failure.reason) == (Phase.DELIVER, Reason.BOUNCED)
    assert outcome.failure.code == "5.1.1"
    assert outcome.failure.detail.startswith(
        "relay.example.net returned it: 550 5.1.1 <nobody@example.com>"
    )
    assert outcome.duration < 10
    assert outcome.legs == {Leg.MAILBOX: True, Leg.SEND: True, Leg.DELIVERY: False}
    await asyncio.sleep(10)
    assert rig.mailbox.messages == {}
    assert rig.series()["mailtrip_bounces_total"] == 1
    assert rig.series()["mailtrip_lost_total"] == 0


@virtual.on_a(partial(ProberRig, bounces="sender"))
async def test_a_bounce_is_found_in_the_sender_s_mailbox(rig: ProberRig) -> None:
    rig.sender.delay = None
    flight = rig.prober.start(rig.probe)
    await asyncio.sleep(60)
    rig.sender_s_mailbox.deliver(bounce(rig.sender.sent[0]))
    outcome = await flight
    assert outcome.failure is not None
    assert outcome.failure.reason is Reason.BOUNCED
    assert outcome.duration == pytest.approx(60, rel=0.05)
    await asyncio.sleep(10)
    assert rig.sender_s_mailbox.messages == {}
    assert rig.mailbox.open_now == rig.sender_s_mailbox.open_now == 0


@virtual.on_a(partial(ProberRig, bounces="sender"))
async def test_a_dead_mailbox_for_bounces_costs_no_trip(rig: ProberRig) -> None:
    rig.sender_s_mailbox.hangs = True
    assert (await rig.trip()).success


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (
            (
                "550 5.7.520 Access denied, Your organization does not allow external forwarding."
                " AS(7555)"
            ),
            (
                "Microsoft 365 does not forward to other organisations unless its outbound spam"
                " policy allows it"
            ),
        ),
        (
            "550 5.7.509 Access denied, sending domain does not pass DMARC verification",
            (
                "neither SPF (broken by forwarding) nor DKIM passed: sign the mail of `from` with"
                " DKIM (option `dkim`)"
            ),
        ),
        (
            "550-5.7.26 Your email has been blocked because the sender is unauthenticated.",
            (
                "neither SPF (broken by forwarding) nor DKIM passed: sign the mail of `from` with"
                " DKIM (option `dkim`)"
            ),
        ),
    ],
)
def test_a_provider_s_own_code_is_explained_in_front_of_its_text(text: str, hint: str) -> None:
    code = text[4:].partition(" ")[0]
    error = returned(Bounce("failed", code, "mx.example.net", text))
    assert (error.reason, error.code) == (Reason.BOUNCED, code)
    assert error.detail == f"mx.example.net returned it: {hint}: {text}"


@virtual.on_a(ProberRig)
async def test_a_notice_of_delay_and_a_vacation_notice_are_not_the_message(
    rig: ProberRig,
) -> None:
    flight = rig.prober.start(rig.probe)
    await asyncio.sleep(3)
    rig.mailbox.deliver(bounce(rig.sender.sent[0], "delayed"))
    rig.mailbox.deliver(vacation_notice(rig.sender.sent[0]))
    outcome = await flight
    assert outcome.success
    assert outcome.duration > 5
    await asyncio.sleep(10)
    assert rig.mailbox.messages == {}
    series = rig.series()
    assert series["mailtrip_duplicates_total"] == series["mailtrip_bounces_total"] == 0


@virtual.on_a(ProberRig)
async def test_a_bounce_of_an_overdue_message_is_the_end_of_it(rig: ProberRig) -> None:
    rig.sender.delay, rig.sender.on_the_way = 3600, bounce
    outcome = await rig.trip()
    assert outcome.failure is not None
    assert outcome.failure.reason is Reason.OVERDUE
    await asyncio.sleep(100_000)
    rig.ledger.expire()
    series = rig.series()
    assert (
        series["mailtrip_bounces_total"],
        series["mailtrip_late_total"],
        series["mailtrip_lost_total"],
    ) == (1, 0, 0)
    assert rig.mailbox.messages == {}


@virtual.on_a(ProberRig)
async def test_an_altered_message_fails_and_is_deleted(rig: ProberRig) -> None:
    rig.sender.on_the_way = lambda raw: raw[:-60]
    outcome = await rig.trip()
    assert outcome.failure is not None
    assert (outcome.failure.phase, outcome.failure.reason) == (Phase.VERIFY, Reason.ALTERED)
    assert outcome.legs[Leg.DELIVERY] is False
    assert rig.mailbox.messages == {}
    assert rig.series()["mailtrip_delivery_delay_seconds_count"] == 1


@virtual.on_a(ProberRig)
async def test_junk_fails_and_is_counted_and_deleted(rig: ProberRig) -> None:
    rig.mailbox.junk = True
    outcome = await rig.trip()
    assert outcome.failure is not None
    assert str(outcome.failure) == "verify: junk: filed as spam, in the folder INBOX"
    assert rig.mailbox.messages == {}
    assert rig.series()["mailtrip_junk_total"] == 1


@virtual.on_a(partial(ProberRig, junk="ok"))
async def test_junk_may_be_good_enough_and_is_counted_all_the_same(rig: ProberRig) -> None:
    rig.mailbox.junk = True
    assert (await rig.trip()).success
    assert rig.series()["mailtrip_junk_total"] == 1
