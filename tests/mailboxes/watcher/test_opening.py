"""Trips are told how the session was opened."""

from exporter.core.phases import Phase
from exporter.core.run import Run
from exporter.core.steps import Step
from tests.support import virtual_time as virtual
from tests.support.watcher_rig import WatcherRig


@virtual.on_a(WatcherRig)
async def test_steps_of_opening_go_to_the_trip_that_caused_it(rig: WatcherRig) -> None:
    token, run = rig.trip()
    with rig.watcher.expect(token.trip, run) as expected:
        await expected.ready()
        assert [(span.phase, span.step) for span in run.spans] == [(Phase.OPEN, Step.CONNECT)]
        later = Run(rig.clock, session_timeout=30)
        with rig.watcher.expect("later", later) as other:
            await other.ready()
        assert later.spans == []


@virtual.on_a(lambda: WatcherRig(listens=True))
async def test_a_receiver_is_opened_for_no_trip(rig: WatcherRig) -> None:
    token, run = rig.trip()
    with rig.watcher.expect(token.trip, run) as expected:
        await expected.ready()
        assert run.spans == []
