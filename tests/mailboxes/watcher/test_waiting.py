"""Who awaits something from one mailbox."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from exporter.core.model import ProbeError
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.trace.trace import Trace
from exporter.mailboxes.watcher.expectation import Expectation
from exporter.mailboxes.watcher.pacing import SENDING_GAP, SHORTEST_GAP, gap_after
from exporter.mailboxes.watcher.waiting import Waiting
from tests.support import virtual_time as virtual
from tests.support.watcher_rig import WatcherRig


@virtual.on_a(WatcherRig)
async def test_a_refusal_ends_the_wait_and_any_failure_leaves_its_steps(rig: WatcherRig) -> None:
    for reason, ends in ((Reason.CONNECT, False), (Reason.REJECTED, True)):
        waiting, (token, run) = Waiting(), rig.trip()
        expectation = Expectation(rig.watcher, run)
        waiting.add(token.trip, expectation)
        trace, error = Trace(rig.clock), ProbeError(reason, "no")
        with pytest.raises(ProbeError), trace.step(Step.CONNECT):
            raise error
        await waiting.failed(error, trace)
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
async def test_a_thorough_look_that_is_due_is_not_missed(rig: WatcherRig) -> None:
    waiting, (token, run) = Waiting(), rig.trip()
    run.accept()
    waiting.add(token.trip, Expectation(rig.watcher, run))
    async with run.deadline(1000):
        await asyncio.sleep(994)
        now = run.now()
        assert waiting.next_poll(now, now, listens=False) == pytest.approx(now + 1.0)
        await asyncio.sleep(2)
        now = run.now()
        assert waiting.next_poll(now, now, listens=False) == now


class CountedExpectation(Expectation):
    """Counts how often it is looked at."""

    looks = 0

    def recheck_in(self) -> float:
        CountedExpectation.looks += 1
        return super().recheck_in()


@virtual.on_a(WatcherRig)
async def test_a_poll_looks_at_few_of_very_many_trips(rig: WatcherRig) -> None:
    waiting, trips = Waiting(), [rig.trip() for _ in range(1000)]
    expected = []
    async with AsyncExitStack() as stack:
        for number, (token, run) in enumerate(trips):
            await stack.enter_async_context(run.deadline(100 + number))
            if number != 1:
                run.accept()
            expected.append(CountedExpectation(rig.watcher, run))
            waiting.add(token.trip, expected[-1])
        waiting.next_poll(0, 0, listens=False)
        CountedExpectation.looks = 0
        for _ in range(100):
            await asyncio.sleep(0.5)
            now = rig.clock.monotonic()
            assert waiting.next_poll(now, now, listens=False) == pytest.approx(now + gap_after(now))
            assert waiting.to_recheck() == []
        assert CountedExpectation.looks < 100 * 10
        trips[1][1].accept()  # the newest now
        now = rig.clock.monotonic()
        assert waiting.next_poll(now, now, listens=False) == pytest.approx(now + SHORTEST_GAP)
        await asyncio.sleep(46)  # 4 s before the first two deadlines
        assert waiting.to_recheck() == expected[:2]
        for one in expected:
            one.found.cancel()
        assert waiting.next_poll(10, 11, listens=False) == 10 + SENDING_GAP
