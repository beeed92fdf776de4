"""Trips that end in a window of planned maintenance are counted apart."""

import asyncio
from dataclasses import dataclass

import pytest

from exporter.checks.check import QueryCheck
from exporter.core.availability.maintenance import Maintenance
from exporter.core.availability.window import Once, Window
from exporter.core.model import ProbeError
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.timing.clock import Clock
from exporter.core.trace.run import Run
from exporter.probing.scheduler import Scheduler
from tests.support import virtual_time as virtual
from tests.support.prober_rig import INTERVAL, ProberRig

HOUR, DAY = 3600.0, 86400.0
PLANNED = (10 * DAY + 100, 10 * DAY + 100 + 2 * HOUR)  # since the start
UNPLANNED = (20 * DAY - 1, 20 * DAY + 299)


def maintenance(*span: float) -> Maintenance:
    start, end = (virtual.BEGIN + moment for moment in span)
    return Maintenance([Window("move", ("gmail",), Once(start, end))])


@dataclass
class PlannedServer(QueryCheck):
    """What a trip of a pretended check asks: it is down in these spans."""

    clock: Clock
    down: tuple[tuple[float, float], ...]

    async def run(self, run: Run) -> None:
        async with run.phase(Phase.SEND):
            await asyncio.sleep(1)
            now = self.clock.monotonic()
            if any(start <= now < end for start, end in self.down):
                raise ProbeError(Reason.CONNECT, "down")


@dataclass
class Month:
    """What Prometheus would know of thirty days."""

    series: dict[str, float]
    planned_time: float  # seconds in which mailtrip_maintenance was 1

    def total(self, name: str) -> float:
        return sum(value for one, value in self.series.items() if one.partition("{")[0] == name)


def a_month(windows: Maintenance | None) -> Month:
    async def course() -> Month:
        rig, seconds = ProberRig(maintenance=windows), 0.0
        rig.probe.name = "gmail"
        rig.probe.check = PlannedServer(rig.clock, (PLANNED, UNPLANNED))
        rig.probe.schedule.interval_after_failure = 60
        beating = asyncio.create_task(Scheduler(rig.prober, rig.clock, lambda: [rig.probe]).run())
        while rig.clock.monotonic() < 30 * DAY:
            await asyncio.sleep(INTERVAL)
            if windows:
                seconds += INTERVAL * await in_maintenance(rig)
        beating.cancel()
        month = Month(await shown(rig), seconds)
        await rig.close()
        return month

    return virtual.run(course())


async def page(rig: ProberRig) -> str:
    return bytes(await rig.metrics.probe(rig.probe.key)).decode()


async def in_maintenance(rig: ProberRig) -> float:
    """The series, without reading a hundred others each time."""
    return float((await page(rig)).partition("\nmailtrip_maintenance ")[2].partition("\n")[0])


async def shown(rig: ProberRig) -> dict[str, float]:
    lines = (
        line.rpartition(" ") for line in (await page(rig)).splitlines() if not line.startswith("#")
    )
    return {name: float(value) for name, _, value in lines}


@pytest.mark.slow
def test_thirty_days_with_two_planned_hours_and_five_minutes_read_99_99_percent() -> None:
    month = a_month(maintenance(*PLANNED))
    unplanned = month.series['mailtrip_outage_seconds_total{planned="false"}']
    planned = month.series['mailtrip_outage_seconds_total{planned="true"}']
    assert unplanned == pytest.approx(300, abs=61)
    assert planned == pytest.approx(2 * HOUR, abs=2 * INTERVAL)
    assert month.planned_time == pytest.approx(2 * HOUR, abs=INTERVAL)
    availability = 1 - unplanned / (30 * DAY - month.planned_time)
    assert f"{availability:.2%}" == "99.99%"
    assert month.series['mailtrip_outages_total{planned="false"}'] == 1
    assert month.series['mailtrip_outages_total{planned="true"}'] == 1
    # The ratios are without it, too.
    assert month.total("mailtrip_failures_total") == 1
    assert month.total("mailtrip_planned_failures_total") == 24
    assert month.total("mailtrip_trips_total") + 24 == pytest.approx(30 * DAY / INTERVAL, abs=2)
    assert month.total("mailtrip_planned_trips_total") == 24


@pytest.mark.slow
def test_without_a_window_the_same_month_has_no_series_about_it() -> None:
    month = a_month(None)
    assert not [name for name in month.series if "maintenance" in name or "_planned_" in name]
    assert month.series['mailtrip_outage_seconds_total{planned="false"}'] >= 2 * HOUR
    assert month.total("mailtrip_failures_total") == pytest.approx(25, abs=1)


@pytest.mark.parametrize(("ends", "planned"), [(1.0, True), (0.9, False)])
def test_a_trip_is_planned_if_it_ends_in_the_window(ends: float, *, planned: bool) -> None:
    """It takes a second."""

    async def course() -> None:
        start, end = (0.95, 1.05) if planned else (0.0, ends)
        rig = ProberRig(maintenance=maintenance(start, end))
        rig.probe.name = "gmail"
        rig.probe.check = PlannedServer(rig.clock, ())
        assert (await rig.trip()).planned is planned
        await rig.close()

    virtual.run(course())
