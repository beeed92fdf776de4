"""A probe: its newest trip, and when the next one is due."""

import asyncio
from math import inf

from exporter.core.model import Failure, Outcome
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.trace.run import Run
from exporter.probing.probe import Probe
from exporter.probing.schedule import Schedule
from exporter.probing.scheduler import Scheduler
from exporter.state.commits import GATHER
from tests.support import virtual_time as virtual
from tests.support.prober_rig import INTERVAL, KEY, ProberRig

RECHECK = 60.0


class RecheckRig(ProberRig):
    """A probe that is scheduled, and checked again soon after a failure."""

    def __init__(self) -> None:
        super().__init__()
        self.probe.name, self.probe.schedule.interval_after_failure = "gmail", RECHECK
        self.starts: list[float] = []
        scheduler = Scheduler(self.prober, self.clock, lambda: [self.probe])
        self._beating = asyncio.create_task(scheduler.run())

    async def watch(self, seconds: float) -> list[float]:
        """When trips start within that time."""
        end, starts = self.clock.monotonic() + seconds, set[float]()
        while self.clock.monotonic() < end:
            starts.add(self.probe.schedule.last_start)
            await asyncio.sleep(1)
        return sorted(one for one in starts if one >= 0)

    async def close(self) -> None:
        self._beating.cancel()
        await super().close()


def outcome(trip: str, failure: Reason | None = None) -> Outcome:
    failed = Failure(Phase.SEND, None, failure) if failure else None
    return Outcome(trip, KEY, 0.0, 1.0, failure=failed)


@virtual.on_a(RecheckRig)
async def test_a_failing_probe_is_checked_again_soon_until_it_succeeds(rig: RecheckRig) -> None:
    rig.sender.refusal = Reason.CONNECT
    assert [round(one) for one in await rig.watch(200)] == [0, 60, 120, 180]
    rig.sender.refusal = None
    assert [round(one) for one in await rig.watch(900)] == [180, 240, 540, 840]


@virtual.on_a(RecheckRig)
async def test_a_healthy_probe_makes_not_one_trip_more(rig: RecheckRig) -> None:
    assert [round(one) for one in await rig.watch(1000)] == [0, 300, 600, 900]


@virtual.on_a(RecheckRig)
async def test_a_message_that_is_overdue_is_followed_at_once_by_the_next(rig: RecheckRig) -> None:
    rig.sender.delay = 10_000  # seconds until a message arrives
    starts = [round(one) for one in await rig.watch(730)]
    assert starts == [0, 300, 600, 660, 720]


@virtual.on_a(ProberRig)
async def test_a_scrape_makes_a_trip_soon_after_a_failure(rig: ProberRig) -> None:
    rig.probe.schedule.interval_after_failure = RECHECK
    rig.sender.refusal = Reason.CONNECT
    await rig.prober.scrape(rig.probe, 10)
    first = rig.probe.schedule.last_start
    await asyncio.sleep(RECHECK / 2)
    await rig.prober.scrape(rig.probe, 10)
    assert rig.probe.schedule.last_start == first
    await asyncio.sleep(RECHECK / 2)
    await rig.prober.scrape(rig.probe, 10)
    assert rig.probe.schedule.last_start > first


@virtual.on_a(ProberRig)
async def test_our_own_overload_is_no_reason_for_more_trips(rig: ProberRig) -> None:
    rig.probe.schedule.interval_after_failure = RECHECK
    rig.probe.show(outcome("a", Reason.STARVED))
    rig.probe.schedule.last_start = 0.0
    assert not rig.probe.schedule.due(RECHECK)
    assert rig.probe.schedule.due(INTERVAL)


@virtual.on_a(ProberRig)
async def test_the_newest_trip_is_the_one_that_started_last(rig: ProberRig) -> None:
    rig.probe.show(outcome("later"), started=20.0)
    rig.probe.show(outcome("earlier", Reason.TIMEOUT), started=10.0)
    assert rig.probe.newest == outcome("later")
    assert not rig.probe.schedule.is_failing
    assert [one.success for one in rig.probe.history] == [True, False]


@virtual.on_a(ProberRig)
async def test_a_message_that_never_came_does_not_hide_later_ones_that_came(
    rig: ProberRig,
) -> None:
    rig.sender.delay = 10_000
    lost = rig.prober.start(rig.probe)
    await asyncio.sleep(INTERVAL)
    rig.sender.delay = 5
    assert (await rig.prober.start(rig.probe)).success
    failed = await lost
    assert failed.failure
    series = rig.series()
    assert series["mailtrip_success"] == 1
    assert series["probe_success"] == 1
    assert series['mailtrip_failures_total{phase="deliver",reason="overdue"}'] == 1
    assert not any(name.startswith("mailtrip_last_failure_info") for name in series)
    await asyncio.sleep(GATHER)
    (known,) = rig.store.last_known()
    assert known.outcome.success
    assert [one.success for one in known.history] == [True, False]
    assert (await rig.store.outcome(failed.trip)) is not None


@virtual.on_a(ProberRig)
async def test_of_two_that_fail_at_once_one_is_checked_again_a_little_later(
    rig: ProberRig,
) -> None:
    other = Probe(KEY, rig.probe.check, Schedule(INTERVAL, RECHECK), 600, 30, "other")
    other.schedule.slots = rig.probe.schedule.slots
    rig.probe.schedule.interval_after_failure = RECHECK
    for probe in (rig.probe, other):
        probe.schedule.last_start = 0.0
        probe.show(outcome("a", Reason.CONNECT))
    assert [probe.schedule.recheck_at() for probe in (rig.probe, other, rig.probe)] == [60, 61, 60]
    assert other.schedule.next_start < 61


@virtual.on_a(ProberRig)
async def test_the_oldest_trip_in_progress_may_be_one_that_continues_after_a_restart(
    rig: ProberRig,
) -> None:
    begun = rig.prober.start(rig.probe)
    (trip,) = rig.probe.runs
    earlier = Run(rig.clock)
    earlier.started -= 100
    rig.probe.begin_flight("earlier", begun, earlier)
    assert rig.probe.oldest("another") == earlier.started
    assert rig.probe.oldest("earlier") == rig.probe.runs[trip].started
    rig.probe.end_flight("earlier")
    assert rig.probe.oldest(trip) == inf
