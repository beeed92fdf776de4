"""Large answers: shared by those who ask together, and never ahead of a client that does not
read."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator
from typing import cast

import pytest
from aiohttp.abc import AbstractStreamWriter

from exporter.core.model import ProbeKey
from exporter.metrics.text import Text
from exporter.web.bodies import PIECE, PiecewisePayload
from exporter.web.limits import LIMITS, Limits
from tests.support.http_site import Site, site, until
from tests.support.imap_attacker import Ticker
from tests.support.pauses import with_pauses
from tests.support.scopes import SUBMISSION

GET_METRICS = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"


@contextlib.asynccontextmanager
async def large(limits: Limits = LIMITS) -> AsyncIterator[Site]:
    """One whose /metrics has some megabytes."""
    async with site(limits) as here:
        for number in range(600):
            here.rig.metrics.known(
                ProbeKey("relay", f"{number}@example.org"), f"probe-{number}", SUBMISSION
            )
        yield here


async def request(
    here: Site, source: str = "127.0.0.2", text: bytes = GET_METRICS
) -> socket.socket:
    """A client that asks, and does not read."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.setblocking(False)
    client.bind((source, 0))
    loop = asyncio.get_running_loop()
    await loop.sock_connect(client, (here.host, here.port))
    await loop.sock_sendall(client, text)
    return client


async def read(client: socket.socket) -> bytes:
    """All that comes until the connection is cut."""
    answer = b""
    with contextlib.suppress(ConnectionError):
        while piece := await asyncio.get_running_loop().sock_recv(client, 1 << 16):
            answer += piece
    client.close()
    return answer


def reading(here: Site) -> list[Text]:
    connection_limits = here.server._connection_limits
    assert connection_limits is not None
    return [
        one.progress.answer
        for one in connection_limits._connections.values()
        if one.progress.answer
    ]


async def test_who_does_not_read_costs_one_piece_and_one_answer_is_shared() -> None:
    async with large() as here:
        clients = [await request(here, text=b"") for _ in range(60)]
        for client in clients:  # in one turn of the event loop
            assert client.send(GET_METRICS) == len(GET_METRICS)
        await until(lambda: len(reading(here)) == 60)
        assert min(map(len, reading(here))) > 20 * PIECE
        assert len({id(answer) for answer in reading(here)}) < 30, "who came together got the same"
        assert here.server._connection_limits is not None
        transports = [one._link for one in here.server._connection_limits._connections.values()]
        assert max(one.get_write_buffer_size() for one in transports if one) < 3 * PIECE
        assert (await here.get("/-/healthy"))[0] == 200
        for client in clients:
            client.close()
        await until(lambda: not reading(here))


@pytest.mark.parametrize("limits", [Limits(stalled=0.2), Limits(answer=0.2)])
async def test_who_reads_nothing_or_too_slowly_is_cut_off(limits: Limits) -> None:
    async with large(limits) as here:
        client = await request(here)
        await until(lambda: bool(reading(here)))
        dripping = asyncio.create_task(drip(client)) if limits.answer < 1 else None
        await until(lambda: not reading(here))
        if dripping:
            dripping.cancel()
        assert len(await read(client)) < 20 * PIECE


async def drip(client: socket.socket) -> None:
    while True:
        await asyncio.get_running_loop().sock_recv(client, 1000)
        await asyncio.sleep(0.005)


async def test_who_reads_slowly_and_in_time_gets_all_of_it() -> None:
    async with large() as here:
        client = await request(
            here, text=GET_METRICS.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        )
        await until(lambda: bool(reading(here)))
        head, _, body = (await read(client)).partition(b"\r\n\r\n")
        assert f"Content-Length: {len(body)}\r\n".encode() in head
        assert body.count(b"mailtrip_trips_total{") == 602
        assert body.endswith(b"\n")


async def test_when_too_much_is_unread_the_greediest_client_loses_its_oldest_answer() -> None:
    async with large() as here:
        size = (await here.rig.metrics.everything()).memory
        connection_limits = here.server._connection_limits
        assert connection_limits is not None
        connection_limits.limits = Limits(unread=7 * size // 2)
        modest = await request(here, "127.0.0.3")
        await until(lambda: len(reading(here)) == 1)
        greedy = []
        for number in range(4):
            greedy.append(await request(here))
            there = min(number + 1, 2)
            await until(
                lambda there=there: (  # type: ignore[misc]
                    sum(
                        one.client == "127.0.0.2" for one in connection_limits._connections.values()
                    )
                    == there
                )
            )
            await asyncio.sleep(0.05)  # so that the next one has an answer of its own
        assert len({id(answer) for answer in reading(here)}) <= 3
        assert {
            one.client for one in connection_limits._connections.values() if one.progress.answer
        } == {
            "127.0.0.2",
            "127.0.0.3",
        }
        for client in (modest, *greedy):
            client.close()


@pytest.mark.parametrize(
    "path", ["/", "/config", "/metrics", "/probe?module=submission&target=a@example.org"]
)
async def test_head_is_answered_without_a_body(path: str) -> None:
    async with large() as here:
        reader, writer = await here.raw()
        writer.write(f"HEAD {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() + GET_METRICS)
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"Content-Length: " in head
        assert (await reader.readline()).startswith(b"HTTP/1.1 200"), (
            "and so the next answer begins"
        )
        writer.close()


class Reader:
    """A client that reads at once."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    async def write(self, piece: bytes) -> None:
        self.pieces.append(bytes(piece))

    async def drain(self) -> None:
        """Nothing is left."""


async def test_a_large_answer_is_sent_in_small_pieces_and_few_turns() -> None:
    """In a busy event loop it waits for each turn."""
    reader, text = Reader(), Text([b"x" * 1000] * 10_000)
    _, turns = with_pauses(PiecewisePayload(text).write(cast(AbstractStreamWriter, reader)))
    assert b"".join(reader.pieces) == bytes(text)
    assert max(map(len, reader.pieces)) <= PIECE
    assert turns < len(reader.pieces) / 4


class Costly(Reader):
    """One to whom a piece takes some time of the processor."""

    async def write(self, piece: bytes) -> None:
        end = time.thread_time() + 0.0002
        while time.thread_time() < end:
            pass


@pytest.mark.slow
async def test_many_large_answers_together_leave_others_their_turn() -> None:
    """One client with many connections, which reads fast, would keep others waiting for each of its
    connections in each turn of the event loop."""
    text, ticker = Text([b"x" * PIECE] * 40), Ticker()
    writer = cast(AbstractStreamWriter, Costly())
    await asyncio.gather(*(PiecewisePayload(text).write(writer) for _ in range(100)))
    ticker.stop()
    assert ticker.longest < 0.2  # seconds: a piece for each, and not a slice
