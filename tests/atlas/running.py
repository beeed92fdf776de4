"""Makes the trips of many rows at once, and of those that pull a lever one lever after the
other."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import TypeVar

from tests.atlas.privileges import without_privileges
from tests.atlas.table import Disturbance, Fault, Lever
from tests.atlas.world import World
from tests.lab.client import Lab

AT_ONCE = 12  # rows; a row that waits costs nothing, one that does not is over soon

Row = TypeVar("Row", Fault, Disturbance)
Result = TypeVar("Result")


def run_all(
    rows: Sequence[Row],
    lab: Lab,
    directory: Path,
    course: Callable[[Row, World], Awaitable[Result]],
) -> dict[str, Result | Exception]:
    """What each row comes to, by its name."""
    by_lever: dict[Lever, list[Row]] = defaultdict(list)
    for row in rows:
        by_lever[row.lever].append(row)
    results: dict[str, Result | Exception] = {}
    for lever in sorted(by_lever, key=lambda lever: lever.value):
        for group in (
            [[row] for row in by_lever[lever]] if lever is Lever.ALONE else [by_lever[lever]]
        ):
            with pulled(lever, lab):
                results |= asyncio.run(_together(group, lab, directory, course))
    return results


async def _together(
    rows: Sequence[Row],
    lab: Lab,
    directory: Path,
    course: Callable[[Row, World], Awaitable[Result]],
) -> dict[str, Result | Exception]:
    places = asyncio.Semaphore(AT_ONCE)

    async def one(row: Row) -> Result | Exception:
        async with places, AsyncExitStack() as stack:
            own = directory / f"row-{abs(hash(row.name))}"
            own.mkdir()
            # The other rows go on meanwhile.
            user = await asyncio.to_thread(stack.enter_context, lab.fresh_user())
            world = World(lab, user, own, stack)
            try:
                return await course(row, world)
            except Exception as problem:
                logging.getLogger(__name__).exception("%s", row.name)
                return problem

    return dict(zip([row.name for row in rows], await asyncio.gather(*map(one, rows)), strict=True))


@contextmanager
def pulled(lever: Lever, lab: Lab) -> Iterator[None]:
    """The lever is pulled, and put back."""
    levers = {
        Lever.CERTIFICATES: lab.expire_certificates,
        Lever.STORE: lambda: lab.stop("store"),
        Lever.MX: lambda: lab.stop("mx"),
        Lever.QUEUE: lab.pause_delivery,
    }
    if lever in levers:
        levers[lever]()
    try:
        with without_privileges() if lever is Lever.PRIVILEGES else nullcontext():
            yield
    finally:
        lab.put_levers_back()
