"""How soon a failure is confirmed, and a recovery seen, by the series that MailtripFailing
tests."""

import asyncio
from itertools import pairwise

import pytest

from exporter.probing.scheduler import Scheduler
from tests.probing.test_planned_trips import PlannedServer, shown
from tests.support import virtual_time as virtual
from tests.support.prober_rig import INTERVAL, ProberRig

RECHECK, DURATION = 60.0, 1.0  # seconds


@pytest.mark.slow
@pytest.mark.parametrize("down", [(1000.0, 2000.0), (1201.0, 1600.0), (1499.0, 3000.0)])
def test_two_failures_in_a_row_come_within_a_recheck_and_healthy_probes_send_no_more(
    down: tuple[float, float],
) -> None:
    """From the start of the outage, with an interval of 5 minutes; so does its end."""
    sent = list[float]()

    class Counted(PlannedServer):
        async def run(self, run: object) -> None:
            sent.append(self.clock.monotonic())
            await super().run(run)  # type: ignore[arg-type]

    async def course() -> None:
        rig = ProberRig()
        rig.probe.name, rig.probe.check = "gmail", Counted(rig.clock, (down,))
        rig.probe.schedule.interval_after_failure = RECHECK
        beating = asyncio.create_task(Scheduler(rig.prober, rig.clock, lambda: [rig.probe]).run())
        confirmed, over = list[float](), list[float]()
        while (now := rig.clock.monotonic()) < 2 * 3600:
            failures = (await shown(rig))["mailtrip_consecutive_failures"]
            if failures >= 2:
                confirmed.append(now)
            elif confirmed:
                over.append(now)
            await asyncio.sleep(1)
        beating.cancel()
        await rig.close()
        first = next(at for at in sent if at + DURATION >= down[0])
        assert confirmed[0] - first <= RECHECK + DURATION + 2
        assert over[0] - down[1] <= RECHECK + DURATION + 2
        healthy = [at for at in sent if at < first or at > over[0]]
        assert len(healthy) <= 2 * 3600 / INTERVAL + 1
        assert max(b - a for a, b in pairwise(sent)) <= INTERVAL + 1

    virtual.run(course())
