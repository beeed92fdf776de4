"""Who waits, in the order of a moment."""

from exporter.mailboxes.watcher.expectation import Expectation
from exporter.mailboxes.watcher.soonest import FEW, Soonest
from tests.support import virtual_time as virtual
from tests.support.watcher_rig import WatcherRig


@virtual.on_a(WatcherRig)
async def test_one_whose_moment_moves_is_no_longer_the_first(rig: WatcherRig) -> None:
    soonest = Soonest()
    one, other = (Expectation(rig.watcher, rig.trip()[1]) for _ in range(2))
    soonest.add(2.0, other)
    soonest.add(1.0, one)
    assert soonest.first() == (1.0, one)
    soonest.move_first(3.0)
    assert soonest.first() == (2.0, other)
    soonest.drop_first()
    assert soonest.first() == (3.0, one)


@virtual.on_a(WatcherRig)
async def test_trips_that_are_over_take_no_memory(rig: WatcherRig) -> None:
    soonest, last = Soonest(), Expectation(rig.watcher, rig.trip()[1])
    soonest.add(-1.0, last)
    for number in range(10 * FEW):
        one = Expectation(rig.watcher, rig.trip()[1])
        soonest.add(number, one)
        one.found.cancel()
    assert len(soonest) <= 2 * FEW
    assert soonest.first() == (-1.0, last)
    last.found.cancel()
    assert soonest.first() is None
