"""Trips are told how the session was opened."""

from exporter.core.phases import Phase
from exporter.core.run import Run
from exporter.core.steps import Step
from tests.support import virtual_time as virtual
from tests.support.watcher_rig import WatcherRig


@virtual.on_a(WatcherRig)
async def test_steps_of_opening_go_to_the_trip_that_caused_it(bench: WatcherRig) -> None:
    token, run = bench.trip()
    with bench.watcher.expect(token.trip, run) as expected:
        await expected.ready()
        assert [(span.phase, span.step) for span in run.spans] == [(Phase.OPEN, Step.CONNECT)]
        later = Run(bench.clock, session_timeout=30)
        with bench.watcher.expect("later", later) as other:
            await other.ready()
        assert later.spans == []


@virtual.on_a(lambda: WatcherRig(listens=True))
async def test_a_receiver_is_opened_for_no_trip(bench: WatcherRig) -> None:
    token, run = bench.trip()
    with bench.watcher.expect(token.trip, run) as expected:
        await expected.ready()
        assert run.spans == []
