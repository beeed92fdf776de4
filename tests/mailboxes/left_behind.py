"""What a piece of work leaves behind in this process: tasks, sockets, files."""

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


async def until(claim: Callable[[], object], seconds: float = 30.0) -> None:
    """Returns when it is true. For what nobody tells: files on the disk, connections in other threads."""
    async with asyncio.timeout(seconds):
        while not claim():
            await asyncio.sleep(0.01)


def open_files() -> set[tuple[str, str]]:
    """The descriptors of this process and what they stand for."""
    gc.collect()
    found = set()
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            found.add((descriptor, os.readlink(f"/proc/self/fd/{descriptor}")))
        except FileNotFoundError:
            continue
    return found


@asynccontextmanager
async def nothing_left_behind() -> AsyncIterator[None]:
    """What happens inside must leave no task and no descriptor. The peers have a moment to see that we are gone."""
    tasks, files = asyncio.all_tasks(), open_files()
    yield
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == tasks
    try:
        await until(lambda: open_files() <= files, 10)
    except TimeoutError:
        raise AssertionError(f"left open: {open_files() - files}") from None
