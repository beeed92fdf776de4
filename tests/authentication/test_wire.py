from collections.abc import Callable
from contextlib import suppress
from time import process_time

import pytest

from exporter.authentication.dmarc import author_of
from exporter.authentication.signature import SignatureInvalid, SignedMessage, signature_of
from exporter.authentication.spf.macros import is_domain_spec
from exporter.authentication.spf.record import LONGEST, RecordInvalid, record_of
from exporter.authentication.wire import (
    MOST_FIELDS,
    Field,
    relaxed_body,
    relaxed_field,
    simple_body,
    wire_message,
    without_signature,
)
from exporter.mailboxes.session import READ_LIMIT


@pytest.mark.parametrize(
    ("body", "relaxed", "simple"),
    [
        # RFC 6376 section 3.4.5.
        (b" C \r\nD \t E\r\n\r\n\r\n", b" C\r\nD E\r\n", b" C \r\nD \t E\r\n"),
        (b"", b"", b"\r\n"),
        (b"\r\n\r\n", b"", b"\r\n"),
        (b"no end", b"no end\r\n", b"no end\r\n"),
        (b"blanks  ", b"blanks\r\n", b"blanks  \r\n"),
        (b" \r\n \t\r\n", b"", b" \r\n \t\r\n"),
        (b"\ta\r\n", b" a\r\n", b"\ta\r\n"),
    ],
)
def test_bodies(body: bytes, relaxed: bytes, simple: bytes) -> None:
    assert relaxed_body(body) == relaxed
    assert simple_body(body) == simple


def test_fields() -> None:
    message = wire_message(b"A: X\r\nB : Y\t\r\n\tZ  \r\nnothing\r\nC:\r\n\r\nbody\r\n\r\nmore")
    assert [(field.name, field.text) for field in message.fields] == [
        ("a", "X"),
        ("b", "Y\t\tZ"),
        ("c", ""),
    ]
    assert [relaxed_field(field) for field in message.fields] == [b"a:X", b"b:Y Z", b"c:"]
    assert message.fields[1].raw == b"B : Y\t\r\n\tZ  "
    assert message.body == b"body\r\n\r\nmore"


@pytest.mark.parametrize(
    ("raw", "names", "body"),
    [
        (b"", [], b""),
        (b"\r\nbody", [], b"body"),
        (b"a: b", ["a"], b""),
        (b"a: b\r\n", ["a"], b""),
        (b" fold of nothing\r\na: b\r\n\r\n", ["a"], b""),
        (b"From x\na: b\n\nbody\n", ["a"], b"body\r\n"),
    ],
)
def test_odd_messages(raw: bytes, names: list[str], body: bytes) -> None:
    message = wire_message(raw)
    assert ([field.name for field in message.fields], message.body) == (names, body)


def of_a_body(body: bytes) -> None:
    relaxed_body(body)
    simple_body(body)


def of_a_message(raw: bytes) -> None:
    message = wire_message(raw)
    author_of(message)
    for field in message.fields:
        relaxed_field(field)


def of_a_signature(raw: bytes) -> None:
    field = Field("dkim-signature", b"DKIM-Signature:" + raw)
    without_signature(field)
    with suppress(SignatureInvalid):
        signature = signature_of(field, "a b bh d h s")
        SignedMessage(wire_message(b"a: b\r\n" * 1000)).signed_header(signature)


def of_a_record(raw: bytes) -> None:
    text = raw.decode("latin-1")[:LONGEST]
    is_domain_spec(text)
    for record in (f"v=spf1 {text}", f"v=spf1 a:{text}", f"v=spf1 exp={text}"):
        with suppress(RecordInvalid):
            record_of(record[:LONGEST])


SIGNATURE = b" v=1; a=rsa-sha256; d=x.y; s=z; bh=; b=; h="


@pytest.mark.parametrize("work", [of_a_body, of_a_message, of_a_signature, of_a_record])
@pytest.mark.parametrize(
    "piece",
    [
        b" ",
        b"\t x",
        b"\r\n",
        b"\r",
        b" \r\n",
        b"a:\r\n",
        b"a: b\r\n ",
        b"From:<",
        b'From: "\\"',
        b'\\"',
        b"(",
        b"<",
        b";",
        b"=",
        b"b=;",
        b"a:",
        b"%{d}",
        b"%{",
        b"%",
        b".",
        b"a-",
        b"/",
        b"/1",
        b"//",
        b" a",
        b" ip4:1.2.3.4",
        b" ?all",
        b"-",
    ],
)
def test_nothing_takes_long(work: Callable[[bytes], None], piece: bytes) -> None:
    raw = SIGNATURE if work is of_a_signature else b""
    raw = (raw + piece * READ_LIMIT)[:READ_LIMIT]
    started = process_time()
    work(raw)
    # Of 64 KiB, on any machine. Quadratic time would be seconds.
    assert process_time() - started < 0.25


def test_fields_are_limited() -> None:
    message = wire_message(b"a: b\r\n" * 5000 + b"\r\nbody")
    assert (len(message.fields), message.body) == (MOST_FIELDS, b"body")


@pytest.mark.parametrize(
    ("value", "without"),
    [
        (b" v=1; b=abc; bh=xyz", b" v=1; b=; bh=xyz"),
        (b" v=1; bh=xyz; b=abc\r\n def", b" v=1; bh=xyz; b="),
        (b" bh=b=; \r\n b = abc ;d=x", b" bh=b=; \r\n b =;d=x"),
        (b" v=1", b" v=1"),
    ],
)
def test_a_signature_signs_itself_without_its_value(value: bytes, without: bytes) -> None:
    field = Field("dkim-signature", b"DKIM-Signature:" + value)
    assert without_signature(field).raw == b"DKIM-Signature:" + without
