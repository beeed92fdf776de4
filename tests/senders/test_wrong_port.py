"""An SMTP client at a port where something else is spoken: that is said at once, with the likely cure."""

import pytest

from exporter.net.dns import Resolver
from tests.net.test_wrong_port import CERTIFICATE, server
from tests.senders.bench import make_sender
from tests.senders.sending import new_run, probe_message, send


async def failed(address: tuple[str, int], tls: str) -> str:
    sender = make_sender("smtp", {"host": address[0], "port": address[1], "tls": tls}, Resolver())
    return str(await send(sender, probe_message(), new_run()))


@pytest.mark.parametrize(("greeting", "words"), [
    (b"* OK [CAPABILITY IMAP4rev1] ready\r\n", "this is an IMAP server: for SMTP use"),
    (b"+OK ready\r\n", "this is a POP3 server: for SMTP use"),
    (b"SSH-2.0-OpenSSH_9.2p1\r\n", "this is an SSH server"),
    (b"HTTP/1.1 400 Bad Request\r\n\r\n", "this is an HTTP server"),
])  # fmt: skip
@pytest.mark.parametrize("tls", ["none", "starttls"])
async def test_another_protocol_is_named_at_once(greeting: bytes, words: str, tls: str) -> None:
    async with server(greeting) as address:
        failure = await failed(address, tls)
    assert failure.startswith("send/greeting: protocol: ")
    assert words in failure


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
