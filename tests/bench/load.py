"""Trips at a given rate, and the processor time that they cost this process."""

import asyncio
import gc
import resource
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

AT_ONCE = 20  # trips in progress, when they are made as fast as possible

Trip = Callable[[], Awaitable[bool]]
"""Makes one trip; says whether it was good."""


@dataclass(frozen=True, slots=True)
class Load:
    """So many trips, at a rate in trips per second; without one as fast as it goes."""

    trips: int
    rate: float | None = None

    def __str__(self) -> str:
        return f"{self.rate:g} trips/s" if self.rate else "as fast as it goes"


@dataclass(frozen=True, slots=True)
class Cost:
    """What a load has cost."""

    cpu: float  # seconds for each trip, of all threads
    rate: float  # trips per second that were reached
    good: int
    trips: int

    @property
    def milliseconds(self) -> float:
        return self.cpu * 1000


def cpu() -> float:
    """Seconds of processor time of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def cost_of(load: Load, trip: Trip) -> Cost:
    """Makes the trips."""
    gc.collect()
    began, wall = cpu(), time.perf_counter()
    good = sum(
        await (_paced(load.trips, load.rate, trip) if load.rate else _fast(load.trips, trip))
    )
    took = time.perf_counter() - wall
    return Cost((cpu() - began) / load.trips, load.trips / took, good, load.trips)


async def _paced(trips: int, rate: float, trip: Trip) -> list[bool]:
    async def later(number: int) -> bool:
        await asyncio.sleep(number / rate)
        return await trip()

    return await asyncio.gather(*(later(number) for number in range(trips)))


async def _fast(trips: int, trip: Trip) -> list[bool]:
    turn = asyncio.Semaphore(AT_ONCE)

    async def one() -> bool:
        async with turn:
            return await trip()

    return await asyncio.gather(*(one() for _ in range(trips)))
