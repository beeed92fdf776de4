"""What strangers can do by mail, with a token of ours as the worst case."""

import asyncio
import gzip
import re
import sys
import time
import tracemalloc
from base64 import b64encode
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType

import pytest

from exporter.core.home import Home
from exporter.mail.composition import TOKEN_HEADER
from exporter.mail.message import Kind, headers, is_whole, read, received
from exporter.mail.mime import parse
from exporter.mail.tokens import Mint
from exporter.mailboxes.session import READ_LIMIT
from tests.mail.notices import arrived, expected
from tests.security.conftest import Start
from tests.support import maildir_rig
from tests.support import virtual_time as virtual
from tests.support.answers import vacation
from tests.support.prober_rig import ProberRig
from tests.support.recording_peers import Listener
from tests.support.smtp_receiver import deliver, receiver

TOKEN = Mint(b"k" * 32).mint(1_000_000_000)
OURS = f"Message-ID: <{TOKEN.word}@lab.test>\r\n{TOKEN_HEADER}: {TOKEN.word}\r\n"
MULTIPART = "Content-Type: multipart/mixed; boundary=b"


def nested(depth: int) -> str:
    return "".join(f"{MULTIPART}{number}\r\n\r\n--b{number}\r\n" for number in range(depth))


HOSTILE = {
    "many lines below many boundaries": nested(700) + "\r\n" + "x\r\n" * READ_LIMIT,
    "nothing but nesting": nested(10_000),
    "messages in messages": "Content-Type: message/rfc822\r\n\r\n" * 10_000,
    "10,000 parts": f"{MULTIPART}\r\n\r\n" + "--b\r\n\r\nx\r\n" * 10_000,
    "a header of one line": "X: " + "x" * READ_LIMIT,
    "a header of a thousand folds": "X: x\r\n" + " x\r\n" * READ_LIMIT,
    "Received without end": "Received: x\r\n" * READ_LIMIT,
    "encoded words": "Subject: " + "=?utf-8?q?x?= " * READ_LIMIT,
    "encoded words that do not end": "Subject: " + "=?utf-8?b?" * READ_LIMIT,
    "broken base64": "Content-Transfer-Encoding: base64\r\n\r\n" + "A=\xff" * READ_LIMIT,
    "a bounce of many recipients": (
        "Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\n"
        "Content-Type: message/delivery-status\r\n\r\n" + "Action: failed\r\n\r\n" * READ_LIMIT
    ),
    "99 nested parts with short lines": nested(99) + "\r\n" + "a\r\n" * READ_LIMIT,
    "a subject of blanks": f"In-Reply-To: <{TOKEN.word}@x>\r\nSubject: re" + " " * READ_LIMIT,
    "nothing but semicolons": "Content-Type: text/plain" + ";" * READ_LIMIT,
    "quotes that do not end": 'Content-Type: multipart/mixed; boundary="' + '\\"' * READ_LIMIT,
    "continued parameters": (
        "Content-Type: multipart/mixed; " + "".join(f"boundary*{n}=b; " for n in range(5000))
    ),
    "tokens in a hundred parts": (
        f"{MULTIPART}\r\n\r\n" + f"--b\r\n\r\n{f'mtrip1{48 * chr(97)} ' * 12}\r\n" * 100
    ),
    "tags and links": "Content-Type: text/html\r\n\r\n" + "<a href=x>" * READ_LIMIT,
    "quotes in tags": "Content-Type: text/html\r\n\r\n" + "<a href=\"' " * READ_LIMIT,
    "styles that do not end": "Content-Type: text/html\r\n\r\n" + "<style>" * READ_LIMIT,
    "tags that do not end": "Content-Type: text/html\r\n\r\n" + "<" * READ_LIMIT,
    "base64 between noise": "Content-Transfer-Encoding: base64\r\n\r\n" + "A-" * READ_LIMIT,
    "words of notices": (
        "\r\n" + "your message delivery of to was not host 550 fail error " * READ_LIMIT
    ),
    "recipients of notices": "\r\n" + "<a@b.example>:\r\n" * READ_LIMIT,
    "codes of notices": "\r\n" + "550 5.1.1 x\r\n" * READ_LIMIT,
    # of 40, 20 seconds, if they could be torn at each place
    "a subject of stars": f"Subject: {31 * '*'}x\r\n\r\n",
    "a subject of tags": "Subject: " + "[] ** " * READ_LIMIT,
    "a forwarded row of dashes": "Subject: Fwd: x\r\n\r\n" + "-" * READ_LIMIT,
    "a row of dashes": "\r\n" + "-" * READ_LIMIT,
    "a return path of blanks": "Return-Path: " + "\f" * 10_000 + "x\r\n\r\n",
    "a receipt of automatic answers": (
        "Subject: Undeliverable\r\nAuto-Submitted: auto-replied\r\n"
        "Content-Type: message/disposition-notification\r\n\r\nDisposition: "
        + "automatic; "
        * READ_LIMIT
    ),
    "a character of many digits": "Content-Type: text/html\r\n\r\n&#" + "9" * READ_LIMIT,
}
SENDERS = {
    "as ours": OURS,
    "as a notice": f"Return-Path: <>\r\nReferences: <{TOKEN.word}@lab.test>\r\n",
    "as somebody's": f"References: <{TOKEN.word}@lab.test>\r\n",
}


def readers(raw: bytes) -> None:
    """All that is ever done with an arrived message."""
    read(raw)
    received(parse(raw), TOKEN.word)
    headers(parse(raw), TOKEN.word)
    is_whole(parse(raw), TOKEN)


def calls_in(action: Callable[[], object]) -> int:
    """How many functions are called: work that does not depend on how fast the machine is."""
    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event.endswith("call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        action()
    finally:
        sys.setprofile(before)
    return calls


def test_hostile_messages() -> None:
    """The work and memory for a hostile message are proportional to the part of it that is
    read, whatever its nesting, parts, headers and encodings, even if it contains a valid token."""
    for name, text in HOSTILE.items():
        raw = (OURS + text).encode("latin-1")[:READ_LIMIT]
        assert calls_in(lambda raw=raw: readers(raw)) < 300 * len(raw), name  # type: ignore[misc]
        raw = raw[: READ_LIMIT // 4]  # tracing is slow
        tracemalloc.start()
        readers(raw[:-1])  # not the very same: that is parsed already
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 100 * len(raw), name
        assert TOKEN.word in read(raw).tokens, name


def work(raw: bytes) -> float:
    """Seconds of the processor, by the best of a few runs."""
    best = float("inf")
    for cut in range(1, 4):
        began = time.process_time()
        readers(raw[:-cut])  # not the very same: that is parsed already
        best = min(best, time.process_time() - began)
    return best


@pytest.mark.slow
def test_what_a_hostile_message_costs() -> None:
    """A hostile message costs at most eight times as much as a plain message of the same size,
    whatever its content."""
    plain = (
        "\r\n"
        + "This is a message without any malice, of a few words on each line.\r\n" * READ_LIMIT
    )
    usual = max(work((head + plain).encode()[:READ_LIMIT]) for head in SENDERS.values())
    for sender, head in SENDERS.items():
        for name, text in HOSTILE.items():
            assert work((head + text).encode("latin-1")[:READ_LIMIT]) < 8 * usual, (
                f"{name}, {sender}"
            )


def test_what_only_speaks_about_our_message() -> None:
    """A bounce, a reply or a receipt with a valid token never counts as the arrival of the
    message, whatever its form, even if it contains our subject or our whole text."""
    for row in expected():
        assert (read(arrived(row.file)).kind is Kind.MESSAGE) == (row.kind == "message"), row.file


def test_what_comes_instead_of_our_message() -> None:
    """With `home: reply`, an answer counts as the arrival; a bounce, a receipt and a notice that
    the message is held do not. With `home: delivery_status`, only the fields of a notification (RFC
    3464) that reports a delivery do."""
    proven = {row.file: read(arrived(row.file)).home for row in expected()}
    kinds = {row.file: row.kind for row in expected()}
    assert all(
        (home is Home.MESSAGE) is (kinds[file] == "message") for file, home in proven.items()
    )
    assert not [file for file, home in proven.items() if home and kinds[file] == "bounce"]
    for file, home in proven.items():
        if home is Home.DELIVERY_STATUS:
            assert b"message/delivery-status" in arrived(file).lower()
            assert re.search(rb"(?im)^action: *(delivered|relayed|expanded)", arrived(file))
    assert {*proven.values()} >= {Home.MESSAGE, Home.REPLY, Home.DELIVERY_STATUS, None}


@virtual.on_a(partial(ProberRig, home="reply"))
async def test_answers_to_answers(rig: ProberRig) -> None:
    """mailtrip never answers a message, so no answer can cause another one."""
    rig.sender.on_the_way = lambda raw: vacation(raw, rig.clock.wall())
    rig.sender.copies = 5
    assert (await rig.trip()).success
    await asyncio.sleep(7 * 86400)
    assert len(rig.sender.sent) == 1
    assert rig.mailbox.messages == {}


def test_compressed_parts() -> None:
    """Compressed parts of a message are not unpacked, so that an archive does not expand, and
    its contents are not searched."""
    bomb = gzip.compress(TOKEN.word.encode() + b"0" * 30_000_000)
    encoded = b64encode(bomb).decode()
    assert len(encoded) < READ_LIMIT
    for kind in ("application/zip", "application/gzip", "text/plain", "message/rfc822"):
        for encoding in ("base64", "x-gzip64", "gzip"):
            head = (
                f"Content-Type: {kind}\r\nContent-Encoding: gzip\r\nContent-Transfer-Encoding:"
                f" {encoding}\r\n\r\n"
            )
            tracemalloc.start()
            readers((head + encoded).encode())
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert peak < 10 * READ_LIMIT
            assert not read((head + encoded).encode()).tokens


async def test_large_messages_at_the_receiver() -> None:
    """The first 64 KiB of a message to the SMTP receiver are read and kept, however large it
    is."""
    asked: list[int] = []

    async def wanted(raw: bytes) -> bool:
        asked.append(len(raw))
        return True

    async with receiver(wanted=wanted) as session:
        await deliver(session, OURS.encode() + b"\r\n" + b"x" * 70 * 3 + b"\r\n" * READ_LIMIT)
        (sighting,) = await session.scan()
        assert (asked, len(sighting.raw), sighting.cut) == ([READ_LIMIT], READ_LIMIT, True)
        await deliver(session, OURS.encode() + b"\r\nx\r\n")
        (sighting,) = await session.scan()
        assert not sighting.cut


# The token is another mailtrip's, and in the header, since no more is read of what was there before
# us.
OTHERS = (
    b"From: x@lab.test\nIn-Reply-To: <mtrip1%s@x>\nSubject: private matters\n\nThe rendezvous.\n"
    % (b"a" * 48)
)
CONFIGURATION = """
mailboxes:
  shared: {{maildir: {{path: {path}}}}}
modules:
  trip:
    interval: 1h
    timeout: 2s
    roundtrip: {{from: a@lab.test, send: {{smtp: {{host: 127.0.0.1, port: {port}, tls: none}}}},
        mailbox: shared}}
probes:
  - {{name: trip, module: trip, target: a@lab.test}}
"""


@pytest.mark.slow
def test_messages_of_others(
    start: Start, listener: Callable[..., Listener], tmp_path: Path
) -> None:
    """Other messages in a mailbox are only searched for tokens: they are not moved, flagged or
    deleted, and no part of them appears on a page, in the log or in the state."""
    maildir = maildir_rig.Maildir(tmp_path / "Maildir")
    maildir.deliver(OTHERS)
    usual = dict.fromkeys(("EHLO", "MAIL", "RCPT", "."), "250 ok") | {
        "DATA": "354 go on",
        "QUIT": "221 bye",
    }
    server = listener("220 hello", usual, default="")
    exporter = start(
        CONFIGURATION.format(path=maildir.path, port=server.port), "--log.level", "DEBUG"
    )
    maildir.deliver(OTHERS)
    before = maildir.files()
    exporter.wait_for('mailtrip_tokens_rejected_total{mailbox="shared",reason="foreign_instance"}')
    exporter.wait_for('mailtrip_trips_total{probe="trip"}')
    assert maildir.files() == before
    told = [
        exporter.get(path)
        for path in ("/", "/metrics", "/probe?module=trip&target=a@lab.test&debug=true")
    ]
    told += [
        file.read_bytes().decode("latin-1")
        for file in exporter.file.parent.rglob("*")
        if file.is_file()
    ]
    assert not any(
        word in text for text in told for word in ("private matters", "rendezvous", "x@lab.test")
    )
