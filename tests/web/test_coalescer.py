"""Requests for the same answer at the same time share one."""

import asyncio
import gzip
import time
from collections.abc import Iterator
from functools import partial

import pytest

from exporter.metrics.text import Text
from exporter.web.bodies import LARGE
from exporter.web.coalescer import Coalescer


async def test_an_answer_is_made_once_for_simultaneous_requests_and_is_never_older_than_they() -> (
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


async def test_an_answer_that_fails_is_an_error_for_all_and_the_next_one_is_tried_again() -> None:
    coalescer = Coalescer()

    async def fail() -> Text:
        raise OSError

    for _ in range(2):
        results = await asyncio.gather(
            *(coalescer.get("a", fail) for _ in range(3)), return_exceptions=True
        )
        assert [type(result) for result in results] == [OSError] * 3


@pytest.mark.parametrize("one_at_a_time", [False, True])
async def test_only_answers_that_take_long_wait_for_each_other(one_at_a_time: bool) -> None:
    """Each wait for another is a turn of the event loop."""
    coalescer, turns, at_work, together = Coalescer(one_at_a_time=one_at_a_time), 0, 0, 0

    async def make() -> Text:
        nonlocal at_work, together
        at_work += 1
        together = max(together, at_work)
        await asyncio.sleep(0)
        at_work -= 1
        return Text()

    answers = asyncio.gather(*(coalescer.get(number, make) for number in range(100)))
    while not answers.done():
        await asyncio.sleep(0)
        turns += 1
    assert together == (1 if one_at_a_time else 100)
    assert (turns < 10) is not one_at_a_time
    assert not vars(coalescer)["_turns"]


class Watched(Text):
    """A large text that says how many of its kind are being compressed."""

    at_work = 0

    def pieces(self, size: int) -> Iterator[memoryview]:
        Watched.at_work += 1
        time.sleep(0.05)
        yield from super().pieces(size)
        Watched.at_work -= 1


async def test_nobody_makes_us_compress_more_than_one_text_at_a_time() -> None:
    coalescer, at_work = Coalescer(), list[int]()

    async def make() -> Text:
        at_work.append(Watched.at_work)
        return Watched([b"x" * 2 * LARGE])

    async def get() -> None:
        body = await coalescer.get("a", make, compressed=True)
        assert gzip.decompress(bytes(await body.compressed())) == b"x" * 2 * LARGE

    requests = set[asyncio.Task[None]]()
    for _ in range(20):
        requests.add(asyncio.create_task(get()))
        await asyncio.sleep(0.01)
    await asyncio.gather(*requests)
    assert set(at_work) == {0}
    assert 2 < len(at_work) < 20


@pytest.mark.parametrize("one_at_a_time", [False, True])
async def test_an_answer_that_nobody_waits_for_any_more_is_not_made(one_at_a_time: bool) -> None:
    """Else one client could ask for thousands within a second, and be gone."""
    coalescer, made, go = Coalescer(one_at_a_time=one_at_a_time), list[int](), asyncio.Event()

    async def make(number: int) -> Text:
        made.append(number)
        await go.wait()
        return Text()

    def request(number: int) -> "asyncio.Task[object]":
        key = number if one_at_a_time else 0
        return asyncio.create_task(coalescer.get(key, lambda: make(number)))

    first = request(0)
    await asyncio.sleep(0.01)
    for number in range(1, 100):
        gone = [request(number), request(number)]
        await asyncio.sleep(0)
        for one in gone:
            one.cancel()
    await asyncio.sleep(0.01)
    assert not vars(coalescer)["_next"]
    last = request(100)
    await asyncio.sleep(0.01)
    go.set()
    await asyncio.gather(first, last)
    assert made == [0, 100]


async def test_one_who_stays_gets_the_answer_that_others_no_longer_want() -> None:
    coalescer, go = Coalescer(one_at_a_time=True), asyncio.Event()

    async def make() -> Text:
        await go.wait()
        return Text([b"x"])

    first = asyncio.create_task(coalescer.get("a", make))
    await asyncio.sleep(0.01)
    gone, stays = (asyncio.create_task(coalescer.get("b", make)) for _ in range(2))
    await asyncio.sleep(0.01)
    gone.cancel()
    go.set()
    assert bytes((await stays).plain) == b"x"
    await first


async def test_a_client_that_wants_much_delays_only_itself() -> None:
    coalescer, made = Coalescer(one_at_a_time=True), list[int]()

    async def make(number: int) -> Text:
        made.append(number)
        await asyncio.sleep(0)
        return Text()

    requests = [
        asyncio.create_task(coalescer.get(number, partial(make, number), client="greedy"))
        for number in range(50)
    ]
    await asyncio.sleep(0)
    modest = coalescer.get(1000, partial(make, 1000), client="modest")
    await asyncio.gather(modest, *requests)
    assert made.index(1000) < 4
