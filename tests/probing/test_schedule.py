import asyncio
from math import inf

import pytest

from exporter.probing.rechecks import SPACING, RecheckSlots
from exporter.probing.schedule import MOST_SLACK, Schedule


def failing(interval_after_failure: float, slots: RecheckSlots | None = None) -> Schedule:
    schedule = Schedule(300, interval_after_failure, slots=slots or RecheckSlots())
    schedule.start(0.0)
    schedule.judge(failing=True)
    return schedule


@pytest.mark.parametrize(("interval", "slack"), [(300, MOST_SLACK), (4, 0.2)])
def test_a_trip_may_start_a_little_early(interval: float, slack: float) -> None:
    schedule = Schedule(interval)
    schedule.start(0.0)
    assert not schedule.due(interval - slack - 0.01)
    assert schedule.due(interval - slack + 0.01)


def test_a_failure_is_checked_again_earlier_and_its_interval_goes_on() -> None:
    schedule = failing(60)
    assert (schedule.due_at, schedule.following) == (60, 300)
    assert schedule.start(60.0)
    assert not schedule.start(300.0)
    schedule.judge(failing=False)
    assert schedule.due_at == 600


def test_an_interval_after_failure_that_is_not_shorter_changes_nothing() -> None:
    for longer in (300, 600, inf):
        assert failing(longer).due_at == 300


def test_what_fails_at_once_is_checked_one_after_the_other() -> None:
    slots = RecheckSlots()
    schedules = [failing(60, slots) for _ in range(3)]
    for _ in range(2):  # a slot is kept
        assert [one.due_at for one in schedules] == [60, 60 + SPACING, 60 + 2 * SPACING]


def test_a_request_is_for_one_trip_after_the_gap_while_none_is_in_progress() -> None:
    schedule = Schedule(300, gap=10)
    schedule.start(0.0)
    assert not schedule.request(9.0, busy=False)
    assert not schedule.request(10.0, busy=True)
    assert schedule.request(10.0, busy=False)
    assert schedule.due(10.0)
    schedule.start(10.0)
    assert not schedule.due(20.0)


def test_a_trip_of_an_earlier_process_counts_unless_a_newer_one_is_known() -> None:
    schedule = Schedule(300)
    assert schedule.due(0.0)
    schedule.resume(-100.0)
    schedule.resume(-200.0)
    assert schedule.due_at == 200


async def test_whoever_waits_is_woken_only_when_another_interval_applies() -> None:
    schedule = failing(60)
    waiting = asyncio.ensure_future(schedule.changed.sleep(3600))
    await asyncio.sleep(0)
    for failing_then in (True, False):
        assert not waiting.done()
        schedule.judge(failing=failing_then)
        await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await waiting
