"""Who awaits something from one mailbox."""

import asyncio

import pytest

from exporter.core.model import ProbeError
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.trace import Trace
from exporter.mailboxes.watcher.expectation import Expectation
from exporter.mailboxes.watcher.waiting import Waiting
from tests.support import virtual_time as virtual
from tests.support.watcher_rig import WatcherRig


@virtual.on_a(WatcherRig)
async def test_a_refusal_ends_the_wait_and_any_failure_leaves_its_steps(bench: WatcherRig) -> None:
    for reason, ends in ((Reason.CONNECT, False), (Reason.REJECTED, True)):
        waiting, (token, run) = Waiting(), bench.trip()
        expectation = waiting.trips[token.trip] = Expectation(bench.watcher, run)
        trace, error = Trace(bench.clock), ProbeError(reason, "no")
        with pytest.raises(ProbeError), trace.step(Step.CONNECT):
            raise error
        waiting.failed(error, trace)
        assert expectation.opened.done() is ends
        assert [(span.phase, span.step, span.reason) for span in run.spans] == [
            (Phase.OPEN, Step.CONNECT, reason)
        ]


def test_an_overdue_message_is_waited_for() -> None:
    waiting = Waiting()
    assert not waiting
    waiting.late["trip"] = 0.0
    assert waiting
    assert waiting.next_poll(9.8, 10.0, listens=False) == pytest.approx(10.2)


@virtual.on_a(WatcherRig)
async def test_a_thorough_look_that_is_due_is_not_missed(bench: WatcherRig) -> None:
    waiting, (token, run) = Waiting(), bench.trip()
    run.accept()
    waiting.trips[token.trip] = Expectation(bench.watcher, run)
    async with run.deadline(1000):
        await asyncio.sleep(994)
        now = run.now()
        assert waiting.next_poll(now, now, listens=False) == pytest.approx(now + 1.0)
        await asyncio.sleep(2)
        now = run.now()
        assert waiting.next_poll(now, now, listens=False) == now
