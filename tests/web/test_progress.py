"""How far a connection has come, and when it is dropped for taking too long."""

import asyncio
from collections.abc import Callable
from functools import partial

from exporter.metrics.text import Text
from exporter.web.progress import Progress, State
from tests.support import virtual_time as virtual

ANSWER = Text([b"200"])


def test_a_connection_goes_from_new_to_answering_to_idle() -> None:
    async def course() -> None:
        progress, states = Progress(lambda: None, stalled=10), list[State]()
        steps: list[Callable[[], None]] = [
            partial(progress.expect_request, 5),
            progress.answer_request,
            partial(progress.expect_reading, ANSWER, 5),
            progress.stall,
            progress.unstall,
            partial(progress.expect_request, 5),
        ]
        for step in steps:
            step()
            states.append(progress.state)
        progress.end()
        answering = [State.ANSWERING, State.ANSWERING]
        assert states == [State.NEW, *answering, State.STALLED, State.ANSWERING, State.IDLE]
        assert not progress.answer

    virtual.run(course())


def test_a_client_is_dropped_that_takes_too_long_and_not_while_we_take_our_time() -> None:
    async def dropped_after(*, answering: bool, paused: bool) -> float:
        loop = asyncio.get_running_loop()
        began, dropped = loop.time(), loop.create_future()
        progress = Progress(lambda: dropped.set_result(loop.time() - began), stalled=10)
        progress.expect_request(5)
        if answering:
            progress.answer_request()
            await asyncio.sleep(100)
            progress.expect_reading(ANSWER, 20)
        if paused:
            progress.stall()
        seconds: float = await dropped
        progress.end()
        return round(seconds, 3)

    async def course() -> None:
        assert await dropped_after(answering=False, paused=False) == 5
        assert await dropped_after(answering=True, paused=False) == 120
        assert await dropped_after(answering=True, paused=True) == 110

    virtual.run(course())
