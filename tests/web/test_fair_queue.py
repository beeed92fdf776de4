"""Work that clients wait for: in turns, within bounds, and only while somebody waits."""

import asyncio
from collections.abc import Callable

import pytest

from exporter.web.fair_queue import FairQueue, QueueFull


async def at_once(work: Callable[[], bool]) -> bool:
    return work()


class Crowd:
    """Clients in a queue, and whose work was done."""

    def __init__(self, limit: int = 6, limit_per_client: int = 4) -> None:
        self.queue = FairQueue(limit, limit_per_client)
        self.done: list[str] = []
        self.waiting: dict[str, asyncio.Task[bool]] = {}

    async def come(self, *names: str) -> None:
        """The first letter is the client, all of it what is asked for."""
        for name in names:
            self.waiting[name] = asyncio.create_task(self._wait(name))
            await asyncio.sleep(0)

    async def _wait(self, name: str) -> bool:
        def work() -> bool:
            self.done.append(name)
            return name != "bad"

        async with self.queue.job(name, name[0], work) as answer:
            return await asyncio.shield(answer)

    async def work(self) -> None:
        await self.queue.run(lambda work: asyncio.ensure_future(at_once(work)))

    async def busy(self) -> set[str]:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        finished = {
            name: task
            for name, task in self.waiting.items()
            if task.done() and not task.cancelled()
        }
        return {name for name, task in finished.items() if isinstance(task.exception(), QueueFull)}


async def test_clients_have_turns() -> None:
    crowd = Crowd()
    await crowd.come("a1", "a2", "a3", "b1", "bad", "c1")
    await crowd.work()
    assert crowd.done == ["a1", "b1", "c1", "a2", "bad", "a3"]
    assert [await crowd.waiting[name] for name in ("a1", "bad", "c1")] == [True, False, True]


async def test_a_client_has_so_many_places_and_no_more() -> None:
    crowd = Crowd()
    await crowd.come("a1", "a2", "a3", "a4", "a5", "b1")
    assert await crowd.busy() == {"a5"}


async def test_who_has_no_place_gets_one_of_who_has_most_and_two_of_the_same_do_not_count() -> None:
    crowd = Crowd()
    await crowd.come("a1", "a2", "a3", "a4", "b1", "b2", "b3")
    assert await crowd.busy() == {"b3"}
    await crowd.come("c1", "d1")
    assert await crowd.busy() == {"b3", "a4", "a3"}
    again = [asyncio.create_task(crowd._wait("a1")) for _ in range(50)]
    await asyncio.sleep(0)
    await crowd.work()
    assert sorted(crowd.done) == ["a1", "a2", "b1", "b2", "c1", "d1"]
    assert all([await task for task in again])


async def test_what_nobody_waits_for_is_not_done() -> None:
    crowd = Crowd()
    await crowd.come("a1", "b1", "b2")
    twice = asyncio.create_task(crowd._wait("b1"))
    await asyncio.sleep(0)
    for name in ("a1", "b1"):
        crowd.waiting[name].cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await crowd.work()
    assert crowd.done == ["b1", "b2"]
    assert await twice
    assert vars(crowd.queue)["_jobs"] == {}
    assert not vars(crowd.queue)["_queues"]


async def test_work_that_fails_is_an_error_for_who_waits_and_for_nobody_else() -> None:
    queue = FairQueue(9, 9)

    async def wait(what: str, work: Callable[[], bool]) -> bool:
        async with queue.job(what, "a", work) as answer:
            return await asyncio.shield(answer)

    def fail() -> bool:
        raise OSError("no")

    bad, good = (
        asyncio.create_task(wait("bad", fail)),
        asyncio.create_task(wait("good", lambda: True)),
    )
    await asyncio.sleep(0)
    await queue.run(lambda work: asyncio.ensure_future(at_once(work)))
    assert await good
    with pytest.raises(OSError, match="no"):
        await bad
