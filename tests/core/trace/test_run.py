import asyncio

import pytest

from exporter.core.model import Failure, Outcome, ProbeError, ProbeKey, Span
from exporter.core.phases import Leg, Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.trace.run import VERDICT_PATIENCE, Run
from tests.support import virtual_time as virtual


def outcome(run: Run, error: BaseException | None = None) -> Outcome:
    failure = run.failure(error) if error else None
    return Outcome(
        "id", ProbeKey("m", "t"), 0.0, run.now(), tuple(run.spans), tuple(run.facts), failure
    )


def test_spans_tell_what_took_how_long() -> None:
    async def trip() -> Run:
        run = Run(virtual.clock())
        async with run.phase(Phase.OPEN):
            await asyncio.sleep(1)
        async with run.phase(Phase.SEND):
            with run.step(Step.CONNECT, "mx:25"):
                await asyncio.sleep(2)
            with run.step(Step.DATA):
                await asyncio.sleep(4)
                run.accept()
            await asyncio.sleep(8)  # QUIT
        async with run.phase(Phase.DELIVER):
            await asyncio.sleep(16)
        return run

    run = virtual.run(trip())
    assert run.spans == [
        Span(Phase.OPEN, None, 0, 1),
        Span(Phase.SEND, Step.CONNECT, 1, 2, note="mx:25"),
        Span(Phase.SEND, Step.DATA, 3, 4),
        Span(Phase.SEND, None, 1, 6),  # up to the moment when the message was accepted
        Span(Phase.DELIVER, None, 7, 24),  # from then on
    ]
    assert outcome(run).legs == {Leg.MAILBOX: True, Leg.SEND: True, Leg.DELIVERY: True}


def test_a_conversation_that_hangs_is_a_timeout_of_the_step_it_hangs_in() -> None:
    async def trip() -> None:
        run = Run(virtual.clock(), session_timeout=30)
        with pytest.raises(ProbeError) as caught:
            async with run.phase(Phase.SEND), run.conversation():
                with run.step(Step.GREETING):
                    await asyncio.sleep(1000)
        failure = run.failure(caught.value)
        assert (failure.phase, failure.step, failure.reason) == (
            Phase.SEND,
            Step.GREETING,
            Reason.TIMEOUT,
        )
        assert failure.detail == "no answer within 30 s"
        assert run.now() == 30

    virtual.run(trip())


def test_a_timeout_names_the_server_of_all_conversations() -> None:
    async def trip() -> None:
        run = Run(virtual.clock(), session_timeout=30)
        run.server = "imap.example.org"
        with pytest.raises(ProbeError, match="no answer from imap.example.org within 30 s"):
            async with run.conversation():
                await asyncio.sleep(1000)
        with pytest.raises(ProbeError, match="no answer from the proxy p within 30 s"):
            async with run.conversation():
                run.awaited = "the proxy p"
                await asyncio.sleep(1000)

    virtual.run(trip())


def test_a_bug_is_internal_and_tells_its_type_but_not_its_text() -> None:
    async def trip() -> None:
        run = Run(virtual.clock())
        with pytest.raises(KeyError) as caught:
            async with run.phase(Phase.VERIFY):
                raise KeyError("password")
        failure = run.failure(caught.value)
        assert (failure.phase, failure.reason) == (Phase.VERIFY, Reason.INTERNAL)
        assert failure.detail == "KeyError: see the log"

    virtual.run(trip())


def broken(failure: Failure, *spans: Span) -> Outcome:
    return Outcome("id", ProbeKey("m", "t"), 0, 2, spans, failure=failure)


def test_two_legs_can_be_broken_in_one_trip() -> None:
    spans = (Span(Phase.OPEN, None, 0, 1, Reason.CONNECT), Span(Phase.SEND, None, 1, 1, Reason.DNS))
    outcome = broken(Failure(Phase.SEND, None, Reason.DNS), *spans)
    assert outcome.legs == {Leg.MAILBOX: False, Leg.SEND: False}


def test_when_nobody_could_look_nobody_knows_of_the_delivery() -> None:
    spans = (Span(Phase.SEND, None, 0, 1), Span(Phase.DELIVER, None, 1, 9, Reason.CONNECT))
    outcome = broken(Failure(Phase.DELIVER, Step.CONNECT, Reason.CONNECT), *spans)
    assert outcome.legs == {Leg.SEND: True, Leg.MAILBOX: False}


def test_a_message_that_was_perhaps_never_sent_says_nothing_of_the_delivery() -> None:
    spans = (
        Span(Phase.OPEN, None, 0, 1),
        Span(Phase.SEND, None, 1, 1, Reason.DISCONNECTED),
        Span(Phase.DELIVER, None, 2, 9, Reason.DISCONNECTED),
    )
    outcome = broken(Failure(Phase.SEND, Step.DATA, Reason.DISCONNECTED), *spans)
    assert outcome.legs == {Leg.MAILBOX: True, Leg.SEND: False}


def test_a_message_that_came_back_speaks_for_all_legs() -> None:
    spans = (
        Span(Phase.OPEN, None, 0, 1),
        Span(Phase.SEND, None, 1, 1, Reason.DISCONNECTED),
        Span(Phase.DELIVER, None, 2, 1),
    )
    outcome = Outcome("id", ProbeKey("m", "t"), 0, 3, spans)
    assert outcome.legs == {Leg.MAILBOX: True, Leg.SEND: True, Leg.DELIVERY: True}


def test_details_are_one_bounded_line() -> None:
    error = ProbeError(Reason.REJECTED, "first\r\nsecond\x1b[31m" + "x" * 1000)
    assert error.detail.startswith("first second [31mx")
    assert len(error.detail) == 300


def test_the_transcript_keeps_the_newest_lines() -> None:
    async def talk() -> Run:
        run = Run(virtual.clock())
        for number in range(1000):
            run.note(f"line {number}")
        return run

    transcript = virtual.run(talk()).transcript
    assert transcript[0] == "(earlier lines are left out)"
    assert [line.split()[-1] for line in transcript[1:]] == [
        str(number) for number in range(600, 1000)
    ]


def test_what_breaks_between_two_phases_is_blamed_on_the_one_that_was_to_come() -> None:
    async def trip(breaks_before: Phase) -> str:
        run = Run(virtual.clock(), session_timeout=30)
        try:
            async with run.deadline(100):
                for phase in Phase:
                    run.head_for(phase)
                    if phase is breaks_before:
                        raise ZeroDivisionError
                    async with run.phase(phase):
                        await asyncio.sleep(1)
        except ZeroDivisionError as error:
            return str(run.failure(error))
        return ""

    for phase in Phase:
        assert virtual.run(trip(phase)) == f"{phase}: internal: ZeroDivisionError: see the log"


JUNK = ProbeError(Reason.JUNK, "it was filed as spam")


class Slow:
    """A journal on a disk that takes its time."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def accepted(self, run: Run) -> None:
        raise NotImplementedError

    async def verdict(self, run: Run, judged: ProbeError | None) -> None:
        assert judged is JUNK
        await asyncio.sleep(self.seconds)


@pytest.mark.parametrize("stalls", [True, False])
def test_recording_the_verdict_has_seconds_of_its_own_and_is_in_no_phase(
    stalls: bool,
) -> None:
    async def trip() -> Run:
        run = Run(virtual.clock(), session_timeout=1, journal=Slow(10_000 if stalls else 4))
        async with run.deadline(3):
            async with run.phase(Phase.VERIFY):
                await asyncio.sleep(2.9)
                run.extend_for_deletion()
            await run.record_verdict(JUNK)
            async with run.phase(Phase.DELETE), run.conversation():
                await asyncio.sleep(0.5)
        return run

    run = virtual.run(trip())
    verified, deleted = run.spans
    assert deleted.duration == pytest.approx(0.5)
    assert deleted.start - verified.duration == pytest.approx(VERDICT_PATIENCE if stalls else 4)
    assert ("was not written to disk" in str(run.transcript)) is stalls
