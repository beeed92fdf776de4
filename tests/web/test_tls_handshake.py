"""Clients that hang in the TLS handshake, or speak something else, or hurry, or end TLS early."""

import asyncio
import socket
import ssl
from contextlib import suppress

import pytest

from exporter.web.limits import Limits
from tests.support.fast_forward import fast_forward
from tests.support.http_site import GOOD, until
from tests.support.https_site import get, secure_site
from tests.support.web_config_folder import NAME, Folder


@pytest.mark.parametrize(
    "sent", [b"", b"\x16\x03\x01", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x80" * 50, b"\0"]
)
@fast_forward
async def test_who_does_not_finish_the_handshake_is_cut_off_and_fills_no_log(
    sent: bytes, folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    async with secure_site(folder, limits=Limits(header=0.3)) as here:
        reader, writer = await here.raw()
        writer.write(sent)
        assert len(await reader.read()) < 20  # an alert
        writer.close()
        await until(lambda: not here.server._connection_limits._connections)  # type: ignore[union-attr]
        assert caplog.records == []


@pytest.mark.slow
async def test_half_a_header_inside_tls_is_not_waited_for(folder: Folder) -> None:
    async with secure_site(folder, limits=Limits(header=0.5)) as here:
        reader, writer = await asyncio.open_connection(here.host, here.port, ssl=folder.client())
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()


async def test_handshakes_that_hang_do_not_keep_a_scrape_out(folder: Folder) -> None:
    async with secure_site(folder, limits=Limits(connections=5, header=600)) as here:
        idle = [await here.raw() for _ in range(20)]
        for _, writer in idle[::2]:
            writer.write(b"\x16\x03\x01")
        assert await get(here, folder.client()) == 200
        for _, writer in idle:
            writer.close()


async def test_a_request_that_comes_together_with_the_end_of_the_handshake_is_answered(
    folder: Folder,
) -> None:
    """In TLS 1.3 a client may send both at once; asyncio then brings the request first."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = folder.client().wrap_bio(incoming, outgoing, server_hostname=NAME)
    async with secure_site(folder) as here:
        reader, writer = await here.raw()
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                writer.write(outgoing.read())
                incoming.write(await reader.read(65536))
        tls.write(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
        writer.write(outgoing.read())
        answer = b""
        while b"mailtrip is up" not in answer:
            with suppress(ssl.SSLWantReadError):
                answer += tls.read(65536)
                continue
            incoming.write(await reader.read(65536))
        assert answer.startswith(b"HTTP/1.1 200")
        writer.close()


async def test_stopping_cuts_off_who_is_still_shaking_hands(folder: Folder) -> None:
    async with secure_site(folder, limits=Limits(header=600)) as here:
        reader, writer = await here.raw()
        writer.write(b"\x16\x03\x01")
        await until(lambda: len(here.server._connection_limits._connections) == 1)  # type: ignore[union-attr]
        await here.server.__aexit__()
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()


@pytest.mark.slow
async def test_who_ends_tls_before_the_answer_and_reads_nothing_is_cut_off(
    folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    """asyncio's transport of TLS is then closed twice, and no longer ends its connection."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = folder.client().wrap_bio(incoming, outgoing, server_hostname=NAME)
    async with secure_site(folder) as here:
        with socket.socket() as ours:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            ours.setblocking(False)
            ours.connect_ex((here.host, here.port))
            loop = asyncio.get_running_loop()
            while True:
                with suppress(ssl.SSLWantReadError):
                    tls.do_handshake()
                    break
                await loop.sock_sendall(ours, outgoing.read())
                incoming.write(await loop.sock_recv(ours, 65536))

            async def request(path: str, field: str) -> None:
                tls.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n{field}\r\n\r\n".encode())
                await loop.sock_sendall(ours, outgoing.read())

            await request("/-/healthy", "X: y")
            limits = here.server._connection_limits
            assert limits
            await until(lambda: any(one.is_open for one in limits._connections.values()))
            (connection,) = limits._connections.values()
            link = connection._link
            assert link
            while not link.get_write_buffer_size():  # the system takes no more
                await request("/metrics", "X: y")
                await asyncio.sleep(0.05)
            here.rig.sender.delay, limits.limits = 0.5, Limits(idle=0.1)
            await request(GOOD, "Connection: close")
            await until(lambda: len(here.rig.sender.sent) == 1)
            with suppress(ssl.SSLWantReadError, ssl.SSLError):
                tls.unwrap()
            await loop.sock_sendall(ours, outgoing.read())
            await until(lambda: not limits._connections)
            await until(lambda: link.get_extra_info("socket").fileno() == -1)
    assert caplog.records == []
