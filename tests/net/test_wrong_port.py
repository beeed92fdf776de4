"""A port of another protocol, or of the same one with or without TLS, is recognised at once, and
the cure is named."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from exporter.core.model import ProbeError
from exporter.core.phases import Leg
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.timing.clock import Clock
from exporter.core.trace.run import Run
from exporter.mailboxes.imap.mailbox import ImapMailbox
from exporter.mailboxes.imap.options import ImapOptions
from exporter.net.dns.resolver import Resolver
from exporter.net.tls.handshake import handshake_errors
from exporter.net.wrong_port import (
    TLS_SHARE,
    await_greeting,
    await_greeting_in_tls,
    plaintext_hint,
    protocol_of,
    wrong_port_hint,
)
from tests.support.fast_forward import fast_forward
from tests.support.imap_conversation import AUTHORITY, trusting
from tests.support.wanting import all_of_them

FIRST_WORDS = {
    "IMAP": [b"* OK ready\r\n", b"* PREAUTH x\r\n", b"* BYE too many\r\n", b"* ok\r\n"],
    "POP3": [
        b"+OK Dovecot ready.\r\n",
        b"+OK\r\n",
        b"-ERR busy\r\n",
        b"+OK <1896.697@dbc.mtview.ca.us>\r\n",
    ],
    "SMTP": [
        b"220 mx ESMTP\r\n",
        b"220-mx.example.org ESMTP Exim\r\n220 no spam\r\n",
        b"554 no\r\n",
        b"421 later\r\n",
    ],
    "LMTP": [b"220 mail.example.org LMTP ready\r\n"],
    "FTP": [
        b"220 (vsFTPd 3.0.3)\r\n",
        b"220-Welcome\r\n220 FTP\r\n",
        b"220 ProFTPD Server ready.\r\n",
    ],
    "NNTP": [
        b"200 news.example.org InterNetNews NNRP server INN 2.6\r\n",
        b"201 NNTP, no posting\r\n",
    ],
    "SSH": [b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"],
    "HTTP": [
        b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n",
        b"<!DOCTYPE html>\n",
        b"<html><head>",
    ],
    "TLS": [b"\x15\x03\x01\0\2\2\x46", b"\x16\x03\x03\0\x7a\2"],
    "ManageSieve": [b'"IMPLEMENTATION" "Dovecot Pigeonhole"\r\n'],
    "VNC": [b"RFB 003.008\n"],
    "rsync": [b"@RSYNCD: 31.0\n"],
    "": [b"", b"hello\r\n", b"\0\0\0\0", b"2", b"*", b"\xff\xfb\x01"],
}
CERTIFICATE = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
AUTHORITY.issue_cert("127.0.0.1").configure_cert(CERTIFICATE)


@pytest.mark.parametrize(
    ("protocol", "first"), [(name, one) for name, firsts in FIRST_WORDS.items() for one in firsts]
)
def test_a_protocol_is_known_by_its_first_words(protocol: str, first: bytes) -> None:
    assert protocol_of(first) == protocol


@pytest.mark.parametrize(
    ("wanted", "first", "words"),
    [
        ("IMAP", b"+OK x\r\n", "this is a POP3 server: use `pop3`, or IMAP's port, 993 or 143"),
        ("POP3", b"* OK x\r\n", "this is an IMAP server: use `imap`, or POP3's port, 995 or 110"),
        ("IMAP", b"220 x\r\n", "this is an SMTP server: for IMAP use port 993 or 143"),
        ("SMTP", b"* OK x\r\n", "this is an IMAP server: for SMTP use port 587, 465 or 25"),
        (
            "SMTP",
            b"220 x LMTP\r\n",
            "this is an LMTP server: use `lmtp`, or SMTP's port, 587, 465 or 25",
        ),
        ("LMTP", b"+OK x\r\n", "this is a POP3 server: for LMTP use port 24"),
        ("LMTP", b"220 x ESMTP\r\n", ""),
        ("POP3", b"SSH-2.0-x\r\n", "this is an SSH server: for POP3 use port 995 or 110"),
        ("POP3", b"HTTP/1.1 400 x\r\n", "this is an HTTP server: for POP3 use port 995 or 110"),
        ("IMAP", b"\x15\x03\x03\0\2\2\x28", "it speaks TLS on this port: use `tls: implicit`"),
        ("IMAP", b"* OK x\r\n", ""),
        ("POP3", b"-ERR x\r\n", ""),
        ("SMTP", b"554 no\r\n", ""),
        ("SMTP", b"what?", ""),
    ],
)
def test_the_cure_is_named(wanted: str, first: bytes, words: str) -> None:
    assert wrong_port_hint(first, wanted) == words


@pytest.mark.parametrize(
    ("wanted", "first", "words"),
    [
        (
            "IMAP",
            b"* OK [CAPABILITY IMAP4rev1] \r\n",
            (
                "it does not use TLS on this port: use `tls: starttls`, or `tls: none`; it says:"
                " * OK [CAPABILITY IMAP4rev1]"
            ),
        ),
        (
            "IMAP",
            b"220 mx ESMTP\r\n",
            "this is an SMTP server: for IMAP use port 993 or 143; it says: 220 mx ESMTP",
        ),
        (
            "SMTP",
            b"hello",
            "it does not use TLS on this port: use `tls: starttls`, or `tls: none`",
        ),
        ("SMTP", b"\x15\x03\x03\0\2\2\x28", ""),
        ("SMTP", b"", ""),
    ],
)
def test_a_server_without_tls_is_named(wanted: str, first: bytes, words: str) -> None:
    assert plaintext_hint(first, wanted) == words


@asynccontextmanager
async def server(
    greeting: bytes,
    *,
    at_once: bool = True,
    tls: ssl.SSLContext | None = None,
    closes: bool = False,
) -> AsyncIterator[tuple[str, int]]:
    """Says this to everybody, at once or as its answer; nothing if that is empty."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if not at_once:
                await reader.read(65536)
            writer.write(greeting)
            if not closes:
                await reader.read()
        except (ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.transport.abort() if tls else writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield listening.sockets[0].getsockname()
    finally:
        listening.close()
        await listening.wait_closed()


async def failed(
    address: tuple[str, int], tls: str, session_timeout: float | None = None
) -> tuple[ProbeError, Step | None]:
    options = {
        "host": address[0],
        "port": address[1],
        "tls": tls,
        "username": "me",
        "password": "labpass",
    }
    run = Run(Clock(), session_timeout=session_timeout)
    if session_timeout:
        options["verify"] = False
    with pytest.raises(ProbeError) as caught:
        async with asyncio.timeout(15):
            await ImapMailbox(ImapOptions.model_validate(options), Resolver()).open(
                run, all_of_them
            )
    assert "labpass" not in "\n".join(run.transcript)
    return caught.value, run.failure(caught.value).step


@pytest.mark.parametrize("tls", ["none", "starttls"])
@pytest.mark.parametrize(
    ("greeting", "words"),
    [
        (
            b"+OK Dovecot ready.\r\n",
            "sent a line that is not IMAP: +OK Dovecot ready. (this is a POP3 server",
        ),
        (
            b"220 mx.example.org ESMTP Postfix\r\n",
            "not IMAP: 220 mx.example.org ESMTP Postfix (this is an SMTP server",
        ),
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", "this is an SSH server"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "this is an HTTP server"),
        (b"\x15\x03\x01\0\2\2\x46", "it speaks TLS on this port: use `tls: implicit`"),
        (b"What do you want?\r\n", "not IMAP: What do you want?"),
    ],
)
async def test_another_protocol_is_called_by_its_name_at_once(
    tls: str, greeting: bytes, words: str
) -> None:
    async with server(greeting) as address:
        error, step = await failed(address, tls)
    assert (error.reason, step) == (Reason.PROTOCOL, Step.GREETING)
    assert words in error.detail


@pytest.mark.slow
async def test_a_silent_port_is_asked_what_it_is() -> None:
    async with server(b"* OK ready\r\n", tls=CERTIFICATE) as address:
        error, step = await failed(address, "none")
    assert (error.reason, step) == (Reason.PROTOCOL, Step.GREETING)
    assert (
        "127.0.0.1 does not greet as IMAP: it speaks TLS on this port: use `tls: implicit`"
        in error.detail
    )


@pytest.mark.parametrize(
    ("wanted", "answer", "tls", "words"),
    [
        ("POP3", b"", CERTIFICATE, "use `tls: implicit`"),
        ("SMTP", b"", CERTIFICATE, "use `tls: implicit`"),
        (
            "IMAP",
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            None,
            "this is an HTTP server: for IMAP use port 993 or 143",
        ),
        ("SMTP", b"SSH-2.0-x\r\n", None, "this is an SSH server"),
    ],
)
async def test_whoever_waits_for_a_greeting_is_told(
    wanted: str, answer: bytes, tls: ssl.SSLContext | None, words: str
) -> None:
    async with server(answer, at_once=False, tls=tls) as address:
        with pytest.raises(ProbeError) as caught:
            await await_greeting(asyncio.Event().wait(), address, "mx.test", wanted, silence=0.01)
    assert caught.value.reason is Reason.PROTOCOL
    assert words in caught.value.detail


@pytest.mark.parametrize(
    ("greeting", "words"),
    [
        (
            b"* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n",
            "use `tls: starttls`, or `tls: none`; it says: * OK [CAPAB",
        ),
        (b"+OK\r\n", "this is a POP3 server: use `pop3`, or IMAP's port, 993 or 143"),
        (b"220 mx ESMTP\r\n", "this is an SMTP server"),
        (b"SSH-2.0-x\r\n", "this is an SSH server"),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
async def test_a_port_without_tls_is_named(greeting: bytes, words: str, at_once: bool) -> None:
    async with server(greeting, at_once=at_once, closes=True) as address:
        error, step = await failed(address, "implicit")
    assert error.reason in (Reason.TLS, Reason.PROTOCOL)
    assert step is Step.TLS
    assert words in error.detail


async def test_any_protocol_gets_the_words_of_a_server_that_does_not_know_tls() -> None:
    async with server(b"220 mx ESMTP\r\n", at_once=False) as address:
        with pytest.raises(ProbeError) as caught, handshake_errors("mx.test", Leg.SEND, "SMTP"):
            await asyncio.open_connection(*address, ssl=trusting(), server_hostname="127.0.0.1")
    assert caught.value.reason is Reason.TLS
    assert caught.value.detail.startswith("TLS handshake with mx.test failed: ")


@pytest.mark.slow
async def test_a_web_server_waits_for_us_to_begin() -> None:
    async with server(
        b"HTTP/1.1 400 Bad Request\r\n\r\n", at_once=False, tls=CERTIFICATE
    ) as address:
        error, step = await failed(address, "implicit", session_timeout=1.0)
    assert (error.reason, step) == (Reason.TIMEOUT, Step.GREETING)
    assert (
        "127.0.0.1 sent no greeting within 0.7 s after a completed TLS handshake: is this an IMAP"
        " port?" in str(error)
    )


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("IMAP", "is this an IMAP port? With `tls: implicit` it is 993 on most servers"),
        ("POP3", "is this a POP3 port? With `tls: implicit` it is 995 on most servers"),
        ("SMTP", "is this an SMTP port? With `tls: implicit` it is 465 on most servers"),
    ],
)
@fast_forward
async def test_silence_inside_tls_has_a_likely_cause(wanted: str, words: str) -> None:
    with pytest.raises(ProbeError) as caught:
        await await_greeting_in_tls(asyncio.Event().wait(), "mx.test", wanted, 0.1)
    assert caught.value.reason is Reason.TIMEOUT
    assert caught.value.detail.endswith(words)


async def test_a_greeting_inside_tls_may_take_its_time() -> None:
    assert 0.5 < TLS_SHARE < 1
    assert (
        await await_greeting_in_tls(asyncio.sleep(0.01, "hello"), "mx.test", "IMAP", 20.0)
        == "hello"
    )
    assert (
        await await_greeting_in_tls(asyncio.sleep(0.01, "hello"), "mx.test", "IMAP", None)
        == "hello"
    )


async def test_a_server_that_is_only_slow_is_waited_for() -> None:
    greeting = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert (await reader.read(3))[:2] == b"\x16\x03"
        greeting.set_result("hello")  # while the second connection is still asked
        await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        address = listening.sockets[0].getsockname()
        assert await await_greeting(greeting, address, "mx.test", "SMTP", silence=0.01) == "hello"


@fast_forward
async def test_a_server_that_says_nothing_to_anybody_is_waited_for() -> None:
    async with server(b"", at_once=False, closes=True) as address:
        waiting = asyncio.ensure_future(
            await_greeting(asyncio.Event().wait(), address, "mx.test", "SMTP", silence=0.01)
        )
        await asyncio.sleep(0.1)
        assert not waiting.done()
        waiting.cancel()


async def test_what_the_first_words_raise_is_raised_and_nothing_is_left_behind() -> None:
    async def broken() -> None:
        raise ProbeError(Reason.DISCONNECTED, "gone")

    tasks = asyncio.all_tasks()
    with pytest.raises(ProbeError, match="gone"):
        await await_greeting(broken(), ("127.0.0.1", 1), "mx.test", "SMTP")
    waiting = asyncio.ensure_future(
        await_greeting(asyncio.Event().wait(), ("127.0.0.1", 1), "mx.test", "SMTP")
    )
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert asyncio.all_tasks() == tasks
