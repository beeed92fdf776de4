"""The event loop that does not sit out time limits."""

import asyncio
import socket
import subprocess
import threading
import time
from collections.abc import Awaitable, Callable

import pytest

from exporter.core.threads import off_the_loop
from exporter.core.timing.fairness import FairTimeout
from tests.support.fast_forward import clock, fast_forward

LONG = 15.0  # seconds


@fast_forward
async def test_a_time_limit_runs_out_at_once() -> None:
    began = clock().monotonic()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        reader, writer = await asyncio.open_connection(*silent.getsockname())
        with pytest.raises(TimeoutError):
            async with FairTimeout(LONG, LONG):
                await reader.read()
        writer.close()
    assert clock().monotonic() - began == pytest.approx(LONG, abs=10)


@fast_forward
async def test_who_answers_slowly_and_in_time_is_heard() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1):
            await asyncio.sleep(LONG)
            writer.write(b"!")
        writer.close()
        await writer.wait_closed()
        over.set()

    over = asyncio.Event()
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        for _ in range(3):
            writer.write(b"?")
            async with FairTimeout(LONG + 10, 0.0):
                assert await reader.read(1) == b"!"
        writer.close()
        await over.wait()


async def _a_thread() -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()

    def work() -> None:
        time.sleep(0.1)
        loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=work).start()
    await ended.wait()


async def _a_process() -> None:
    await (await asyncio.create_subprocess_exec("sleep", "0.1")).wait()


@pytest.mark.parametrize(
    "work",
    [
        lambda: asyncio.to_thread(time.sleep, 0.1),
        lambda: off_the_loop(lambda: time.sleep(0.1)),
        _a_thread,
        _a_process,
    ],
    ids=["executor", "aside", "thread", "process"],
)
@fast_forward
async def test_the_clock_does_not_jump_while_others_work(
    work: Callable[[], Awaitable[None]],
) -> None:
    async with asyncio.timeout(LONG):
        await work()


@fast_forward
async def _endless() -> None:
    await asyncio.sleep(600_000)


def test_what_takes_too_long_on_that_clock_fails() -> None:
    with pytest.raises(TimeoutError):
        _endless()


def test_what_another_test_has_left_does_not_keep_it_from_jumping() -> None:
    end = threading.Event()
    left = threading.Thread(target=end.wait)
    left.start()
    try:
        with subprocess.Popen(["cat"], stdin=subprocess.PIPE):
            test_a_time_limit_runs_out_at_once()
    finally:
        end.set()
        left.join()
