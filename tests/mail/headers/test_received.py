"""What servers write into messages: read as hops, and written by our own receiver."""

import math
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from exporter.core.facts import Hop
from exporter.core.model import Fact
from exporter.mail.headers.dates import MAX_LENGTH
from exporter.mail.headers.received import MAX_HOPS, hops
from exporter.mail.message import MAX_DEPTH, MAX_PARTS, received
from exporter.mail.mime import parse
from exporter.mail.tokens import Mint

SAMPLES = sorted((Path(__file__).parent).glob("*.txt"))
FORMS = (
    (Path(__file__).parent / "forms.table")
    .read_text(encoding="utf-8")
    .removeprefix("= ")
    .split("\n= ")
)
SENT_AT = datetime(2025, 2, 1, 10, 11, 10, 999_999, tzinfo=UTC).timestamp()
TOOK = 59.2
WORD = Mint(b"k" * 32).mint(SENT_AT).word


def line(hop: Hop) -> str:
    """A hop as the samples write it."""
    time = (
        "unknown time"
        if hop.at is None
        else datetime.fromtimestamp(hop.at, UTC).strftime("%H:%M:%S")
    )
    origin = f"from {hop.helo}" + (f" [{hop.address}]" if hop.address else "")
    parts = [
        str(hop.number),
        hop.by or "-",
        time,
        "" if hop.delay is None else f"{hop.delay:+g} s",
        f"skew {hop.skew:g} s" if hop.skew else "",
        origin if hop.helo else "",
        hop.protocol,
    ]
    return "  ".join(part for part in parts if part)


def at(second: int) -> str:
    """A header whose server wrote that many seconds after 10:11:10."""
    return (
        "from a by b;"
        f" {datetime.fromtimestamp(math.floor(SENT_AT) + second, UTC):%a, %d %b %Y %H:%M:%S +0000}"
    )


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.stem)
def test_hops_are_read_as_each_server_writes_them(sample: Path) -> None:
    message, _, expected = sample.read_text(encoding="utf-8").partition("----\n")
    raw = f"Message-ID: <{WORD}@example.org>\n{message}\nbody\n".encode()
    assert [
        line(hop) for hop in hops(received(parse(raw), WORD), SENT_AT, TOOK)
    ] == expected.splitlines()


@pytest.mark.parametrize("form", FORMS, ids=range(len(FORMS)))
def test_every_form_says_by_whom_from_whom_and_when(form: str) -> None:
    expected, _, message = form.partition("\n")
    raw = f"{message.strip()}\nMessage-ID: <{WORD}@example.org>\n\nbody\n".encode()
    (hop,) = hops(received(parse(raw), WORD), SENT_AT, TOOK)
    assert [hop.by, hop.helo, hop.address] == [field.strip() for field in expected.split("|")]
    assert (hop.delay, hop.skew) == (1, 0)


def test_the_delay_of_a_hop_is_counted_from_the_last_one_that_wrote_a_time() -> None:
    told = hops([at(1), "by b", at(4), at(4)], SENT_AT, TOOK)
    assert [hop.delay for hop in told] == [1, None, 3, 0]
    assert [hop.skew for hop in told] == [0, None, 0, 0]


def test_no_delay_is_longer_than_the_trip() -> None:
    (hop,) = hops([at(10)], SENT_AT, 9.1)
    assert (hop.delay, hop.skew) == (10, 0)  # whole seconds: from 10.9 to 20.0 are 9.1 s
    (hop,) = hops([at(11)], SENT_AT, 9.1)
    assert (hop.delay, hop.skew) == (10, -1)
    (hop,) = hops([at(3600)], SENT_AT, None)
    assert (hop.delay, hop.skew) == (3600, 0)


def test_of_many_hops_the_newest_are_told_with_their_true_numbers() -> None:
    headers = [at(2 * second) for second in range(40)]
    told = hops(headers, SENT_AT, TOOK)
    assert [hop.number for hop in told] == list(range(26, 41))
    assert {hop.delay for hop in told} == {2}
    headers[24] = "by somebody without a clock"
    assert [hop.delay for hop in hops(headers, SENT_AT, TOOK)][:2] == [None, 2]


def test_a_name_is_fit_for_a_label() -> None:
    (hop,) = hops([f'by MX"\n{{}}éK.Example_1.NET{"x" * 200} with x'], SENT_AT, TOOK)
    assert hop.by == "mx"
    (hop,) = hops([f"by \u212aMX{{}}é.Example_1.NET{'x' * 200} with x"], SENT_AT, TOOK)
    assert hop.by.startswith("kmx.example_1.netxxx")
    assert len(hop.by) == 100


def test_a_header_is_read_to_a_limit() -> None:
    (hop,) = hops(
        [f"by mx.example.net {'x' * MAX_LENGTH}; 1 Jan 1970 00:00:00 +0000"], SENT_AT, TOOK
    )
    assert (hop.by, hop.at) == ("mx.example.net", None)
    (hop,) = hops([f"from {'x' * MAX_LENGTH} by mx.example.net"], SENT_AT, TOOK)
    assert hop.by == ""


pieces = st.sampled_from(
    [
        "from",
        "by",
        "with",
        "tls",
        "(",
        ")",
        "[",
        "]",
        "helo=",
        "HELO ",
        ";",
        "\\",
        "192.0.2.1",
        "::",
        "%",
        '"',
        "é",
        "1 Feb 2025 10:11:12 +0000",
        "+",
        "\udcff",
        "\0",
        "\r\n\t",
        "\u2028",
    ]
)
texts = (
    st.text(max_size=200)
    | st.lists(pieces | st.text(max_size=5)).map(" ".join)
    | st.lists(pieces).map("".join)
)


@given(st.lists(texts, max_size=20), st.floats(0, 4e9), st.none() | st.floats(0, 1e6))
@example(["from \udcff by \udcff with \udcff"], 0.0, None)
@example(["1 Jan 0001 00:00:00 +2359", "31 Dec 9999 23:59:59 -2359"], 0.0, None)
def test_whatever_the_headers_say_hops_are_few_clean_possible_and_can_be_stored(
    headers: list[str], sent_at: float, took: float | None
) -> None:
    told = hops(headers, sent_at, took)
    assert len(told) == min(len(headers), MAX_HOPS)
    for hop in told:
        assert (hop.delay is None) == (hop.skew is None)
        assert hop.delay is None or 0 <= hop.delay <= (
            math.inf if took is None else math.ceil(took)
        )
        assert re.fullmatch(r"[a-z0-9._:-]{0,100}", hop.by)
        assert re.fullmatch(r"[^\x00-\x1f\x7f]{0,100}", hop.helo)
        assert re.fullmatch(r"[^\x00-\x1f\x7f]{0,40}", hop.protocol)
    adapter = TypeAdapter(list[Fact])
    assert adapter.validate_json(adapter.dump_json(list(told))) == told


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_no_message_is_too_broken_to_read(first: bytes, second: bytes) -> None:
    raw = b"Received: " + first + b"\r\nReceived: " + second + b"\r\n\r\n" + first
    hops(received(parse(raw), WORD), SENT_AT, TOOK)


OURS = f"Message-ID: <{WORD.upper()}@example.org>\r\n".encode()


def wrapped(raw: bytes, *hops_outside: str, kind: bytes = b"message/rfc822") -> bytes:
    """A message as an attachment of another, which went on over these hops, newest first."""
    outside = b"".join(f"Received: by {name}\r\n".encode() for name in hops_outside)
    return (
        outside
        + b"Subject: Fwd: "
        + WORD.encode()
        + b"\r\nMessage-ID: <x@example.net>\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: multipart/mixed; boundary=b"
        + str(len(raw)).encode()
        + b"\r\n\r\n--b"
        + str(len(raw)).encode()
        + b"\r\n\r\nforwarded\r\n--b"
        + str(len(raw)).encode()
        + b"\r\nContent-Type: "
        + kind
        + b"\r\n\r\n"
        + raw
        + b"\r\n--b"
        + str(len(raw)).encode()
        + b"--\r\n"
    )


def test_a_message_that_was_forwarded_as_an_attachment_tells_its_whole_way() -> None:
    inner = b"Received: by two\r\nReceived: by one\r\n" + OURS + b"\r\nbody\r\n"
    assert received(parse(inner), WORD) == ["by one", "by two"]
    assert received(parse(wrapped(inner, "four", "three")), WORD) == [
        "by one",
        "by two",
        "by three",
        "by four",
    ]
    twice = wrapped(wrapped(inner, "three"), "four")
    assert received(parse(twice), WORD) == ["by one", "by two", "by three", "by four"]
    assert received(parse(wrapped(inner, "three")[:-30]), WORD) == ["by one", "by two", "by three"]


def test_only_the_way_of_our_own_message_is_told() -> None:
    theirs = b"Received: by elsewhere\r\nMessage-ID: <theirs@example.org>\r\n\r\nbody\r\n"
    assert received(parse(wrapped(theirs, "two", "one")), WORD) == ["by one", "by two"]
    # SpamAssassin copies them above its report.
    copied = b"Received: by two\r\nReceived: by one\r\n" + OURS
    assert received(parse(copied + wrapped(copied + b"\r\nbody\r\n")), WORD) == ["by one", "by two"]
    assert received(parse(b""), WORD) == []


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 2000])
def test_a_message_in_too_many_wrappings_is_not_looked_for(depth: int) -> None:
    raw = b"Content-Type: message/rfc822\r\n\r\n" * depth + b"Received: by one\r\n" + OURS
    assert received(parse(raw), WORD) == []


def test_a_message_behind_too_many_parts_is_not_looked_for() -> None:
    head = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    last = b"--b\r\nContent-Type: message/rfc822\r\n\r\nReceived: by one\r\n" + OURS
    assert received(parse(head + b"--b\r\n\r\nx\r\n" * (MAX_PARTS - 3) + last), WORD) == ["by one"]
    assert received(parse(head + b"--b\r\n\r\nx\r\n" * (MAX_PARTS - 2) + last), WORD) == []
