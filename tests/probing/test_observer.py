"""Who makes traces of trips learns of each of them once."""

import asyncio

from exporter.core.facts import LateArrival
from exporter.core.model import Outcome, ProbeKey
from exporter.core.reasons import Reason
from exporter.core.trace.identity import trace_id
from tests.support import virtual_time as virtual
from tests.support.prober_rig import INTERVAL, KEY, ProberRig


class Traces:
    def __init__(self) -> None:
        self.trips: list[tuple[str, str]] = []
        self.arrivals: list[tuple[ProbeKey, str]] = []
        self.fails = False

    def covers(self, *, success: bool) -> bool:
        return not success

    def finished(self, outcome: Outcome, after: str = "") -> None:
        self.trips.append((outcome.trip, after))
        if self.fails:
            raise ZeroDivisionError

    def late(self, probe: ProbeKey, trip: str, arrival: LateArrival) -> None:
        self.arrivals.append((probe, trip))


class TracedRig(ProberRig):
    def __init__(self) -> None:
        self.traces = Traces()
        super().__init__(traces=self.traces)


@virtual.on_a(TracedRig)
async def test_a_late_message_belongs_to_its_trip(rig: TracedRig) -> None:
    rig.sender.delay = 700
    outcome = await rig.trip()
    assert outcome.failure
    assert outcome.failure.reason is Reason.OVERDUE
    assert rig.traces.trips == [(outcome.trip, "")]
    await asyncio.sleep(200)
    assert rig.traces.arrivals == [(KEY, outcome.trip)]


@virtual.on_a(TracedRig)
async def test_a_recheck_names_the_trip_that_failed(rig: TracedRig) -> None:
    rig.sender.delay = 10_000
    first = await rig.trip()
    rig.probe.schedule.last_regular = rig.clock.monotonic()
    rig.sender.delay = 1
    again = await rig.trip()
    assert again.recheck
    await asyncio.sleep(INTERVAL)
    third = await rig.trip()
    assert rig.traces.trips == [(first.trip, ""), (again.trip, first.trip), (third.trip, "")]


@virtual.on_a(TracedRig)
async def test_a_bug_there_changes_no_outcome(rig: TracedRig) -> None:
    rig.traces.fails = True
    rig.sender.delay = 1
    assert (await rig.trip()).success
    assert rig.series()["mailtrip_trips_total"] == 1


@virtual.on_a(TracedRig)
async def test_a_trip_says_which_trace_it_was_sent_as(rig: TracedRig) -> None:
    rig.sender.delay = 10_000
    failed = await rig.trip()
    rig.sender.delay = 1
    good = await rig.trip()
    assert (failed.trace_id, good.trace_id) == (trace_id(failed.trip).hex(), None)
