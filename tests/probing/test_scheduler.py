import asyncio

import pytest

from exporter.probing.scheduler import Scheduler, splay
from tests.support import virtual_time as virtual
from tests.support.prober_rig import INTERVAL, ProberRig


def test_the_splay_is_the_same_at_every_start_and_spreads_many_probes() -> None:
    splays = [splay(f"probe{n}", 300, 1000) for n in range(1000)]
    assert splays == [splay(f"probe{n}", 300, 1000) for n in range(1000)]
    assert all(0 <= one < 100 for one in splays)
    fullest = max(sum(second <= one < second + 1 for one in splays) for second in range(100))
    assert fullest < 30  # of a thousand probes that start within 100 s


def test_a_single_probe_starts_at_once_and_no_splay_exceeds_the_interval() -> None:
    assert splay("self", 15, 1) == 0
    assert max(splay(f"probe{n}", 15, 10_000) for n in range(1000)) < 15


def test_a_beat_is_kept_and_a_scrape_s_trip_counts_for_it() -> None:
    async def course() -> None:
        rig = ProberRig()
        rig.probe.name = "gmail"
        beating = asyncio.create_task(Scheduler(rig.prober, rig.clock, lambda: [rig.probe]).run())
        await asyncio.sleep(10 * INTERVAL + 10)
        assert len(rig.sender.sent) == 11
        await rig.prober.scrape(rig.probe, 1)
        assert len(rig.sender.sent) == 11
        beating.cancel()
        await rig.close()

    virtual.run(course())


def test_after_a_restart_the_beat_goes_on_from_the_last_trip() -> None:
    async def course() -> None:
        rig = ProberRig()
        rig.probe.name = "gmail"
        rig.probe.schedule.last_start = rig.clock.monotonic() - 100
        beating = asyncio.create_task(Scheduler(rig.prober, rig.clock, lambda: [rig.probe]).run())
        await asyncio.sleep(190)
        assert rig.sender.sent == []
        await asyncio.sleep(20)
        assert len(rig.sender.sent) == 1
        beating.cancel()
        await rig.close()

    virtual.run(course())


def test_a_late_beat_is_followed_by_one_trip_not_by_all_that_were_missed() -> None:
    async def course() -> None:
        rig = ProberRig()
        rig.probe.schedule.last_start = rig.clock.monotonic() - 10 * INTERVAL
        beating = asyncio.create_task(Scheduler(rig.prober, rig.clock, lambda: [rig.probe]).run())
        await asyncio.sleep(20)
        assert len(rig.sender.sent) == 1
        beating.cancel()
        await rig.close()

    virtual.run(course())


@pytest.mark.parametrize("early", [0.0, 0.4])
def test_a_trip_is_due_a_little_before_its_interval_is_over(early: float) -> None:
    async def course() -> None:
        rig = ProberRig()
        rig.probe.schedule.last_start = 0.0
        assert rig.probe.schedule.due(INTERVAL - early)
        assert not rig.probe.schedule.due(INTERVAL - 0.6)
        await rig.close()

    virtual.run(course())
