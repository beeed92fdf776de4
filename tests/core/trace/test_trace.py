import asyncio

import pytest

from exporter.core.model import ProbeError, Span
from exporter.core.phases import Leg, Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.trace.trace import MAX_SPANS, Trace
from exporter.core.transcript.transcript import Transcript
from tests.support import virtual_time as virtual


def test_the_steps_of_a_session_are_of_the_phase_open() -> None:
    async def session() -> Trace:
        trace = Trace(virtual.clock())
        with trace.step(Step.CONNECT, "imap:993"):
            await asyncio.sleep(2)
        with pytest.raises(ProbeError), trace.step(Step.LOGIN):
            assert trace.here is Step.LOGIN
            raise ProbeError(Reason.AUTH, "no")
        assert trace.here is None
        return trace

    assert virtual.run(session()).spans == [
        Span(Phase.OPEN, Step.CONNECT, 0, 2, note="imap:993"),
        Span(Phase.OPEN, Step.LOGIN, 2, 0, Reason.AUTH),
    ]


def test_what_ended_a_step_is_its_reason() -> None:
    async def reason(error: BaseException) -> Reason | None:
        trace = Trace(virtual.clock())
        with pytest.raises(type(error)), trace.step(Step.FETCH):
            raise error
        return trace.spans[0].reason

    assert virtual.run(reason(ProbeError(Reason.PROTOCOL, "?"))) is Reason.PROTOCOL
    assert virtual.run(reason(asyncio.CancelledError())) is Reason.TIMEOUT
    assert virtual.run(reason(KeyError("x"))) is Reason.INTERNAL


def test_an_error_that_is_raised_again_later_knows_its_step() -> None:
    async def session() -> ProbeError:
        trace = Trace(virtual.clock())
        try:
            with trace.step(Step.TLS):
                raise ProbeError(Reason.TLS, "expired")
        except ProbeError as error:
            return trace.located(error)

    error = virtual.run(session())
    assert (error.phase, error.step) == (Phase.OPEN, Step.TLS)


def test_a_conversation_has_the_time_of_the_session_and_of_an_agreed_silence() -> None:
    async def ends(idle: float) -> tuple[float, str]:
        trace = Trace(virtual.clock(), session_timeout=30)
        with pytest.raises(ProbeError) as caught:
            async with trace.conversation(server="imap.test", idle=idle):
                await asyncio.sleep(1000)
        return trace.now(), str(caught.value)

    assert virtual.run(ends(0)) == (30, "timeout: no answer from imap.test within 30 s")
    assert virtual.run(ends(60)) == (90, "timeout: no answer from imap.test within 90 s")


def test_a_trip_adopts_the_spans_of_a_session_at_their_time() -> None:
    async def course() -> Trace:
        clock = virtual.clock()
        trip = Trace(clock)
        await asyncio.sleep(5)
        session = Trace(clock)
        await asyncio.sleep(1)
        with session.step(Step.SELECT):
            await asyncio.sleep(2)
        trip.adopt(session.spans, Phase.DELIVER, session.started)
        return trip

    assert virtual.run(course()).spans == [Span(Phase.DELIVER, Step.SELECT, 6, 2)]


def test_spans_that_are_under_way_are_as_long_as_they_are_by_now() -> None:
    async def course() -> None:
        trace = Trace(virtual.clock())
        with trace.step(Step.CONNECT):
            await asyncio.sleep(3)
            assert not trace.spans
            assert trace.all_spans() == (Span(Phase.OPEN, Step.CONNECT, 0, 3),)

    virtual.run(course())


def test_progress_hears_of_every_span_and_the_trace_keeps_so_many() -> None:
    async def course() -> None:
        told: list[Span] = []
        trace = Trace(virtual.clock(), progress=told.append)
        for _ in range(MAX_SPANS + 1):
            with trace.step(Step.FETCH):
                pass
        assert len(told) == 2 * (MAX_SPANS + 1)
        assert [span.duration for span in told[:2]] == [-1, 0]
        assert len(trace.spans) == MAX_SPANS

    virtual.run(course())


def test_a_trip_takes_what_is_said_in_its_time_in_the_sessions_of_a_mailbox() -> None:
    async def course() -> tuple[str, ...]:
        clock, transcript = virtual.clock(), Transcript(Leg.MAILBOX)
        Trace(clock, transcript=transcript).note("C: LOGIN")
        await asyncio.sleep(1)
        trip = Trace(clock)
        trip.add_transcript(transcript)
        Trace(clock, transcript=transcript).note("C: NOOP")
        await asyncio.sleep(1)
        trip.note("C: DATA")
        return trip.transcript

    assert [line.split(": ")[-1] for line in virtual.run(course())] == ["NOOP", "DATA"]


def test_a_step_that_only_a_failure_shows() -> None:
    async def session() -> tuple[Trace, ProbeError]:
        trace = Trace(virtual.clock())
        with trace.failing_step(Step.IDLE):
            await asyncio.sleep(1)
        assert trace.spans == []
        with pytest.raises(ProbeError) as caught, trace.failing_step(Step.IDLE):
            await asyncio.sleep(1)
            raise ProbeError(Reason.DISCONNECTED, "gone")
        return trace, trace.located(caught.value)

    trace, error = virtual.run(session())
    assert trace.spans == [Span(Phase.OPEN, Step.IDLE, 2, 0, Reason.DISCONNECTED)]
    assert error.step is Step.IDLE
