"""The clock that the tests jump with."""

import asyncio
import time

from tests.support import virtual_time as virtual


def test_the_work_of_a_thread_takes_no_virtual_time() -> None:
    async def course() -> float:
        async with asyncio.timeout(600):
            await asyncio.to_thread(time.sleep, 0.05)
        return virtual.clock().monotonic()

    assert virtual.run(course()) == 0
