"""What was said on both legs, as every trip keeps it."""

import asyncio

import pytest

from exporter.model import Leg, Outcome, Phase, ProbeError, Reason
from exporter.transcript import FEW_LINES, LEFT_OUT, LONGEST_LINE, MOST_LINES, MOST_TEXT, Transcript, told
from tests import virtual
from tests.senders.bench import make_sender
from tests.senders.names import names
from tests.senders.sending import new_run, probe_message, send
from tests.senders.smtp_bench import ZONE
from tests.senders.witness import Line, Stage, witness
from tests.workbench import Bench


def lines(transcripts: list[Transcript], began: float = 0.0) -> list[tuple[str, ...]]:
    return [tuple(line.split(maxsplit=2)) for line in told(transcripts, began)]


def test_both_legs_are_told_in_the_order_of_time_from_the_start_of_the_trip() -> None:
    send, mailbox = Transcript(Leg.SEND), Transcript(Leg.MAILBOX)
    mailbox.note(9.5, "before the trip")
    mailbox.note(10.0, "C: LOGIN")
    send.note(10.5, "C: EHLO")
    send.note(10.5, "S: 250")
    mailbox.note(10.25, "S: OK")
    assert lines([send, mailbox], 10.0) == [
        ("0.000", "mailbox", "C: LOGIN"),
        ("0.250", "mailbox", "S: OK"),
        ("0.500", "send", "C: EHLO"),
        ("0.500", "send", "S: 250"),
    ]


@pytest.mark.parametrize("length", [10, 300, 10_000])
def test_the_newest_lines_are_told_and_they_are_bounded(length: int) -> None:
    send, mailbox = Transcript(Leg.SEND), Transcript(Leg.MAILBOX)
    for number in range(10_000):
        send.note(number, "x" * length)
        mailbox.note(number, f"{number}")
    texts = told([send, mailbox], 0.0)
    assert texts[0] == LEFT_OUT
    assert texts[-1].endswith("mailbox 9999")
    assert len(texts) <= MOST_LINES + 1
    assert sum(map(len, texts)) <= MOST_TEXT + len(LEFT_OUT)
    assert max(map(len, texts)) <= LONGEST_LINE + 20
    assert len(told([send, mailbox], 0.0, FEW_LINES)) <= FEW_LINES + 1


def test_what_is_left_out_of_the_time_before_the_trip_is_nothing_to_tell() -> None:
    mailbox = Transcript(Leg.MAILBOX)
    for number in range(MOST_LINES + 10):
        mailbox.note(number, "busy")
    assert told([mailbox], 10.0)[0] != LEFT_OUT
    assert told([mailbox], 9.0)[0] == LEFT_OUT


@pytest.mark.parametrize(
    "evil", ["\x1b[31mred\x1b[0m", "\x9b31m", "a\r\nb", "a\x00b\x08", "\u2028", "\u202etxt.exe", "\x7f"]
)
def test_nothing_that_a_terminal_obeys_is_in_a_line(evil: str) -> None:
    transcript = Transcript(Leg.SEND)
    transcript.note(0, f"S: 220 {evil} ready")
    (line,) = told([transcript], 0)
    assert line.isprintable()


# ---------------------------------------------------------------- trips


@virtual.on_a(Bench)
async def test_a_trip_keeps_what_was_said_in_its_time_also_in_a_session_that_it_shares(bench: Bench) -> None:
    first = await bench.trip()
    second = await bench.trip()
    for outcome in (first, second):
        said = spoken(outcome)
        assert [leg for _, leg, _ in said].count("send") == 2
        assert ("mailbox", "C: EXPUNGE") in [(leg, text) for _, leg, text in said]
        assert [float(moment) for moment, _, _ in said] == sorted(float(moment) for moment, _, _ in said)
        assert all(0 <= float(moment) <= outcome.duration + 0.001 for moment, _, _ in said)
    assert "C: LOGIN" in str(first.transcript)
    assert "C: LOGIN" not in str(second.transcript)  # the session was open


@virtual.on_a(Bench)
async def test_a_mailbox_that_cannot_be_opened_leaves_its_reasons_in_the_transcript(bench: Bench) -> None:
    bench.mailbox.down = ProbeError(Reason.AUTH, "wrong password")
    first = await bench.trip()
    assert first.failure
    assert first.failure.phase is Phase.OPEN
    assert "mailbox -- auth: wrong password; next attempt in 60.0 s" in str(first.transcript)
    second = await bench.trip()
    assert "mailbox -- auth: not tried again: wrong password at 22:13:20 UTC; next attempt at 22:14:20 UTC" in str(
        second.transcript
    )
    assert second.failure
    assert second.failure.detail in str(second.transcript)


@virtual.on_a(Bench)
async def test_a_failure_is_told_at_more_length_than_a_success(bench: Bench) -> None:
    bench.sender.says = lambda raw: [f"250-{number}" for number in range(1000)]
    assert len((await bench.trip()).transcript) == FEW_LINES + 1
    bench.sender.delay = None
    assert len((await bench.trip()).transcript) == MOST_LINES + 1


@virtual.on_a(Bench)
async def test_a_trip_under_way_shows_how_far_it_has_come(bench: Bench) -> None:
    bench.sender.delay = None
    flight = bench.prober.start(bench.probe)
    await asyncio.sleep(30)
    (outcome,) = bench.probe.under_way()
    opened, data, sent, delivering = (span for span in outcome.spans if span.step is None or span.phase is Phase.SEND)
    assert (opened.phase, sent.phase, delivering.phase) == (Phase.OPEN, Phase.SEND, Phase.DELIVER)
    assert data.duration == pytest.approx(1.0)
    assert delivering.start + delivering.duration == pytest.approx(outcome.duration) == pytest.approx(30.0)
    assert "S: 250 taken" in str(outcome.transcript)
    assert (await flight).failure
    assert bench.probe.under_way() == []
    assert bench.probe.runs == {}


class Chatterbox:
    """Has much to offer."""

    async def on(self, line: Line) -> bool:
        line.say(*(f"250-{number}" for number in range(3000)))  # 32 KiB are too much for aiosmtplib
        return True


async def test_a_server_that_talks_without_end_leaves_a_bounded_transcript() -> None:
    async with names(ZONE) as resolver, witness() as one:
        one.always(Stage.EHLO, Chatterbox())
        sender = make_sender("smtp", {"host": "mx.example.test", "port": one.port, "tls": "none"}, resolver)
        run = new_run()
        assert await send(sender, probe_message(), run) is None
        assert LEFT_OUT in run.transcript
        assert len(run.transcript) <= MOST_LINES + 1
        assert sum(map(len, run.transcript)) <= MOST_TEXT + len(LEFT_OUT)


def spoken(outcome: Outcome) -> list[tuple[str, str, str]]:
    return [(moment, leg, text) for moment, leg, text in (line.split(maxsplit=2) for line in outcome.transcript)]
