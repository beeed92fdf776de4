"""An SMTP client at a port where something else is spoken: that is said at once, with the likely
cure."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from exporter.core.timing.clock import Clock
from exporter.core.trace.run import Run
from exporter.net.dns.resolver import Resolver
from tests.net.test_wrong_port import CERTIFICATE, server
from tests.support.sender_rig import make_sender
from tests.support.sending import new_run, probe_message, send


async def failed(address: tuple[str, int], tls: str) -> str:
    sender = make_sender("smtp", {"host": address[0], "port": address[1], "tls": tls}, Resolver())
    return str(await send(sender, probe_message(), new_run()))


@pytest.mark.parametrize(
    ("greeting", "words"),
    [
        (b"* OK [CAPABILITY IMAP4rev1] ready\r\n", "this is an IMAP server: for SMTP use"),
        (b"+OK ready\r\n", "this is a POP3 server: for SMTP use"),
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", "this is an SSH server"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "this is an HTTP server"),
    ],
)
@pytest.mark.parametrize("tls", ["none", "starttls"])
async def test_another_protocol_is_named_at_once(greeting: bytes, words: str, tls: str) -> None:
    async with server(greeting) as address:
        failure = await failed(address, tls)
    assert failure.startswith("send/greeting: protocol: ")
    assert words in failure


@pytest.mark.slow
async def test_a_port_for_tls_from_the_start_is_named() -> None:
    async with server(b"220 mx ESMTP\r\n", tls=CERTIFICATE) as address:
        failure = await failed(address, "starttls")
    assert failure.startswith("send/greeting: protocol: ")
    assert "use `tls: implicit`" in failure


async def test_a_port_for_starttls_is_named() -> None:
    async with server(b"220 mx ESMTP\r\n", closes=True) as address:
        failure = await failed(address, "implicit")
    assert failure.startswith("send/tls: tls: ")
    assert "use `tls: starttls`" in failure


@asynccontextmanager
async def answering(*lines: bytes) -> AsyncIterator[tuple[str, int]]:
    """A server that greets with the first line, and answers each command with the next one."""

    left = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            for line in lines:
                writer.write(line + b"\r\n")
                await reader.readline()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        left.set()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        yield listening.sockets[0].getsockname()
        await left.wait()


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (
            (b"220 (vsFTPd 3.0.3)", b"530 Please login with USER and PASS."),
            "Perhaps this is an FTP server",
        ),
        (
            (b"220 ProFTPD Server ready.", b"500 EHLO not understood", b"500 HELO not understood"),
            "Perhaps this is an FTP",
        ),
        ((b"220 welcome", b"502 no", b"530 Not logged in."), ""),
        (
            (b"220 mx LMTP ready", b"500 this is LMTP", b"500 this is LMTP"),
            "Perhaps this is an LMTP server",
        ),
        ((b"220 welcome", b"535 no"), ""),
    ],
)
async def test_who_does_not_know_helo_speaks_something_else_and_wants_no_login(
    answers: tuple[bytes, ...], words: str
) -> None:
    async with answering(*answers) as address:
        failure = await failed(address, "none")
    assert failure.startswith(f"send/ehlo: protocol {answers[-1][:3].decode()}: ")
    assert f"{answers[-1][:3].decode()} in response to EHLO/HELO: not an SMTP server?" in failure
    assert words in failure


async def test_a_server_that_does_not_like_our_name_speaks_smtp() -> None:
    async with answering(b"220 mx", b"550 bad name") as address:
        assert (await failed(address, "none")).startswith("send/ehlo: rejected 550: ")


@pytest.mark.slow
async def test_a_web_server_that_waits_inside_tls_is_suspected() -> None:
    async with server(b"", at_once=False, tls=CERTIFICATE) as address:
        options = {"host": address[0], "port": address[1], "tls": "implicit", "verify": False}
        run = Run(Clock(), session_timeout=1.0)
        failure = str(await send(make_sender("smtp", options, Resolver()), probe_message(), run))
    assert (
        "no greeting within 0.7 s after a completed TLS handshake: is this an SMTP port?" in failure
    )
