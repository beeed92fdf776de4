"""What becomes of a trip when something else comes than its message, in virtual time."""

import asyncio
from functools import partial

import pytest

from exporter.core.facts import Unclear
from exporter.core.model import Outcome
from exporter.core.one_line import MAX_DETAIL
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.mail.bounces import Bounce
from exporter.mailboxes.watcher.expectation import MOST_UNCLEAR, returned
from tests.mail.notices import TOKEN, arrived
from tests.support import virtual_time as virtual
from tests.support.prober_rig import ProberRig
from tests.support.tokens import tokens_in


def about(sent: bytes, file: str) -> bytes:
    """That file, about the message that was sent."""
    (word,) = tokens_in(sent)
    return arrived(file).replace(TOKEN.word.encode(), word.encode())


async def trip_that_gets(rig: ProberRig, *files: str) -> Outcome:
    """A trip to whose mailbox these come, one each second, while its message is under way."""
    flight = rig.prober.start(rig.probe)
    await asyncio.sleep(3)  # the mailbox is opened, and the message sent
    for file in files:
        await asyncio.sleep(1)
        rig.mailbox.deliver(about(rig.sender.sent[0], file))
    return await flight


@pytest.mark.parametrize(
    "file", ["notices/dma", "notices/opensmtpd-7", "notices/qmail", "notices/exim-4"]
)
def test_a_bounce_in_plain_words_ends_the_trip_at_once(file: str) -> None:
    @virtual.on_a(ProberRig)
    async def course(rig: ProberRig) -> None:
        rig.sender.on_the_way = partial(about, file=file)
        outcome = await rig.trip()
        assert outcome.failure is not None
        assert (outcome.failure.reason, outcome.failure.code[:1]) == (Reason.BOUNCED, "5")
        assert outcome.duration < 10
        await asyncio.sleep(10)
        assert rig.mailbox.messages == {}
        assert rig.series()["mailtrip_bounces_total"] == 1

    course()


@pytest.mark.parametrize("file", ["notices/dma", "notices/qmail"])
def test_a_bounce_in_plain_words_is_found_in_the_sender_s_mailbox(file: str) -> None:
    @virtual.on_a(partial(ProberRig, bounces="sender"))
    async def course(rig: ProberRig) -> None:
        rig.sender.delay = None
        flight = rig.prober.start(rig.probe)
        await asyncio.sleep(60)
        rig.sender_s_mailbox.deliver(about(rig.sender.sent[0], file))
        outcome = await flight
        assert outcome.failure is not None
        assert outcome.failure.reason is Reason.BOUNCED
        assert outcome.duration == pytest.approx(60, rel=0.05)
        said = "\n".join(outcome.transcript)
        assert "send            C: DATA" in said
        assert "mailbox monitor C: LOGIN" in said
        assert "mailbox sender  C: LOGIN" in said
        assert "mailbox sender  -- not the message: bounce" in said
        opening = [span.note for span in outcome.spans if span.step is Step.CONNECT]
        assert sorted(opening) == ["monitor", "sender"]

    course()


@virtual.on_a(ProberRig)
async def test_a_bounce_for_one_of_several_recipients_ends_the_trip_and_says_whose_it_is(
    rig: ProberRig,
) -> None:
    """Nothing in it tells an alias from a mailbox that forwards the message, and a broken forward
    has to be known at once."""
    rig.sender.delay = 20.0
    outcome = await trip_that_gets(rig, "notices/report-for-a-member-of-an-alias")
    assert outcome.failure is not None
    assert outcome.failure.reason is Reason.BOUNCED
    assert outcome.failure.detail == (
        "mail.example.org returned it for colleague@example.org: 552 5.2.2 mailbox full"
        " (refused by store.example.org)"
    )


@virtual.on_a(ProberRig)
async def test_notices_of_delay_and_delivery_and_answers_end_no_trip(rig: ProberRig) -> None:
    rig.sender.delay = 20.0
    files = (
        "notices/exim-delayed",
        "notices/postfix-delivered",
        "answers/ticket-of-otrs",
        "answers/receipt-of-reading",
    )
    outcome = await trip_that_gets(rig, *files)
    assert outcome.success
    assert outcome.duration > 20
    told = [line for line in outcome.transcript if "not the message" in line]
    assert len(told) == len(files)
    assert all(" mailbox -- not the message" in line for line in told)
    assert "reply from Mail Delivery System" in told[0]
    assert "delayed: " in told[0]
    await asyncio.sleep(10)
    assert rig.mailbox.messages == {}
    series = rig.series()
    assert [series[f"mailtrip_{name}_total"] for name in ("bounces", "unclear", "duplicates")] == [
        0,
        0,
        0,
    ]


@virtual.on_a(ProberRig)
async def test_what_is_not_understood_is_counted_and_shown_and_watching_goes_on(
    rig: ProberRig,
) -> None:
    rig.sender.delay = 20.0
    outcome = await trip_that_gets(rig, "notices/daemon-and-no-words")
    assert outcome.success
    assert outcome.duration > 20
    assert Unclear("MAILER-DAEMON@odd.example.net", "Klingon", "nuqneH <token>") in outcome.facts
    assert any(
        "not the message: unclear from MAILER-DAEMON@odd.example.net" in line
        for line in outcome.transcript
    )
    assert rig.series()["mailtrip_unclear_total"] == 1
    assert rig.mailbox.messages == {}


@virtual.on_a(ProberRig)
async def test_what_is_not_understood_is_named_when_the_message_does_not_come(
    rig: ProberRig,
) -> None:
    rig.sender.delay = None
    outcome = await trip_that_gets(rig, *["notices/null-sender-and-no-words"] * (MOST_UNCLEAR + 2))
    assert outcome.failure is not None
    assert outcome.failure.reason is Reason.OVERDUE
    words = "an unclear message about it came from Somebody <somebody@example.net>: About your mail"
    assert words in outcome.failure.detail
    assert len([fact for fact in outcome.facts if isinstance(fact, Unclear)]) == MOST_UNCLEAR
    assert rig.series()["mailtrip_unclear_total"] == MOST_UNCLEAR + 2
    word = tokens_in(rig.sender.sent[0]).popitem()[0]
    assert word not in f"{outcome.failure} {outcome.facts} {outcome.transcript}"


@virtual.on_a(ProberRig)
async def test_what_is_not_understood_leaves_an_overdue_message_awaited(rig: ProberRig) -> None:
    rig.sender.delay = 3600.0
    outcome = await rig.trip()
    assert outcome.failure is not None
    rig.mailbox.deliver(about(rig.sender.sent[0], "notices/daemon-and-no-words"))
    await asyncio.sleep(4000)
    series = rig.series()
    assert (
        series["mailtrip_unclear_total"],
        series["mailtrip_late_total"],
        series["mailtrip_lost_total"],
    ) == (1, 1, 0)


def test_the_words_of_a_bounce_name_who_returned_it_and_who_refused_it() -> None:
    both = returned(
        Bounce("failed", "5.1.1", "relay.example.org", "550 5.1.1 gone", "mx.example.net")
    )
    assert (
        both.detail == "relay.example.org returned it: 550 5.1.1 gone (refused by mx.example.net)"
    )
    assert (
        returned(Bounce("failed", "", "", "gone", "mx.example.net")).detail
        == "mx.example.net returned it: gone"
    )
    behind = Bounce("failed", "", "a.example", "gone", "", "Other@example.org")
    assert returned(behind, "alias@example.org").detail == (
        "a.example returned it for Other@example.org: gone"
    )
    assert returned(behind, "other@example.org").detail == "a.example returned it: gone"
    same = returned(Bounce("failed", "", "a.example", "gone", "a.example"))
    assert same.detail == "a.example returned it: gone"
    long = returned(
        Bounce("failed", "5.1.1", "relay.example.org", "550 " + "x" * 290, "mx.example.net")
    )
    assert long.detail.endswith("… (refused by mx.example.net)")
    assert len(long.detail) <= MAX_DETAIL
