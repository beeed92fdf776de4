"""How late the process was, by a timer of the event loop."""

import asyncio

import pytest

from exporter.core.timing.fairness import NOTICEABLE
from exporter.core.timing.lateness import GAP, MOST_KEPT, Lateness
from tests.support import virtual_time as virtual

BLIND = GAP + 0.001  # within a gap between two ticks nothing is seen


def test_a_stall_is_seen_where_it_was_and_nowhere_else() -> None:
    async def course() -> None:
        with Lateness() as lateness:
            await asyncio.sleep(10)
            assert lateness.between(0, 10) == 0
            virtual.stall(3)
            await asyncio.sleep(7)
            assert lateness.between(0, 20) == pytest.approx(3, abs=BLIND)
            assert lateness.between(0, 10) == 0
            assert lateness.between(11, 12) == 1
            assert lateness.between(12, 20) == 1
            assert lateness.between(13.1, 20) == 0

    virtual.run(course())


def test_a_stall_is_known_to_those_that_run_before_the_late_tick() -> None:
    async def course() -> None:
        with Lateness() as lateness:
            await asyncio.sleep(0.01)
            virtual.stall(5)
            assert lateness.between(0, 5.01) == pytest.approx(5, abs=BLIND)
            assert lateness.between(4, 5) == 1
        assert lateness.between(0, 5.01) == 0  # nothing was measured

    virtual.run(course())


def test_a_timer_that_is_a_little_late_is_well() -> None:
    async def course() -> None:
        with Lateness() as lateness:
            for _ in range(100):
                virtual.stall(GAP + NOTICEABLE / 2)
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            assert lateness.between(0, asyncio.get_running_loop().time()) == 0

    virtual.run(course())


@pytest.mark.slow
def test_an_overload_of_days_takes_no_more_memory_and_sums_stay_right() -> None:
    async def course() -> None:
        loop = asyncio.get_running_loop()
        with Lateness() as lateness:
            for _ in range(MOST_KEPT + 10):
                virtual.stall(2 * GAP)
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            now = loop.time()
            assert lateness.between(now - 100, now) == pytest.approx(50, rel=0.01)

    virtual.run(course())
