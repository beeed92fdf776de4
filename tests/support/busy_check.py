"""A check that computes, in virtual time: it never waits for long, so many of them make an
overload."""

import asyncio

from exporter.checks.check import QueryCheck
from exporter.core.phases import Phase
from exporter.core.trace.run import Run
from tests.support import virtual_time as virtual


class BusyCheck(QueryCheck):
    """Each of its `pieces` takes so many seconds of the processor; between two of them it waits for
    a server that is quick."""

    blocklists: tuple[str, ...] = ("bl.example.org",)

    def __init__(self, pieces: int = 20, cost: float = 0.002) -> None:
        self._pieces = pieces
        self._cost = cost

    async def run(self, run: Run) -> None:
        async with run.phase(Phase.VERIFY):
            for _ in range(self._pieces):
                await asyncio.sleep(0.001)
                virtual.stall(self._cost)
