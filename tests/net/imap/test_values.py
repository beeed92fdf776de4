"""Values in responses."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.net.imap.names import quote
from exporter.net.imap.reader import Malformed, Value, number, parse


@given(st.text(st.characters(codec="ascii", exclude_characters="\r\n\0")))
def test_a_quoted_string_is_read_as_it_was(string: str) -> None:
    assert parse([quote(string).encode()]) == [string.encode()]


@pytest.mark.parametrize(
    "data", [b"(" * 100_000, b")", b"(()", b"(" * 41 + b")" * 41, b'"', b'("a)']
)
def test_parentheses_and_quotes_have_to_fit(data: bytes) -> None:
    with pytest.raises(Malformed):
        parse([data])


def test_brackets_that_never_close_cost_no_time() -> None:
    assert len(parse([b"BODY[ " * 100_000])) == 100_000


def test_nil_is_nothing_but_a_string_is_a_string() -> None:
    assert parse([b'NIL nil "NIL" NILS', b"NIL", b""]) == [None, None, b"NIL", b"NILS", b"NIL"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"12", 12),
        (b"", 0),
        (b"-1", 0),
        (b"1e3", 0),
        (None, 0),
        ([b"1"], 0),
        (b"9" * 5000, 0),
        ("²".encode(), 0),
    ],
)
def test_a_number_is_a_number_or_nothing(value: Value, expected: int) -> None:
    assert number(value) == expected


@given(st.text('a\\"', max_size=12).map(str.encode))
def test_each_escaped_character_loses_its_backslash(text: bytes) -> None:
    quoted = re.match(rb'[^"\\]*(?:\\.[^"\\]*)*', text)
    assert quoted
    (value,) = parse([b'"' + quoted[0] + b'"'])
    assert value == re.sub(rb"\\(.)", rb"\1", quoted[0])
