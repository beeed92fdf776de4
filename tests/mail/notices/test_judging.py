"""What a message with our token is: arrived, an answer, a bounce with its code, server and words,
or unclear."""

import pytest

from exporter.mail.bounces import Bounce
from exporter.mail.message import Kind, Reading, read
from tests.mail.notices import FOLDER, TOKEN, Expected, arrived, expected

ROWS = list(expected())
# All others are answers.
KINDS = {"bounce": Kind.BOUNCE, "message": Kind.MESSAGE, "unclear": Kind.UNCLEAR}


def as_expected(reading: Reading) -> tuple[str, str, str, str]:
    """As expected.txt says it."""
    bounce = reading.bounce or Bounce("", "", "", "")
    kind = bounce.action if reading.bounce and not bounce.final else str(reading.kind)
    return "answer" if kind == "reply" else kind, bounce.status, bounce.remote, bounce.diagnostic


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.file)
def test_a_message_is_what_it_is(row: Expected) -> None:
    raw = arrived(row.file)
    for form in (raw, raw.replace(b"\n", b"\r\n")):
        reading = read(form)
        assert TOKEN.word in reading.tokens
        assert reading.kind is KINDS.get(row.kind, Kind.REPLY)
        kind, code, host, words = as_expected(reading)
        assert kind == row.kind
        if reading.kind is Kind.BOUNCE:
            assert (code, host) == (row.code, row.host)
            assert words.startswith(row.words)
            assert TOKEN.word not in words


def test_every_file_is_in_the_table() -> None:
    files = {str(file.relative_to(FOLDER).with_suffix("")) for file in FOLDER.rglob("*.eml")}
    assert files == {row.file for row in ROWS}


def test_there_are_a_hundred_forms_of_notices_and_as_many_of_the_others_as_to_tell_them_apart() -> (
    None
):
    kinds = [row.kind for row in ROWS]
    assert len(kinds) - kinds.count("message") - kinds.count("answer") >= 100
    assert kinds.count("message") >= 20
    assert kinds.count("answer") >= 20


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.kind == "bounce"], ids=lambda row: row.file
)
def test_a_bounce_without_a_return_path_and_behind_other_headers_is_one_as_well(
    row: Expected,
) -> None:
    """IMAP servers tell of no envelope, and receivers write headers of their own on top."""
    raw = arrived(row.file)
    if raw.startswith(b"Return-Path: <>\n") and "null-sender" not in row.file:
        raw = raw.partition(b"\n")[2]
    top = (
        b"Received: from a.example.net ([192.0.2.9]) by mx.example.org; Sun, 29 Nov 2026 08:00:00"
        b" +0000\nX-Spam: no\n"
    )
    assert read(top + raw).kind is Kind.BOUNCE
