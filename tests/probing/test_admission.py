"""When trips may start."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from itertools import pairwise
from typing import Any

import pytest

from exporter.core.model import ProbeKey
from exporter.probing.admission import LONG, SPACING, Admission
from exporter.probing.probe import Probe
from exporter.probing.schedule import Schedule
from tests.support import virtual_time as virtual
from tests.support.busy_check import BusyCheck

INTERVAL = 10.0


class AdmissionRig:
    """An admission that starts nothing."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.moments: list[float] = []
        clock = virtual.clock()
        self.now = clock.monotonic
        self.admission = Admission(self._start, clock)

    def enqueue(self, names: Iterable[str]) -> list["asyncio.Future[None]"]:
        return [self.admission.enqueue(a_probe(name)) for name in names]

    def first(self) -> None:
        """A trip that starts at once, so that the others have to wait."""
        self.admission.enqueue(a_probe("first"))
        assert self.started == ["first"]
        self.started.clear()

    def _start(self, probe: Probe) -> None:
        if probe.key.target == "bug":
            raise RuntimeError
        probe.schedule.last_start = self.now()
        self.started.append(probe.key.target)
        self.moments.append(self.now())


def a_probe(target: str) -> Probe:
    return Probe(ProbeKey("module", target), BusyCheck(), Schedule(INTERVAL), 600, 30)


def on_a_rig(course: Callable[[AdmissionRig], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    def test() -> None:
        async def with_rig() -> None:
            await course(AdmissionRig())

        virtual.run(with_rig())

    test.__name__ = course.__name__
    return test


@on_a_rig
async def test_on_an_idle_loop_a_trip_starts_at_once(rig: AdmissionRig) -> None:
    for name in "ab":
        (turn,) = rig.enqueue(name)
        assert turn.done()
        assert rig.admission.lag == 0
        await asyncio.sleep(1)
    assert rig.started == ["a", "b"]


@on_a_rig
async def test_trips_start_one_by_one_in_the_order_in_which_they_became_due(
    rig: AdmissionRig,
) -> None:
    names = [str(number) for number in range(50)]
    await asyncio.gather(*rig.enqueue(names))
    assert rig.started == names
    gaps = [later - before for before, later in pairwise(rig.moments)]
    assert min(gaps) == pytest.approx(SPACING)
    assert max(gaps) < 2 * SPACING


async def computing(seconds: float) -> None:
    """Each turn of the loop takes so much of the processor."""
    while True:
        virtual.stall(seconds)
        await asyncio.sleep(0)


def turns_of_a_start(turn: float) -> float:
    """How many turns of the loop a start takes, if each of them takes so many seconds of the
    processor."""

    async def course() -> float:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, virtual.VirtualLoop)
        rig, other = AdmissionRig(), asyncio.create_task(computing(turn))
        rig.first()
        before = loop.turns
        names = [str(number) for number in range(20)]
        await asyncio.gather(*rig.enqueue(names))
        assert rig.started == names
        other.cancel()
        return (loop.turns - before) / len(names)

    return virtual.run(course())


def test_one_trip_at_most_starts_in_a_turn_of_the_loop_and_fewer_if_turns_are_long() -> None:
    few = turns_of_a_start(SPACING)
    assert 1 <= few <= 5
    assert turns_of_a_start(LONG / few) < 1.5 * few
    assert turns_of_a_start(4 * LONG / few) == pytest.approx(4 * few, rel=0.3)
    assert turns_of_a_start(20 * LONG / few) == pytest.approx(20 * few, rel=0.3)


@on_a_rig
async def test_time_in_which_others_had_the_processor_makes_no_turn_long(rig: AdmissionRig) -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, virtual.VirtualLoop)
    rig.first()
    turns = rig.enqueue(map(str, range(20)))
    for _ in range(5 * 20):
        virtual.stall(1.0)
        loop.computed -= 1.0
        await asyncio.sleep(0)
    assert all(turn.done() for turn in turns)


@on_a_rig
async def test_the_lag_is_that_of_who_waits_for_the_longest_time(rig: AdmissionRig) -> None:
    rig.first()
    turns = rig.enqueue("abc")
    virtual.stall(30)
    assert rig.admission.lag == 30
    await asyncio.gather(*turns)
    assert rig.admission.lag == 0


@on_a_rig
async def test_a_probe_that_asks_again_while_it_waits_gets_one_trip(rig: AdmissionRig) -> None:
    rig.first()
    probe, other = a_probe("a"), a_probe("b")
    first, second = rig.admission.enqueue(probe), rig.admission.enqueue(other)
    again = rig.admission.enqueue(probe)
    assert again is first
    await asyncio.gather(first, second, again)
    assert rig.started == ["a", "b"]


@on_a_rig
async def test_who_no_longer_waits_does_not_stop_a_trip(rig: AdmissionRig) -> None:
    rig.first()
    turn, other = rig.enqueue("ab")
    turn.cancel()
    await other
    assert rig.started == ["a", "b"]


@on_a_rig
async def test_a_probe_that_was_removed_or_had_its_trip_has_no_turn(rig: AdmissionRig) -> None:
    rig.first()
    removed, served, changed = a_probe("removed"), a_probe("served"), a_probe("changed")
    turns = [rig.admission.enqueue(one) for one in (removed, served, changed)]
    removed.removed, served.schedule.last_start = True, rig.now()
    after = a_probe("changed")  # a reload has made another one of it
    assert rig.admission.enqueue(after) is turns[2]
    await asyncio.gather(*turns)
    assert rig.started == ["changed"]
    assert after.schedule.last_start > changed.schedule.last_start


@on_a_rig
async def test_a_bug_at_a_start_is_told_to_who_waits_for_it_and_others_have_their_turn(
    rig: AdmissionRig,
) -> None:
    rig.first()
    bad, good = rig.enqueue(["bug", "b"])
    with pytest.raises(RuntimeError):
        await bad
    await good
    assert rig.started == ["b"]


@on_a_rig
async def test_after_the_end_nothing_starts(rig: AdmissionRig) -> None:
    rig.first()
    rig.enqueue("a")
    rig.admission.close()
    await asyncio.sleep(10)
    assert rig.started == []
