"""Trips are told how the session was opened."""

from exporter.core.model import Reply, Span, TlsSession
from exporter.core.phases import Leg, Phase
from exporter.core.steps import Step
from exporter.core.trace.run import Run
from exporter.mailboxes.watcher.opening import Opening
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


@virtual.on_a(WatcherRig)
async def test_a_trip_with_two_mailboxes_is_told_of_which_one_it_is(rig: WatcherRig) -> None:
    session = TlsSession(Leg.MAILBOX, "TLSv1.3", "AES", None)
    span = Span(Phase.OPEN, Step.CONNECT, 0.0, 0.1, note="imap.test:993")
    for named, note, place in (
        (True, "monitor: imap.test:993", "mailbox monitor"),
        (False, "imap.test:993", "mailbox"),
    ):
        token, run = rig.trip()
        with rig.watcher.expect(token.trip, run, named=named) as expected:
            opening = Opening((span,), (session, Reply(250, "OK")), run.started, 0.0)
            opening.report_to(expected)
            told, reply = run.facts
            assert isinstance(told, TlsSession)
            assert (run.spans[0].note, told.place, reply) == (note, place, Reply(250, "OK"))
