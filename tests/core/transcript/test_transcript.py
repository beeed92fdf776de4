"""What was said on both legs, as every trip keeps it."""

import asyncio
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.core.model import Outcome, ProbeError
from exporter.core.phases import Leg, Phase
from exporter.core.reasons import Reason
from exporter.core.transcript.transcript import LONGEST_POLL, MOST_COMMANDS, MOST_LINES, Transcript
from exporter.core.transcript.view import (
    FEW_LINES,
    LEFT_OUT,
    MOST_TEXT,
    TranscriptView,
    merged_lines,
)
from tests.support import virtual_time as virtual
from tests.support.name_server import names
from tests.support.prober_rig import ProberRig
from tests.support.sender_rig import make_sender
from tests.support.sending import new_run, probe_message, send
from tests.support.smtp_rig import ZONE
from tests.support.smtp_witness import Line, Stage, witness


@pytest.mark.parametrize(
    "evil",
    ["\x1b[31mred\x1b[0m", "\x9b31m", "a\r\nb", "a\x00b\x08", "\u2028", "\u202etxt.exe", "\x7f"],
)
def test_nothing_that_a_terminal_obeys_is_in_a_line(evil: str) -> None:
    transcript = Transcript(Leg.SEND)
    transcript.note(0, f"S: 220 {evil} ready")
    (line,) = merged_lines([transcript], 0)
    assert line.isprintable()


@virtual.on_a(ProberRig)
async def test_a_trip_keeps_what_was_said_in_its_time_also_in_a_session_that_it_shares(
    rig: ProberRig,
) -> None:
    first = await rig.trip()
    second = await rig.trip()
    for outcome in (first, second):
        said = spoken(outcome)
        assert [leg for _, leg, _ in said].count("send") == 2
        assert ("mailbox", "C: EXPUNGE") in [(leg, text) for _, leg, text in said]
        assert [float(moment) for moment, _, _ in said] == sorted(
            float(moment) for moment, _, _ in said
        )
        assert all(0 <= float(moment) <= outcome.duration + 0.001 for moment, _, _ in said)
    assert "C: LOGIN" in str(first.transcript)
    assert "C: LOGIN" not in str(second.transcript)  # the session was open


@virtual.on_a(ProberRig)
async def test_an_attempt_that_fails_as_the_last_one_did_keeps_its_cause(rig: ProberRig) -> None:
    cause = "cannot connect to imap.example.org [192.0.2.1]:993: connection refused"
    rig.mailbox.down = ProbeError(Reason.CONNECT, cause)
    for _ in range(3):
        outcome = await rig.trip()
        assert cause in str(outcome.transcript)


@virtual.on_a(ProberRig)
async def test_a_mailbox_that_cannot_be_opened_leaves_its_reasons_in_the_transcript(
    rig: ProberRig,
) -> None:
    rig.mailbox.down = ProbeError(Reason.AUTH, "wrong password")
    first = await rig.trip()
    assert first.failure
    assert first.failure.phase is Phase.OPEN
    assert "mailbox -- auth: wrong password; next attempt in 60.0 s" in str(first.transcript)
    second = await rig.trip()
    assert (
        "mailbox -- auth: not tried again: wrong password (at 22:13:20 UTC); next attempt at"
        " 22:14:20 UTC" in str(second.transcript)
    )
    assert second.failure
    assert second.failure.detail in str(second.transcript)


@virtual.on_a(ProberRig)
async def test_a_failure_is_told_at_more_length_than_a_success(rig: ProberRig) -> None:
    rig.sender.says = lambda raw: [f"250-{number}" for number in range(1000)]
    assert len((await rig.trip()).transcript) == FEW_LINES + 1
    rig.sender.delay = None
    assert len((await rig.trip()).transcript) == MOST_LINES + 1


@virtual.on_a(ProberRig)
async def test_a_trip_under_way_shows_how_far_it_has_come(rig: ProberRig) -> None:
    rig.sender.delay = None
    flight = rig.prober.start(rig.probe)
    await asyncio.sleep(30)
    (outcome,) = rig.probe.under_way()
    opened, data, sent, delivering = (
        span for span in outcome.spans if span.step is None or span.phase is Phase.SEND
    )
    assert (opened.phase, sent.phase, delivering.phase) == (Phase.OPEN, Phase.SEND, Phase.DELIVER)
    assert data.duration == pytest.approx(1.0)
    assert (
        delivering.start + delivering.duration
        == pytest.approx(outcome.duration)
        == pytest.approx(30.0)
    )
    assert "S: 250 taken" in str(outcome.transcript)
    assert (await flight).failure
    assert rig.probe.under_way() == []
    assert rig.probe.runs == {}


class Chatterbox:
    """Has much to offer."""

    async def on(self, line: Line) -> bool:
        line.say(*(f"250-{number}" for number in range(3000)))  # 32 KiB are too much for aiosmtplib
        return True


async def test_a_server_that_talks_without_end_leaves_a_bounded_transcript() -> None:
    async with names(ZONE) as resolver, witness() as one:
        one.always(Stage.EHLO, Chatterbox())
        sender = make_sender(
            "smtp", {"host": "mx.example.test", "port": one.port, "tls": "none"}, resolver
        )
        run = new_run()
        assert await send(sender, probe_message(), run) is None
        assert LEFT_OUT in run.transcript
        assert len(run.transcript) <= MOST_LINES + 1
        assert sum(map(len, run.transcript)) <= MOST_TEXT + len(LEFT_OUT)


def spoken(outcome: Outcome) -> list[tuple[str, str, str]]:
    return [
        (moment, leg, text)
        for moment, leg, text in (line.split(maxsplit=2) for line in outcome.transcript)
    ]


def of(transcript: Transcript, trip: str, began: float = 0.0) -> list[str]:
    return [
        line.split(maxsplit=2)[2]
        for line in merged_lines([TranscriptView(transcript, trip)], began)
    ]


@pytest.mark.parametrize("tagged", [True, False])
def test_looks_that_bring_nothing_are_one_line_with_their_number(tagged: bool) -> None:
    mailbox = Transcript(Leg.MAILBOX)
    mailbox.note(0.0, "C: LOGIN")
    for number in range(1000):
        began, tag = mailbox.position, f"KGJM{number} " if tagged else ""
        mailbox.note(1 + number, f"C: {tag}STATUS Junk (MESSAGES)")
        mailbox.note(1 + number, "S: * STATUS Junk (MESSAGES 3)")
        mailbox.note(1 + number, f"S: {tag}OK Status completed (0.00{number % 7} + 0.000 secs).")
        mailbox.looked(began)
    mailbox.note(2000, "C: LOGOUT")
    whole = of(mailbox, "t")
    assert len(whole) == 6
    assert whole[0] == "C: LOGIN"
    assert whole[4] == "-- C: STATUS Junk (MESSAGES) … ×500, last at 1000.0"
    assert whole[5] == "C: LOGOUT"
    later = of(mailbox, "t", 990.5)
    assert later[1] == "S: * STATUS Junk (MESSAGES 3)", "the first in the time of the trip"
    assert later[3:] == ["-- C: STATUS Junk (MESSAGES) … ×9, last at 9.5", "C: LOGOUT"]


def test_a_look_that_tells_something_else_stands_in_full() -> None:
    mailbox = Transcript(Leg.MAILBOX)
    for number, messages in enumerate((3, 3, 3, 4, 4, 3)):
        began = mailbox.position
        mailbox.note(number, "C: STATUS")
        mailbox.note(number, f"S: * STATUS (MESSAGES {messages})")
        mailbox.looked(began)
    assert [text for text in of(mailbox, "") if not text.startswith("C:")] == [
        "S: * STATUS (MESSAGES 3)",
        "-- C: STATUS … ×2, last at 2.0",
        "S: * STATUS (MESSAGES 4)",
        "-- C: STATUS … again",
        "S: * STATUS (MESSAGES 3)",
    ]


STATUS = ("C: STATUS Junk", "S: * STATUS Junk (UIDNEXT 1)", "S: OK")
SELECT = ("C: SELECT INBOX", "S: * 3 EXISTS", "S: OK")


def look(mailbox: Transcript, moment: float, *exchanges: tuple[str, ...]) -> None:
    """A look that brings nothing."""
    began = mailbox.position
    for text in chain(*exchanges):
        mailbox.note(moment, text)
    mailbox.looked(began)


def test_looks_of_every_shape_become_one_line_in_any_order() -> None:
    mailbox = Transcript(Leg.MAILBOX)
    for number in range(100):
        look(mailbox, number, *((STATUS, SELECT), (SELECT,), (STATUS,), (STATUS,))[number % 4])
    assert of(mailbox, "t") == [
        *STATUS,
        *SELECT,
        "-- C: SELECT INBOX … ×25, last at 97.0",
        "-- C: STATUS Junk … ×50, last at 99.0",
        "-- C: STATUS Junk, SELECT INBOX … ×24, last at 96.0",
    ]


def test_of_a_look_only_the_commands_with_other_answers_stand_in_full() -> None:
    mailbox = Transcript(Leg.MAILBOX)
    more = ("C: SELECT INBOX", "S: * 4 EXISTS", "S: OK")
    for number, inbox in enumerate((SELECT, SELECT, more, more, SELECT)):
        look(mailbox, number, STATUS, inbox, STATUS)
    assert of(mailbox, "t") == [
        *STATUS,
        *SELECT,
        "-- C: STATUS Junk … ×5, last at 4.0",
        "-- C: STATUS Junk, SELECT INBOX, STATUS Junk … again",
        *more,
        "-- C: STATUS Junk, SELECT INBOX, STATUS Junk … again",
        *SELECT,
    ]


def test_a_return_to_earlier_answers_is_not_hidden_by_other_commands_between() -> None:
    mailbox = Transcript(Leg.MAILBOX)
    more = ("C: SELECT INBOX", "S: * 4 EXISTS", "S: OK")
    look(mailbox, 1, SELECT)
    look(mailbox, 2, STATUS, more)
    look(mailbox, 3, SELECT)
    assert of(mailbox, "t") == [*SELECT, *STATUS, *more, *SELECT]


def test_a_trip_that_begins_within_a_look_misses_nothing_of_it() -> None:
    mailbox = Transcript(Leg.MAILBOX)
    look(mailbox, 1, STATUS, SELECT)
    began = mailbox.position
    for moment, text in (
        (2.0, STATUS[0]),
        (2.1, STATUS[1]),
        (2.2, "C: SELECT INBOX"),
        (2.3, "S: NO"),
    ):
        mailbox.note(moment, text)
    mailbox.looked(began)
    assert of(mailbox, "t", 2.15)[-2:] == ["C: SELECT INBOX", "S: NO"]


def test_what_concerns_another_trip_does_not_part_looks() -> None:
    mailbox = Transcript(Leg.MAILBOX)
    for number in range(10):
        look(mailbox, number, STATUS)
        began = mailbox.position
        mailbox.note(number, f"C: FETCH {number}")
        mailbox.concerns(began, ["other"])
    assert of(mailbox, "t") == [*STATUS, "-- C: STATUS Junk … ×9, last at 9.0"]
    assert "C: FETCH 7" in of(mailbox, "other")


def test_no_look_hides_what_differs() -> None:
    mailbox = Transcript(Leg.MAILBOX)
    more = ("C: SELECT INBOX", "S: * 4 EXISTS", "S: OK")
    refused = ("C: STATUS Junk", "S: NO [LIMIT] too many")
    for number, exchange in enumerate((SELECT, STATUS, SELECT, more, STATUS, refused, SELECT)):
        look(mailbox, number, exchange)
    mailbox.note(7, "S: * BYE")
    assert of(mailbox, "t") == [
        *SELECT,
        *STATUS,
        "-- C: SELECT INBOX … again",
        *more,
        "-- C: STATUS Junk … again",
        *refused,
        *SELECT,
        "S: * BYE",
    ]


def test_looks_are_remembered_within_bounds() -> None:
    mailbox = Transcript(Leg.MAILBOX)
    for number in range(2 * MOST_COMMANDS):
        look(mailbox, number, (f"C: STATUS {number}", "S: OK"))
    look(mailbox, 100, ("C: STATUS 0", "S: OK"))
    assert of(mailbox, "t")[-2:] == ["C: STATUS 0", "S: OK"], "it is forgotten, and stands in full"
    look(mailbox, 101, (f"C: STATUS {2 * MOST_COMMANDS - 1}", "S: OK"))
    assert of(mailbox, "t")[-1] == f"-- C: STATUS {2 * MOST_COMMANDS - 1} … again"
    assert len(of(mailbox, "t")) == 4 * MOST_COMMANDS + 3


def test_a_look_whose_first_is_forgotten_stands_in_full_once_more() -> None:
    mailbox = Transcript(Leg.MAILBOX)
    look(mailbox, 1, STATUS)
    look(mailbox, 2, STATUS)
    for number in range(MOST_LINES):
        mailbox.note(3, f"S: {number}")
    look(mailbox, 4, STATUS)
    look(mailbox, 5, STATUS)
    assert of(mailbox, "t", 3.5) == [*STATUS, "-- C: STATUS Junk … again"]
    assert of(mailbox, "t")[-1] == "-- C: STATUS Junk … ×2, last at 5.0"


@pytest.mark.parametrize("lines", [LONGEST_POLL, LONGEST_POLL + 1])
def test_a_long_look_stands_in_full(lines: int) -> None:
    mailbox = Transcript(Leg.MAILBOX)
    for number in range(2):
        look(mailbox, number, ("C: LIST", *("S: * LIST" for _ in range(lines - 1))))
    assert (len(of(mailbox, "t")) == 2 * lines) is (lines > LONGEST_POLL)


def test_what_is_about_the_message_of_one_trip_is_no_other_trip_s() -> None:
    mailbox = Transcript(Leg.MAILBOX)
    mailbox.note(0, "C: SELECT")
    for number, trips in enumerate((["a"], ["b"], ["a", "c"], [])):
        began = mailbox.position
        mailbox.note(1 + number, f"C: FETCH {number}")
        mailbox.concerns(began, trips)
    mailbox.note(9, "C: LOGOUT")
    assert of(mailbox, "a") == ["C: SELECT", "C: FETCH 0", "C: FETCH 2", "C: LOGOUT"]
    assert of(mailbox, "b") == ["C: SELECT", "C: FETCH 1", "C: LOGOUT"]
    assert of(mailbox, "d") == ["C: SELECT", "C: LOGOUT"]
    assert len(of(mailbox, "")) == 6


@virtual.on_a(ProberRig)
async def test_an_overdue_trip_in_a_busy_mailbox_keeps_its_sending_and_tells_nothing_of_others(
    rig: ProberRig,
) -> None:
    rig.mailbox.talks = True
    rig.sender.delay = None
    overdue = rig.prober.start(rig.probe)
    await asyncio.sleep(10)
    rig.sender.delay = 3
    for _ in range(30):
        assert (await rig.trip()).success
    rig.mailbox.deliver(b"Subject: of a stranger\r\n\r\nhello")
    said = "\n".join((await overdue).transcript)
    assert "send    C: DATA" in said
    assert LEFT_OUT not in said
    assert "RETR" not in said
    assert "EXPUNGE" not in said
    assert "-- new messages that are not ours: 1" in said
    assert "… ×" in said
    rig.sender.delay = 3
    own = "\n".join((await rig.trip()).transcript)
    assert own.count("C: RETR") == own.count("C: EXPUNGE") == 1


def test_a_look_with_more_commands_than_are_remembered_stands_in_full() -> None:
    mailbox = Transcript(Leg.MAILBOX)
    many = [(f"C: STATUS {number}", "S: OK") for number in range(MOST_COMMANDS + 9)]
    for moment in (1, 2):
        look(mailbox, moment, *many)
    assert of(mailbox, "t") == [*chain(*many), *chain(*many)]


def test_what_was_said_before_a_trip_began_stands_in_full_in_its_time() -> None:
    mailbox = Transcript(Leg.MAILBOX)
    for moment in range(9):
        look(mailbox, moment, STATUS, *((SELECT,) if moment % 3 == 0 else ()))
    assert of(mailbox, "t", 3.5) == [
        *STATUS,
        "-- C: STATUS Junk … ×3, last at 4.5",
        *STATUS,
        *SELECT,
    ]


def test_what_a_server_says_of_its_own_accord_is_never_counted() -> None:
    mailbox = Transcript(Leg.MAILBOX)
    for moment in range(3):
        look(mailbox, moment, ("S: * 1 EXPUNGE", "S: * 0 EXISTS"), STATUS)
    gone = ["S: * 1 EXPUNGE", "S: * 0 EXISTS"]
    counted = "-- C: STATUS Junk … ×2, last at 2.0"
    assert of(mailbox, "t") == [*gone, *STATUS, *gone, counted, *gone]


def test_attempts_that_fail_alike_before_the_first_command_are_counted() -> None:
    mailbox = Transcript(Leg.MAILBOX)
    attempt = ("-- connected to imap", "S: * BYE not now", "-- unavailable; next attempt in 4.0 s")
    for moment in range(3):
        look(mailbox, moment, attempt)
    assert of(mailbox, "t") == [*attempt, "-- connected to imap … ×2, last at 2.0"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0.0, 0.5, 1.0]),  # seconds since the one before
            st.lists(st.sampled_from(["C: A", "S: A", "C: B", "S: B", "S: 1 EXISTS"]), max_size=8),
            st.booleans(),
        ),
        max_size=60,
    ),
    st.floats(0, 60),
)
def test_every_line_of_the_time_of_a_trip_is_among_its_lines_at_least_once(
    looks: list[tuple[float, list[str], bool]], since: float
) -> None:
    mailbox, moment, said = Transcript(Leg.MAILBOX), 0.0, set[str]()
    for seconds, lines, brings_nothing in looks:
        moment, began = moment + seconds, mailbox.position
        for text in lines:
            mailbox.note(moment, text)
        if brings_nothing:
            mailbox.looked(began)
        said |= set(lines) if moment >= since else set()
    shown = mailbox.since(since, "t", MOST_LINES)
    assert [when for when, _ in shown] == sorted(when for when, _ in shown)
    assert {text for _, text in shown if not text.startswith("--")} == said or (
        not mailbox.is_whole_since(since)
    )
