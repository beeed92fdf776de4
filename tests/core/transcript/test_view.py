"""The transcripts of a trip, merged."""

import pytest

from exporter.core.phases import Leg
from exporter.core.transcript.transcript import LONGEST_LINE, MOST_LINES, Transcript
from exporter.core.transcript.view import (
    FEW_LINES,
    LEFT_OUT,
    MOST_TEXT,
    TranscriptView,
    merged_lines,
)


def lines(transcripts: list[Transcript], began: float = 0.0) -> list[tuple[str, ...]]:
    return [tuple(line.split(maxsplit=2)) for line in merged_lines(transcripts, began)]


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
    texts = merged_lines([send, mailbox], 0.0)
    assert texts[0] == LEFT_OUT
    assert texts[-1].endswith("mailbox 9999")
    assert len(texts) <= MOST_LINES + 1
    assert sum(map(len, texts)) <= MOST_TEXT + len(LEFT_OUT)
    assert max(map(len, texts)) <= LONGEST_LINE + 20
    assert len(merged_lines([send, mailbox], 0.0, FEW_LINES)) <= FEW_LINES + 1


def test_what_is_left_out_of_the_time_before_the_trip_is_nothing_to_tell() -> None:
    mailbox = Transcript(Leg.MAILBOX)
    for number in range(MOST_LINES + 10):
        mailbox.note(number, "busy")
    assert merged_lines([mailbox], 10.0)[0] != LEFT_OUT
    assert merged_lines([mailbox], 9.0)[0] == LEFT_OUT


def test_a_mailbox_that_says_much_pushes_nothing_of_the_sending_out() -> None:
    send, mailbox, bounces = Transcript(Leg.SEND), Transcript(Leg.MAILBOX), Transcript(Leg.MAILBOX)
    for number in range(30):
        send.note(number / 100, f"C: {number} " + "x" * 100)
    for number in range(5000):
        mailbox.note(1 + number, f"S: {number}" + "y" * 300)
        bounces.note(1 + number, f"S: {number}" + "z" * 300)
    for most in (MOST_LINES, FEW_LINES):
        texts = merged_lines([send, mailbox, bounces], 0.0, most)
        assert sum(" send " in text for text in texts) == 30
        assert sum(map(len, texts)) <= MOST_TEXT + 3 * len(LEFT_OUT) + 100
        assert len(texts) <= most + 2
        assert texts[30].endswith(f"mailbox {LEFT_OUT}"), "and it says where something is missing"
        assert "4999" in texts[-1]


def test_it_says_that_lines_are_left_out_also_when_all_of_them_are_kept() -> None:
    send = Transcript(Leg.SEND)
    for number in range(FEW_LINES + 1):
        send.note(float(number), f"line {number}")
    texts = merged_lines([send], 0.0, FEW_LINES)
    assert texts[0] == LEFT_OUT
    assert len(texts) == FEW_LINES + 1
    assert merged_lines([send], 1.0, FEW_LINES)[0] != LEFT_OUT


def test_mailboxes_are_named_if_there_are_two() -> None:
    send, own, bounces = Transcript(Leg.SEND), Transcript(Leg.MAILBOX), Transcript(Leg.MAILBOX)
    for transcript in (send, own, bounces):
        transcript.note(1.0, "S: hello")
    views = [TranscriptView(own, mailbox="own"), TranscriptView(bounces, mailbox="bounces")]
    assert merged_lines([send, *views], 0.0) == (
        "    1.000 send            S: hello",
        "    1.000 mailbox own     S: hello",
        "    1.000 mailbox bounces S: hello",
    )
    assert merged_lines([send, views[0], views[0]], 0.0)[1] == "    1.000 mailbox S: hello"
    for number in range(FEW_LINES + 1):
        bounces.note(2.0 + number, "S: hello")
    assert f"mailbox bounces {LEFT_OUT}" in str(merged_lines(views, 0.0, FEW_LINES))
