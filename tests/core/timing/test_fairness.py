"""Our own lateness is never a server's time-out."""

import asyncio
import socket
import time
from collections.abc import Iterator

import pytest

from exporter.core.model import ProbeError
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.timing.clock import Clock
from exporter.core.timing.fairness import AT_A_TIME, SLICE, Slices, in_turns, let_go
from exporter.core.trace.run import Run
from tests.support import virtual_time as virtual
from tests.support.pauses import with_pauses


@pytest.mark.parametrize("blocked", [0.3, 0.15])
async def test_an_answer_that_lies_in_the_socket_is_read_however_late_we_are(
    blocked: float,
) -> None:
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=ours)
    run = Run(Clock(), session_timeout=0.2)
    async with run.conversation():
        for _ in range(2):
            theirs.send(b"220 hello\r\n")
            time.sleep(blocked)  # noqa: ASYNC251 - as when somebody else computes for so long
            assert await reader.readline() == b"220 hello\r\n"
    writer.close()
    theirs.close()


def test_a_server_has_the_time_on_top_by_which_we_were_late() -> None:
    async def trip() -> None:
        run = Run(virtual.clock(), session_timeout=30)
        async with run.conversation():
            await asyncio.sleep(10)
            virtual.stall(15)  # of these, 0.75 s go by before the next tick is due
            await asyncio.sleep(15)
        assert run.now() == 40

    virtual.run(trip())


def test_the_time_on_top_has_an_end() -> None:
    async def trip() -> None:
        run = Run(virtual.clock(), session_timeout=30)
        with pytest.raises(ProbeError) as caught:
            async with run.conversation():
                while True:
                    virtual.stall(5)
                    await asyncio.sleep(1)
        assert caught.value.reason is Reason.TIMEOUT
        assert 55 <= run.now() <= 70

    virtual.run(trip())


@pytest.mark.parametrize("stopped", [40.0, 3600.0])
def test_after_a_long_stop_there_is_time_to_hear_what_came_meanwhile(stopped: float) -> None:
    async def trip() -> None:
        run = Run(virtual.clock(), session_timeout=30)
        async with run.deadline(60), run.conversation():
            await asyncio.sleep(10)
            virtual.stall(stopped)
            await asyncio.sleep(20)
        with pytest.raises(ProbeError):
            async with run.deadline(run.now() - run.started + 10):
                virtual.stall(stopped)
                await asyncio.sleep(31)

    virtual.run(trip())


def test_a_server_that_does_not_answer_has_no_more_than_its_time() -> None:
    async def trip() -> None:
        run = Run(virtual.clock(), session_timeout=30)
        with pytest.raises(ProbeError):
            async with run.conversation(idle=300):
                await asyncio.sleep(1000)
        assert run.now() == pytest.approx(330)

    virtual.run(trip())


def test_a_trip_has_the_time_on_top_too() -> None:
    async def trip() -> None:
        run = Run(virtual.clock(), session_timeout=30)
        async with run.deadline(60):
            await asyncio.sleep(50)
            virtual.stall(20)
            async with run.phase(Phase.DELIVER):
                await asyncio.sleep(5)
        with pytest.raises(ProbeError):
            async with run.deadline(80):
                await asyncio.sleep(100)
        assert run.now() == pytest.approx(80)

    virtual.run(trip())


@pytest.mark.parametrize(("each", "turns"), [(0.0, 0), (SLICE / 10, 10), (SLICE, 100)])
def test_others_have_their_turn_after_each_slice_of_long_work_and_not_before(
    each: float, turns: int
) -> None:
    now = 0.0

    async def work() -> None:
        nonlocal now
        slices = Slices(lambda: now)
        for _ in range(100):
            now += each
            await slices.pause()

    assert with_pauses(work())[1] in (turns, turns - 1)


async def numbers(seconds: float = 0.0) -> list[int]:
    def items() -> Iterator[int]:
        for number in range(40):
            time.sleep(seconds)
            yield number

    return [one async for one in in_turns(items(), 10)]


def test_others_have_their_turn_after_some_items() -> None:
    assert with_pauses(numbers()) == ([*range(40)], 4)


async def test_others_have_their_turn_earlier_if_items_take_long() -> None:
    assert with_pauses(numbers(SLICE)) == ([*range(40)], 40)


def test_a_long_list_is_emptied_in_turns() -> None:
    items = [*range(3 * AT_A_TIME)]
    _, pauses = with_pauses(let_go(items))
    assert (items, pauses) == ([], 3)
