"""Where an error came from."""

import asyncio

import pytest

from exporter.core.model import ProbeError
from exporter.core.phases import Leg, Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.trace.run import Run
from tests.core.trace.test_run import outcome
from tests.support import virtual_time as virtual


def test_the_innermost_open_span_is_the_place_of_a_failure() -> None:
    async def trip() -> None:
        run = Run(virtual.clock())
        with pytest.raises(ProbeError) as caught:
            async with run.phase(Phase.SEND):
                with run.step(Step.TLS):
                    raise ProbeError(Reason.TLS, "expired", code=5)
        failure = run.failure(caught.value)
        assert (failure.phase, failure.step, failure.reason, failure.code) == (
            Phase.SEND,
            Step.TLS,
            Reason.TLS,
            "5",
        )
        assert str(failure) == "send/tls: tls 5: expired"
        assert outcome(run, caught.value).legs == {Leg.SEND: False}

    virtual.run(trip())


def test_an_error_that_was_got_over_is_forgotten_by_the_next_span() -> None:
    async def trip() -> None:
        run = Run(virtual.clock())
        with pytest.raises(ProbeError) as caught:
            async with run.phase(Phase.SEND):
                try:
                    with run.step(Step.CONNECT):
                        raise ProbeError(Reason.CONNECT, "refused")
                except ProbeError:
                    pass
                with run.step(Step.RCPT):
                    raise ProbeError(Reason.REJECTED, "no such user")
        assert run.failure(caught.value).step is Step.RCPT

    virtual.run(trip())


def test_an_error_that_was_got_over_is_not_blamed_for_a_later_one_in_the_same_phase() -> None:
    async def trip() -> str:
        run = Run(virtual.clock())
        try:
            async with run.phase(Phase.SEND):
                try:
                    with run.step(Step.TLS):
                        raise ProbeError(Reason.TLS, "broken")
                except ProbeError:
                    pass
                await asyncio.sleep(1)
                raise ProbeError(Reason.REJECTED, "no")
        except ProbeError as error:
            return str(run.failure(error))
        return ""

    assert virtual.run(trip()) == "send: rejected: no"


@pytest.mark.parametrize("translated", [True, False])
def test_an_error_that_is_translated_on_its_way_keeps_its_step(translated: bool) -> None:
    async def trip() -> str:
        run = Run(virtual.clock(), session_timeout=5)
        try:
            async with run.deadline(100), run.phase(Phase.SEND):
                try:
                    async with run.conversation(server="mx"):
                        with run.step(Step.EHLO):
                            await asyncio.sleep(50)
                except ProbeError as error:
                    if translated:
                        raise ProbeError(Reason.UNAVAILABLE, "gone") from error
                    raise
        except ProbeError as error:
            return str(run.failure(error))
        return ""

    expected = "unavailable: gone" if translated else "timeout: no answer from mx within 5 s"
    assert virtual.run(trip()) == f"send/ehlo: {expected}"
