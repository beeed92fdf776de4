"""The reader of IMAP responses: complete responses out of bytes in any pieces, and never an error
but its own."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.net.imap.reader import (
    Malformed,
    Reader,
    Response,
    Value,
    attributes,
    folders,
)
from exporter.net.imap.values import without_size

CONVERSATION = (
    b"* OK [CAPABILITY IMAP4rev1 IDLE] ready {3}\r\n"
    b"* 1 FETCH (UID 7 BODY[HEADER.FIELDS (TO CC)]<0> {11}\r\nTo: a\r\n\r\n) FLAGS (\\Seen $x))\r\n"
    b'* LIST (\\Junk) "/" {6}\r\nSp"m\r\n\r\n'
    b"* SEARCH 1 2 30\r\n"
    b"* 2 FETCH (BODY[] NIL UID 8)\r\n"
    b"+ idling\r\n"
    b"A1 NO [UNAVAILABLE] not now\r\n"
)


def read(data: bytes) -> list[Response]:
    return list(Reader().feed(data))


def test_a_conversation_is_read() -> None:
    greeting, fetch, folder, search, nothing, idling, refusal = read(CONVERSATION)
    assert (greeting.name, greeting.code, greeting.argument) == (
        "OK",
        "CAPABILITY",
        "IMAP4rev1 IDLE",
    )
    assert attributes(fetch) == {
        "UID": b"7",
        "BODY[HEADER.FIELDS (TO CC)]<0>": b"To: a\r\n\r\n) ",
        "FLAGS": [b"\\Seen", b"$x"],
    }
    assert folders([folder]) == []  # no command line can carry this name
    assert search.values == [b"1", b"2", b"30"]
    assert attributes(nothing) == {"BODY[]": None, "UID": b"8"}
    assert (idling.tag, idling.text) == ("+", "idling")
    assert (refusal.tag, refusal.name, refusal.code, refusal.text) == (
        "A1",
        "NO",
        "UNAVAILABLE",
        "not now",
    )


@given(st.lists(st.integers(0, len(CONVERSATION))))
def test_the_pieces_in_which_it_comes_do_not_matter(cuts: list[int]) -> None:
    reader, ends = Reader(), [*sorted(cuts), len(CONVERSATION)]
    pieces = [CONVERSATION[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    assert [response for piece in pieces for response in reader.feed(piece)] == read(CONVERSATION)
    assert reader.empty


def test_half_a_response_is_not_nothing() -> None:
    for beginning in (b"* OK rea", b"* 1 FETCH (BODY[] {5}\r\n", b"* 1 FETCH (BODY[] {2}\r\nab"):
        reader = Reader()
        assert list(reader.feed(beginning)) == []
        assert not reader.empty


def test_line_ends_without_cr_and_empty_lines_are_borne_with() -> None:
    assert [response.number for response in read(b"* 1 EXISTS\n\r\n* 2 EXISTS\r\n")] == [1, 2]


@given(st.binary())
def test_bytes_without_sense_are_malformed_at_most(data: bytes) -> None:
    with contextlib.suppress(Malformed):
        read(data + b"\r\n")


WORDS = st.sampled_from(
    [
        b"* ",
        b"1 ",
        b"FETCH ",
        b"LIST ",
        b"STATUS ",
        b"OK ",
        b"A1 ",
        b"+ ",
        b"(",
        b")",
        b'"',
        b"\\",
        b"{3}\r\n",
        b"{3+}",
        b"{",
        b"}",
        b"abc",
        b"NIL",
        b"BODY[",
        b"]",
        b"<0>",
        b"[UIDNEXT 3]",
        b"\r\n",
        b" ",
        b"\0",
        b"\xff",
        b"SEARCH ",
    ]
)


@given(st.lists(WORDS).map(b"".join))
def test_words_of_the_protocol_in_any_order_are_malformed_at_most(data: bytes) -> None:
    with contextlib.suppress(Malformed):
        for response in read(data + b"\r\n"):
            attributes(response)
            folders([response])


VALUES: st.SearchStrategy[Value] = st.recursive(
    st.none() | st.binary(max_size=20), lambda inner: st.lists(inner, max_size=5), max_leaves=20
)


def written(value: Value) -> bytes:
    if value is None:
        return b"NIL"
    if isinstance(value, list):
        return b"(" + b" ".join(map(written, value)) + b")"
    return b"{%d}\r\n%b" % (len(value), value)


@given(VALUES)
def test_what_was_written_is_read(value: Value) -> None:
    (response,) = read(b"* SEARCH " + written(value) + b"\r\n")
    assert response.values == [value]


def test_the_transcript_shows_no_content_of_messages() -> None:
    (response,) = read(
        b'* 1 FETCH (BODY[HEADER]<0> "To: me\\" you" BODY[] {7}\r\nsecrets UID 5)\r\n'
    )
    assert response.shown == b'* 1 FETCH (BODY[HEADER]<0> "..." BODY[] {7 bytes} UID 5)'


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (b"BODY[] {12}", b"BODY[] "),
        (b"BODY[] ~{1234567890+}", b"BODY[] "),
        (b"x" * 100 + b"{3}", b"x" * 100),
        (b"{3}", b""),
        (b"{3} x", b"{3} x"),
        (b"{12345678901}", b"{12345678901}"),
        (b"", b""),
    ],
)
def test_the_size_of_a_literal_is_no_part_of_the_text_before_it(text: bytes, left: bytes) -> None:
    assert without_size(text) == left
