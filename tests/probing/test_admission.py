"""When trips may start."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from exporter.core.clock import Clock
from exporter.core.model import ProbeKey
from exporter.probing.admission import LEAST, SPACING, Admission
from exporter.probing.probe import Probe
from tests.support import virtual_time as virtual
from tests.support.busy_check import BusyCheck

INTERVAL = 10.0


class Rig:
    """An admission that starts nothing; `late` is what its clock says."""

    def __init__(self) -> None:
        self.late = 0.0
        self.started: list[str] = []
        self.moments: list[float] = []
        self.now = asyncio.get_running_loop().time
        self.admission = Admission(self._start, Clock(self.now, self.now, lambda *_: self.late))

    def _start(self, probe: Probe) -> None:
        if probe.key.target == "bug":
            raise RuntimeError
        probe.last_start = self.now()
        self.started.append(probe.key.target)
        self.moments.append(self.now())


def a_probe(target: str) -> Probe:
    return Probe(ProbeKey("module", target), BusyCheck(), INTERVAL, 600, 30)


def on_a_rig(course: Callable[[Rig], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    def test() -> None:
        async def with_rig() -> None:
            await course(Rig())

        virtual.run(with_rig())

    test.__name__ = course.__name__
    return test


@on_a_rig
async def test_on_an_idle_loop_a_trip_starts_at_once(rig: Rig) -> None:
    turn = rig.admission.enqueue(a_probe("a"))
    assert turn.done()
    assert rig.started == ["a"]
    assert rig.admission.lag == 0


@on_a_rig
async def test_trips_start_one_by_one_in_the_order_in_which_they_became_due(rig: Rig) -> None:
    names = [str(number) for number in range(50)]
    turns = [rig.admission.enqueue(a_probe(name)) for name in names]
    await asyncio.gather(*turns)
    assert rig.started == names
    gaps = [later - before for before, later in zip(rig.moments, rig.moments[1:], strict=False)]
    assert min(gaps) >= SPACING


@on_a_rig
async def test_while_the_loop_is_late_hardly_any_trip_starts_and_the_lag_grows(rig: Rig) -> None:
    rig.late = 0.05
    names = [str(number) for number in range(100)]
    turns = [rig.admission.enqueue(a_probe(name)) for name in names]
    await asyncio.sleep(30)
    assert 29 * LEAST <= len(rig.started) <= 30 * LEAST
    assert rig.admission.lag == 30
    rig.late = 0.0
    await asyncio.gather(*turns)
    assert rig.started == names
    assert rig.now() < 31
    assert rig.admission.lag == 0


@on_a_rig
async def test_a_probe_that_asks_again_while_it_waits_gets_one_trip(rig: Rig) -> None:
    rig.late = 0.05
    probe, other = a_probe("a"), a_probe("b")
    first, second = rig.admission.enqueue(probe), rig.admission.enqueue(other)
    again = rig.admission.enqueue(probe)
    assert again is first
    rig.late = 0.0
    await asyncio.gather(first, second, again)
    assert rig.started == ["a", "b"]


@on_a_rig
async def test_who_no_longer_waits_does_not_stop_a_trip(rig: Rig) -> None:
    rig.late = 0.05
    turn, other = rig.admission.enqueue(a_probe("a")), rig.admission.enqueue(a_probe("b"))
    turn.cancel()
    rig.late = 0.0
    await other
    assert rig.started == ["a", "b"]


@on_a_rig
async def test_a_probe_that_was_removed_or_had_its_trip_has_no_turn(rig: Rig) -> None:
    rig.late = 0.05
    removed, served, changed = a_probe("removed"), a_probe("served"), a_probe("changed")
    turns = [rig.admission.enqueue(one) for one in (removed, served, changed)]
    removed.removed, served.last_start = True, rig.now()
    after = a_probe("changed")  # a reload has made another one of it
    assert rig.admission.enqueue(after) is turns[2]
    rig.late = 0.0
    await asyncio.gather(*turns)
    assert rig.started == ["changed"]
    assert after.last_start > changed.last_start


@on_a_rig
async def test_a_bug_at_a_start_is_told_to_who_waits_for_it_and_others_have_their_turn(
    rig: Rig,
) -> None:
    rig.late = 0.05
    bad, good = rig.admission.enqueue(a_probe("bug")), rig.admission.enqueue(a_probe("b"))
    rig.late = 0.0
    with pytest.raises(RuntimeError):
        await bad
    await good
    assert rig.started == ["b"]


@on_a_rig
async def test_after_the_end_nothing_starts(rig: Rig) -> None:
    rig.late = 0.05
    rig.admission.enqueue(a_probe("a"))
    rig.late = 0.0
    rig.admission.close()
    await asyncio.sleep(10)
    assert rig.started == []
