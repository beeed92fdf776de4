"""The receiver behind a proxy: who the client is, and what proxies must not do."""

import asyncio
import smtplib
import subprocess
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import pytest

from exporter.core.facts import Client
from exporter.mailboxes.smtpd import SmtpdSession
from exporter.net.smtpd.limits import Limits
from tests.net.smtpd.test_proxy_header import IPV4, second
from tests.support.fast_forward import fast_forward
from tests.support.ports import free_port
from tests.support.smtp_client import RawClient
from tests.support.smtp_receiver import MESSAGE, NAME, Certificates, receiver

PROXY, ELSEWHERE = "127.0.0.1", "127.0.0.2"
V1 = b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 25\r\n"
V2 = second(0x21, 0x11, IPV4)
QUICK = Limits(header=0.2, connections=3, per_address=2)


async def client_of(session: SmtpdSession) -> Client:
    (sighting,) = await session.scan()
    assert sighting.client
    assert f"[{sighting.client.address}]".encode() in sighting.raw
    return sighting.client


async def send(client: RawClient) -> None:
    await client.until_data()
    client.send(MESSAGE + b".\r\n")
    assert await client.reply() == "250 2.6.0 Seen"


@pytest.mark.parametrize("header", [V1, V2], ids=["version 1", "version 2"])
async def test_the_client_is_the_one_in_the_header(header: bytes) -> None:
    async with receiver(proxy_protocol=[PROXY]) as session:
        async with RawClient(session.receiver.port, first=header) as client:
            await send(client)
        assert (await client_of(session)).address == "192.0.2.7"


async def test_a_header_may_come_byte_by_byte() -> None:
    async with receiver(proxy_protocol=[PROXY]) as session:
        reader, writer = await asyncio.open_connection("127.0.0.1", session.receiver.port)
        for byte in V2:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.001)
        assert (await reader.readline()).startswith(b"220")
        writer.close()


async def test_the_client_stays_the_same_inside_tls(tmp_path: Path) -> None:
    certificates = Certificates(tmp_path)
    async with (
        receiver(proxy_protocol=["127.0.0.0/24"], tls=certificates.options) as session,
        RawClient(session.receiver.port, first=V2) as client,
    ):
        await client.dialogue("EHLO test", "STARTTLS")
        await client.start_tls(certificates.client_context, NAME)
        await send(client)
        found = await client_of(session)
        assert (found.address, found.tls_version) == ("192.0.2.7", "TLSv1.3")


@pytest.mark.parametrize("header", [b"PROXY UNKNOWN\r\n", second(0x20, 0, b"")])
async def test_a_proxy_that_connects_for_itself_is_the_client(header: bytes) -> None:
    """As for its health checks."""
    async with (
        receiver(proxy_protocol=[PROXY]) as session,
        RawClient(session.receiver.port, first=header) as client,
    ):
        await send(client)
        assert (await client_of(session)).address == PROXY


async def test_limits_are_those_of_the_client() -> None:
    async with receiver(proxy_protocol=[PROXY], limits=QUICK) as session, AsyncExitStack() as stack:
        greetings = [
            (await stack.enter_async_context(RawClient(session.receiver.port, first=V1))).greeting
            for _ in range(3)
        ]
        another = V1.replace(b"192.0.2.7", b"192.0.2.8")
        one = await stack.enter_async_context(RawClient(session.receiver.port, first=another))
        assert [greeting[:9] for greeting in (*greetings, one.greeting)] == [
            "220 mon.t",
            "220 mon.t",
            "421 4.7.0",
            "220 mon.t",
        ]


@pytest.mark.parametrize("first", [b"EHLO x\r\n", V2[:-1], b"PROXY TCP4 x\r\n", b"\0"])
@fast_forward
async def test_a_proxy_that_names_no_client_is_turned_away(first: bytes) -> None:
    async with receiver(proxy_protocol=[PROXY], limits=QUICK) as session:
        async with RawClient(session.receiver.port, first=first) as client:
            assert client.greeting == ""
        lines = "\n".join(session._trace.transcript)
        assert "PROXY header" in lines
        assert f"-- from {PROXY}: " in lines


@fast_forward
async def test_what_comes_before_the_header_is_no_command() -> None:
    async with (
        receiver(proxy_protocol=[PROXY], limits=QUICK) as session,
        RawClient(session.receiver.port, first=b"NOOP\r\n" + V1) as client,
    ):
        assert client.greeting == ""


async def test_what_follows_the_header_is_the_client_s() -> None:
    async with (
        receiver(proxy_protocol=[PROXY]) as session,
        RawClient(session.receiver.port, first=V2 + b"EHLO test\r\nNOOP\r\n") as client,
    ):
        assert client.greeting.startswith("220")
        assert (await client.reply()).startswith("250")
        assert (await client.reply()).startswith("250")


@pytest.mark.parametrize("header", [V1, V2], ids=["version 1", "version 2"])
async def test_a_header_from_elsewhere_is_not_read(header: bytes) -> None:
    async with (
        receiver(proxy_protocol=[PROXY]) as session,
        RawClient(session.receiver.port, source=ELSEWHERE, first=header) as client,
    ):
        assert client.greeting.startswith("220")
        if header == V1:
            assert await client.reply() == "502 5.5.1 PROXY not expected from your address"
            await send(client)
            assert (await client_of(session)).address == ELSEWHERE
        else:  # its signature ends with QUIT
            assert not await session.scan()


@fast_forward
async def test_connections_without_a_header_keep_nobody_out_for_long() -> None:
    limits = Limits(header=0.2, connections=3, per_address=2)
    async with receiver(proxy_protocol=[PROXY], limits=limits) as session:
        port = session.receiver.port
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        async with RawClient(port) as third:
            assert third.greeting == "421 4.7.0 Too many connections from your address"
        async with RawClient(port, source=ELSEWHERE) as other:
            assert other.greeting.startswith("220")
        for reader, writer in silent:
            assert await reader.read() == b""
            writer.close()
        async with RawClient(port, first=V1) as client:
            assert client.greeting.startswith("220")


async def test_closing_does_not_wait_for_a_header() -> None:
    async with receiver(proxy_protocol=[PROXY]) as session:
        reader, writer = await asyncio.open_connection("127.0.0.1", session.receiver.port)
        writer.write(V2[:5])
        await asyncio.sleep(0.05)
        await asyncio.wait_for(session.close(), 1)
        assert await reader.read() == b""
        writer.close()


async def test_a_proxy_that_leaves_in_the_header_leaves_nothing_behind() -> None:
    async with receiver(proxy_protocol=[PROXY]) as session:
        for end in (0, 5):
            _, writer = await asyncio.open_connection("127.0.0.1", session.receiver.port)
            writer.write(V2[:end])
            await asyncio.sleep(0.02)
            writer.close()
            await writer.wait_closed()
        await asyncio.sleep(0.05)
        assert not list(session.receiver.clients)


@contextmanager
def haproxy(folder: Path, to: int, how: str) -> Iterator[int]:
    """HAProxy in front of that port; returns its own."""
    port = free_port()
    file = folder / "haproxy.cfg"
    file.write_text(
        f"""
defaults
  mode tcp
  timeout connect 5s
  timeout client 30s
  timeout server 30s
listen mail
  bind 127.0.0.1:{port}
  server own 127.0.0.1:{to} {how} check inter 100ms
"""
    )
    with subprocess.Popen(["haproxy", "-db", "-q", "-f", str(file)]) as process:
        try:
            yield port
        finally:
            process.kill()


@pytest.mark.parametrize("how", ["send-proxy", "send-proxy-v2"])
async def test_behind_haproxy_the_client_is_known(servers: None, tmp_path: Path, how: str) -> None:
    def deliver(port: int) -> None:
        with smtplib.SMTP(
            "127.0.0.1", port, local_hostname="test.lab.test", source_address=("127.0.0.77", 0)
        ) as client:
            client.sendmail("a@lab.test", ["monitor@mon.test"], MESSAGE)

    async with receiver(proxy_protocol=["127.0.0.1"]) as session:
        with haproxy(tmp_path, session.receiver.port, how) as port:
            for _ in range(200):
                try:
                    await asyncio.to_thread(deliver, port)
                    break
                except (OSError, smtplib.SMTPException):  # it starts
                    await asyncio.sleep(0.05)
            assert (await client_of(session)).address == "127.0.0.77"
            await asyncio.sleep(0.3)  # health checks come, too
        lines = "\n".join(session._trace.transcript)
        assert "header" not in lines
