"""Connections of clients that are slow, silent or gone."""

from contextlib import suppress

import pytest

from exporter.web.limits import Limits
from tests.support.fast_forward import fast_forward
from tests.support.http_site import GOOD, site, until


@pytest.mark.parametrize(
    "sent", [b"EHLO test\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"GET /\xff HTTP/1.1\r\n\r\n"]
)
async def test_who_speaks_no_http_learns_nothing_and_fills_no_log(
    sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with site() as here:
        reader, writer = await here.raw()
        writer.write(sent)
        answer = (await reader.read()).decode()
        assert answer.startswith("HTTP/1.0 400")
        assert answer.endswith("\r\n\r\nnot an HTTP request\n")
        assert "Server: mailtrip\r\n" in answer
        assert caplog.records == []
        writer.close()


@pytest.mark.parametrize(
    "sent", [b"", b"GET /metr", b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow: "]
)
@fast_forward
async def test_half_a_header_is_not_waited_for(sent: bytes) -> None:
    async with site(Limits(header=0.2)) as here:
        reader, writer = await here.raw()
        writer.write(sent)
        assert await reader.read() == b""
        writer.close()


async def test_idle_clients_do_not_keep_a_scrape_out() -> None:
    async with site(Limits(connections=5, header=600)) as here:
        idle = [await here.raw() for _ in range(20)]
        assert (await here.get("/-/healthy"))[0] == 200
        for reader, _ in idle[:16]:  # those that have been idle for the longest had to go
            with suppress(ConnectionResetError):
                assert await reader.read() == b""
        for _, writer in idle:
            writer.close()


async def test_a_client_that_is_being_answered_is_dropped_neither_for_another_nor_as_slow() -> None:
    async with site(Limits(connections=1, header=0.1), delay=0.3) as here:
        scrape, scraper = await here.raw()
        scraper.write(f"GET {GOOD} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await until(lambda: len(here.rig.sender.sent) == 1)
        reader, writer = await here.raw()
        assert await reader.read() == b""
        assert b"200 OK" in await scrape.readuntil(b"\nprobe_success 1.0\n")
        writer.close()
        scraper.close()


@fast_forward
async def test_a_kept_connection_may_be_used_again_and_not_for_ever() -> None:
    async with site(Limits(idle=0.2)) as here:
        reader, writer = await here.raw()
        for _ in range(2):
            writer.write(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"200 OK" in await reader.readuntil(b"mailtrip is up\n")
        assert await reader.read() == b""
        writer.close()


async def test_a_client_that_does_not_read_its_answers_is_dropped() -> None:
    async with site(Limits(stalled=0.2)) as here:
        _, writer = await here.raw()
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        with suppress(ConnectionError):
            # Until all buffers on the way are full, and the server has lost its patience.
            while True:
                writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
                await writer.drain()
        assert (await here.get("/-/healthy"))[0] == 200


@pytest.mark.parametrize(
    "header", [b"X-Long: " + b"x" * 100_000, b"\r\n".join(b"X-%d: y" % n for n in range(100_000))]
)
async def test_a_header_without_measure_is_refused(
    header: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with site() as here:
        reader, writer = await here.raw()
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n" + header + b"\r\n\r\n")
        with suppress(
            ConnectionResetError
        ):  # then the answer was lost, since we were still sending
            assert (await reader.read()).startswith((b"HTTP/1.0 400", b"HTTP/1.1 400"))
        writer.close()
        assert caplog.records == []
        assert (await here.get("/-/healthy"))[0] == 200
