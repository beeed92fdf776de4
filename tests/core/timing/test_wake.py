"""What ends the sleep of a task."""

import asyncio

from exporter.core.timing.wake import Wake
from tests.support import virtual_time as virtual


class WakeRig(Wake):
    async def close(self) -> None:
        """Nothing is open."""


async def slept(wake: Wake, seconds: float) -> float:
    began = asyncio.get_running_loop().time()
    await wake.sleep(seconds)
    return asyncio.get_running_loop().time() - began


@virtual.on_a(WakeRig)
async def test_a_sleep_ends_when_its_time_is_over(wake: Wake) -> None:
    assert await slept(wake, 5) == 5
    assert not wake.is_set()


@virtual.on_a(WakeRig)
async def test_a_set_wake_ends_this_sleep_and_those_that_follow(wake: Wake) -> None:
    asyncio.get_running_loop().call_later(2, wake.set)
    assert [await slept(wake, 5), await slept(wake, 5)] == [2, 0]
    wake.clear()
    assert await slept(wake, 5) == 5


@virtual.on_a(WakeRig)
async def test_a_ring_ends_only_the_sleep_in_progress(wake: Wake) -> None:
    wake.ring()
    asyncio.get_running_loop().call_later(2, wake.ring)
    assert [await slept(wake, 5), await slept(wake, 5)] == [2, 5]
    assert not wake.is_set()


@virtual.on_a(WakeRig)
async def test_a_cancelled_sleep_leaves_nothing(wake: Wake) -> None:
    sleeping = asyncio.ensure_future(wake.sleep(5))
    await asyncio.sleep(1)
    sleeping.cancel()
    await asyncio.wait([sleeping])
    assert sleeping.cancelled()
    assert await slept(wake, 10) == 10


@virtual.on_a(WakeRig)
async def test_other_tasks_run_during_a_sleep_that_ends_at_once(wake: Wake) -> None:
    wake.set()
    other = asyncio.ensure_future(asyncio.sleep(0))
    await wake.sleep(5)
    await asyncio.sleep(0)
    assert other.done()
