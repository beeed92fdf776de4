"""Requests for the same answer at the same time share one."""

import asyncio

from exporter.metrics.text import Text
from exporter.web.coalescer import Coalescer


async def test_an_answer_is_made_once_for_all_who_ask_together_and_is_never_older_than_its_question() -> (
    None
):
    coalescer, made, go = Coalescer(), list[int](), asyncio.Event()

    async def make() -> Text:
        made.append(len(made))
        await go.wait()
        return Text([b"%d" % made[-1]])

    first = asyncio.create_task(coalescer.get("a", make))
    await asyncio.sleep(0.01)
    later = [asyncio.create_task(coalescer.get("a", make)) for _ in range(50)]
    await asyncio.sleep(0.01)
    assert made == [0]
    later.pop().cancel()
    go.set()
    assert bytes((await first).plain) == b"0"
    assert {bytes((await one).plain) for one in later} == {b"1"}
    assert made == [0, 1]
    assert not vars(coalescer)["_next"]


async def test_an_answer_that_cannot_be_made_is_everybodys_error_and_the_next_one_is_tried_again() -> (
    None
):
    coalescer = Coalescer()

    async def fail() -> Text:
        raise OSError

    for _ in range(2):
        results = await asyncio.gather(
            *(coalescer.get("a", fail) for _ in range(3)), return_exceptions=True
        )
        assert [type(result) for result in results] == [OSError] * 3
