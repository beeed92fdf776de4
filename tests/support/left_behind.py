"""What a piece of work leaves behind in this process: tasks, sockets, files, children, errors that
nobody heard."""

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any


async def until(claim: Callable[[], object], seconds: float = 30.0) -> None:
    """Returns when it is true. For what nobody tells: files on the disk, connections in other
    threads."""
    pause = 0.0005
    async with asyncio.timeout(seconds):
        while not claim():
            await asyncio.sleep(pause)
            pause = min(2 * pause, 0.01)


@asynccontextmanager
async def nothing_left_behind() -> AsyncIterator[None]:
    """In the end there is nothing that was not there before. The peers have a moment to see that we
    are gone."""
    errors: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
    gc.freeze()  # at the end, only what came since is looked through
    tasks, files, born = asyncio.all_tasks(), open_files(), children()

    def left() -> list[object]:
        return [
            *(asyncio.all_tasks() - tasks),
            *(open_files() - files),
            *(children() - born),
        ]

    yield
    try:
        await until(lambda: not left(), 10)
    except TimeoutError:
        raise AssertionError(f"left behind: {left()}") from None
    gc.collect()
    assert errors == []


def open_files() -> set[tuple[str, str]]:
    """The descriptors of this process and what they stand for."""
    found = set()
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            found.add((descriptor, os.readlink(f"/proc/self/fd/{descriptor}")))
        except FileNotFoundError:  # the listing's own
            continue
    return found


def children() -> set[int]:
    """Zombies too."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:  # there are none: most often, and all of /proc need not be read
        return set()
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        if parent == os.getpid():
            found.add(int(stat.parent.name))
    return found
