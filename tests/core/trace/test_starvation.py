"""A failure that our own lateness may have caused is not a server's."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest

from exporter.core.model import Outcome, ProbeError, ProbeKey
from exporter.core.phases import Leg, Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.timing.lateness import Lateness
from exporter.core.trace.run import Run
from exporter.core.trace.starvation import SHARE, blamed
from tests.support import virtual_time as virtual

Course = Callable[[Run], Coroutine[Any, Any, None]]


def outcome_of(course: Course, timeout: float = 600) -> Outcome:
    """The outcome of a trip, on a loop whose lateness is known."""

    async def trip() -> Outcome:
        with Lateness() as lateness:
            clock = replace(virtual.clock(), late=lateness.between)
            run, failure = Run(clock, session_timeout=30), None
            try:
                async with run.deadline(timeout):
                    await course(run)
            except ProbeError as error:
                failure = run.failure(error)
        return run.outcome("trip", ProbeKey("module", "target"), failure)

    return virtual.run(trip())


async def hanging(run: Run, late: float) -> None:
    """A server that does not answer, to which we come too late by so many seconds in each of
    three waits."""
    async with run.phase(Phase.OPEN):
        pass
    async with run.phase(Phase.SEND), run.conversation(server="mx.example.org"):
        with run.step(Step.EHLO):
            while True:
                await asyncio.sleep(1)
                virtual.stall(late)


def test_a_server_that_hangs_is_blamed_and_we_are_not() -> None:
    outcome = outcome_of(lambda run: hanging(run, 0.0))
    assert str(outcome.failure) == "send/ehlo: timeout: no answer from mx.example.org within 30 s"
    assert outcome.legs == {Leg.MAILBOX: True, Leg.SEND: False}


def test_a_server_that_we_could_not_hear_is_not_blamed() -> None:
    outcome = outcome_of(lambda run: hanging(run, 3.0))
    assert outcome.failure
    assert (outcome.failure.phase, outcome.failure.step) == (Phase.SEND, Step.EHLO)
    assert outcome.failure.reason is Reason.STARVED
    assert "mailtrip itself was late by" in outcome.failure.detail
    assert "no answer from mx.example.org" in outcome.failure.detail
    assert outcome.legs == {Leg.MAILBOX: True}


@pytest.mark.parametrize(("late", "reason"), [(3.0, Reason.STARVED), (0.0, Reason.DISCONNECTED)])
def test_a_server_may_have_lost_patience_with_us(late: float, reason: Reason) -> None:
    async def course(run: Run) -> None:
        async with run.phase(Phase.SEND), run.conversation():
            with run.step(Step.DATA):
                for _ in range(3):
                    await asyncio.sleep(1)
                    virtual.stall(late)
                raise ProbeError(Reason.DISCONNECTED, "cut")

    outcome = outcome_of(course)
    assert outcome.failure
    assert (outcome.failure.step, outcome.failure.reason) == (Step.DATA, reason)


@pytest.mark.parametrize("reason", [Reason.REJECTED, Reason.AUTH, Reason.CONNECT, Reason.BOUNCED])
def test_what_a_server_has_said_is_true_however_late_we_are(reason: Reason) -> None:
    error = ProbeError(reason, "said the server")
    assert blamed(error, late=1000, limit=30) is error


def test_a_fifth_of_the_time_is_too_much() -> None:
    error = ProbeError(Reason.TIMEOUT, "no answer")
    assert blamed(error, late=SHARE * 30 - 0.1, limit=30) is error
    assert blamed(error, late=SHARE * 30, limit=30).reason is Reason.STARVED


@pytest.mark.parametrize(("late", "reason"), [(0.5, Reason.STARVED), (0.0, Reason.OVERDUE)])
def test_a_message_that_we_could_not_look_for_is_not_overdue(late: float, reason: Reason) -> None:
    async def course(run: Run) -> None:
        for phase in (Phase.OPEN, Phase.SEND):
            async with run.phase(phase):
                pass
        async with run.phase(Phase.DELIVER, lambda: ProbeError(Reason.OVERDUE, "not seen")):
            while True:
                await asyncio.sleep(1)
                virtual.stall(late)

    outcome = outcome_of(course, timeout=60)
    assert outcome.failure
    assert (outcome.failure.phase, outcome.failure.reason) == (Phase.DELIVER, reason)
    starved = {Leg.SEND: True}
    assert outcome.legs == (
        starved if late else {Leg.MAILBOX: True, Leg.SEND: True, Leg.DELIVERY: False}
    )


def test_a_step_that_we_were_late_in_says_so() -> None:
    async def course(run: Run) -> None:
        with run.step(Step.CONNECT):
            await asyncio.sleep(1)
        with run.step(Step.GREETING):
            await asyncio.sleep(1)
            virtual.stall(2)
            await asyncio.sleep(0.1)

    connect, greeting = outcome_of(course).spans
    assert connect.precise
    assert connect.late == 0
    assert not greeting.precise
    assert greeting.note == "mailtrip itself was late by 1.95 s"
    assert greeting.late == pytest.approx(2, abs=0.1)
