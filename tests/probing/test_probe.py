"""A probe: its newest trip, and when the next one is due."""

import asyncio

from exporter.core.model import Failure, Outcome
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.probing.probe import Probe
from exporter.probing.scheduler import Scheduler
from exporter.state.commits import GATHER
from tests.support import virtual_time as virtual
from tests.support.prober_rig import INTERVAL, KEY, ProberRig

RECHECK = 60.0


class RecheckRig(ProberRig):
    """A probe that is scheduled, and checked again soon after a failure."""

    def __init__(self) -> None:
        super().__init__()
        self.probe.name, self.probe.interval_after_failure = "gmail", RECHECK
        self.starts: list[float] = []
        scheduler = Scheduler(self.prober, self.clock, lambda: [self.probe])
        self._beating = asyncio.create_task(scheduler.run())

    async def watch(self, seconds: float) -> list[float]:
        """When trips start within that time."""
        end, starts = self.clock.monotonic() + seconds, set[float]()
        while self.clock.monotonic() < end:
            starts.add(self.probe.last_start)
            await asyncio.sleep(1)
        return sorted(one for one in starts if one >= 0)

    async def close(self) -> None:
        self._beating.cancel()
        await super().close()


def outcome(trip: str, failure: Reason | None = None) -> Outcome:
    failed = Failure(Phase.SEND, None, failure) if failure else None
    return Outcome(trip, KEY, 0.0, 1.0, failure=failed)


@virtual.on_a(RecheckRig)
async def test_a_failing_probe_is_checked_again_soon_until_it_succeeds(bench: RecheckRig) -> None:
    bench.sender.refusal = Reason.CONNECT
    assert [round(one) for one in await bench.watch(200)] == [0, 60, 120, 180]
    bench.sender.refusal = None
    assert [round(one) for one in await bench.watch(900)] == [180, 240, 540, 840]


@virtual.on_a(RecheckRig)
async def test_a_healthy_probe_makes_not_one_trip_more(bench: RecheckRig) -> None:
    assert [round(one) for one in await bench.watch(1000)] == [0, 300, 600, 900]


@virtual.on_a(RecheckRig)
async def test_a_message_that_is_overdue_is_followed_at_once_by_the_next(bench: RecheckRig) -> None:
    bench.sender.delay = 10_000  # seconds until a message arrives
    starts = [round(one) for one in await bench.watch(730)]
    assert starts == [0, 300, 600, 660, 720]


@virtual.on_a(ProberRig)
async def test_a_scrape_makes_a_trip_soon_after_a_failure(bench: ProberRig) -> None:
    bench.probe.interval_after_failure = RECHECK
    bench.sender.refusal = Reason.CONNECT
    await bench.prober.scrape(bench.probe, 10)
    first = bench.probe.last_start
    await asyncio.sleep(RECHECK / 2)
    await bench.prober.scrape(bench.probe, 10)
    assert bench.probe.last_start == first
    await asyncio.sleep(RECHECK / 2)
    await bench.prober.scrape(bench.probe, 10)
    assert bench.probe.last_start > first


@virtual.on_a(ProberRig)
async def test_our_own_overload_is_no_reason_for_more_trips(bench: ProberRig) -> None:
    bench.probe.interval_after_failure = RECHECK
    bench.probe.show(outcome("a", Reason.STARVED))
    bench.probe.last_start = 0.0
    assert not bench.probe.due(RECHECK)
    assert bench.probe.due(INTERVAL)


@virtual.on_a(ProberRig)
async def test_the_newest_trip_is_the_one_that_started_last(bench: ProberRig) -> None:
    bench.probe.show(outcome("later"), started=20.0)
    bench.probe.show(outcome("earlier", Reason.TIMEOUT), started=10.0)
    assert bench.probe.newest == outcome("later")
    assert not bench.probe.is_failing
    assert [one.success for one in bench.probe.history] == [True, False]


@virtual.on_a(ProberRig)
async def test_a_message_that_never_came_does_not_hide_later_ones_that_came(
    bench: ProberRig,
) -> None:
    bench.sender.delay = 10_000
    lost = bench.prober.start(bench.probe)
    await asyncio.sleep(INTERVAL)
    bench.sender.delay = 5
    assert (await bench.prober.start(bench.probe)).success
    failed = await lost
    assert failed.failure
    series = bench.series()
    assert series["mailtrip_success"] == 1
    assert series["probe_success"] == 1
    assert series['mailtrip_failures_total{phase="deliver",reason="overdue"}'] == 1
    assert not any(name.startswith("mailtrip_last_failure_info") for name in series)
    await asyncio.sleep(GATHER)
    (known,) = bench.store.last_known()
    assert known.outcome.success
    assert [one.success for one in known.history] == [True, False]
    assert (await bench.store.outcome(failed.trip)) is not None


@virtual.on_a(ProberRig)
async def test_of_two_that_fail_at_once_one_is_checked_again_a_little_later(
    bench: ProberRig,
) -> None:
    other = Probe(KEY, bench.probe.check, INTERVAL, 600, 30, "other", RECHECK)
    other.recheck_slots = bench.probe.recheck_slots
    bench.probe.interval_after_failure = RECHECK
    for probe in (bench.probe, other):
        probe.last_start = 0.0
        probe.show(outcome("a", Reason.CONNECT))
    assert [probe.recheck_at() for probe in (bench.probe, other, bench.probe)] == [60, 61, 60]
    assert other.next_start < 61
