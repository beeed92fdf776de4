"""The end of a whole trip."""

import asyncio

import pytest

from exporter.core.model import ProbeError
from exporter.core.phases import Leg, Phase
from exporter.core.reasons import Reason
from exporter.core.trace.run import Run
from tests.core.trace.test_run import outcome
from tests.support import virtual_time as virtual


def test_past_its_deadline_a_trip_fails_with_what_it_was_waiting_for() -> None:
    async def trip() -> None:
        run = Run(virtual.clock())
        with pytest.raises(ProbeError) as caught:
            async with run.deadline(600), run.phase(Phase.DELIVER, not_seen):
                await asyncio.sleep(1000)
        result = outcome(run, caught.value)
        assert result.failure is not None
        assert (result.failure.phase, result.failure.reason) == (Phase.DELIVER, Reason.OVERDUE)
        assert result.legs == {Leg.DELIVERY: False}  # the mailbox is not to blame
        assert run.now() == 600

    virtual.run(trip())


def not_seen() -> ProbeError:
    return ProbeError(Reason.OVERDUE, "not seen")


def test_past_its_deadline_a_trip_fails_with_what_the_phase_says_that_it_is_in() -> None:
    async def trip(late_in: Phase | None) -> str:
        run = Run(virtual.clock(), session_timeout=30)
        try:
            async with run.deadline(600):
                async with run.phase(Phase.DELIVER, not_seen):
                    await asyncio.sleep(1)
                run.head_for(Phase.SEND)
                await asyncio.sleep(1000 if late_in is None else 1)
                run.extend_for_deletion()
                async with run.phase(Phase.VERIFY):
                    await asyncio.sleep(1000)
        except ProbeError as error:
            return str(run.failure(error))
        return ""

    ends = "timeout: not finished within the module's timeout"
    assert virtual.run(trip(None)).endswith(ends)
    ends = "timeout: the message could not be deleted in time"
    assert virtual.run(trip(Phase.VERIFY)).endswith(ends)


def test_a_message_that_came_in_time_may_be_deleted_after_the_deadline() -> None:
    async def trip() -> float:
        run = Run(virtual.clock(), session_timeout=30)
        async with run.deadline(600):
            await asyncio.sleep(599)
            run.extend_for_deletion()
            await asyncio.sleep(20)
        return run.now()

    assert virtual.run(trip()) == 619


def test_a_time_out_of_somebody_else_is_not_taken_for_the_deadline() -> None:
    async def trip() -> None:
        run = Run(virtual.clock())
        with pytest.raises(TimeoutError):
            async with run.deadline(600):
                raise TimeoutError

    virtual.run(trip())
