"""What holds for every sender, however it sends. Each kind brings its rig (`rigs.py`)."""

import asyncio
from itertools import count, pairwise

import pytest

from exporter.core.model import ProbeError, Span
from exporter.core.phases import Phase
from exporter.core.timing.clock import Clock
from exporter.core.trace.run import Run
from exporter.mail.composition import ProbeMessage
from exporter.senders import SendOptions
from tests.support.fast_forward import fast_forward
from tests.support.left_behind import nothing_left_behind, until
from tests.support.sender_rig import Trouble
from tests.support.sender_rigs import RIGS
from tests.support.sending import (
    HEAD,
    MESSAGES,
    PATIENCE,
    RECIPIENT,
    SENDER,
    new_run,
    probe_message,
    send,
    steps,
)
from tests.support.smtp_witness import Received

every_kind = pytest.mark.parametrize("kind", SendOptions.choices)
every_stage = pytest.mark.parametrize(
    ("kind", "stage"), [(k, stage) for k in SendOptions.choices for stage in RIGS[k].stages]
)
after_all = pytest.mark.parametrize(
    ("kind", "stage"), [(k, s) for k in SendOptions.choices for s in RIGS[k].afterwards]
)
every_trouble = pytest.mark.parametrize(
    ("kind", "trouble"),
    [
        pytest.param(k, trouble, id=f"{k}: {trouble.name}")
        for k in SendOptions.choices
        for trouble in RIGS[k].troubles
    ],
)


def message_to(recipient: str, raw: bytes = MESSAGES["a probe"]) -> ProbeMessage:
    return ProbeMessage(SENDER, recipient, raw)


def test_every_kind_of_sender_has_a_rig() -> None:
    missing = set(SendOptions.choices) - RIGS.keys()
    assert not missing, (
        f"write a rig for {sorted(missing)} and put it into RIGS, in tests/support/sender_rigs.py"
    )
    assert RIGS.keys() <= set(SendOptions.choices)


@every_kind
@pytest.mark.parametrize("name", MESSAGES)
async def test_a_message_arrives_byte_for_byte_exactly_once_with_its_envelope(
    kind: str, name: str
) -> None:
    async with RIGS[kind].rig() as rig:
        run = new_run()
        assert await send(rig.sender, message_to(RECIPIENT, MESSAGES[name]), run) is None
        await rig.ended()
        assert rig.received == [Received(SENDER, (RECIPIENT,), MESSAGES[name])]
        assert not run.uncertain


@every_kind
async def test_the_steps_of_a_success_are_told_each_with_its_time_one_after_the_other(
    kind: str,
) -> None:
    """On a clock that is a second further each time it is read."""
    ticks = count()
    run = new_run(clock=Clock(monotonic=lambda: float(next(ticks))))
    async with RIGS[kind].rig() as rig:
        assert await send(rig.sender, probe_message(), run) is None
    assert steps(run) == list(RIGS[kind].steps)
    spans = expect_no_overlap(run)
    assert all(span.duration > 0 and span.phase is Phase.SEND for span in spans)
    (whole,) = (span for span in run.spans if not span.step)
    assert run.accepted is not None
    assert whole.start < spans[0].start
    assert spans[-1].start < run.accepted - run.started == end(whole) <= end(spans[-1])


def expect_no_overlap(run: Run) -> list[Span]:
    """Returns the steps as they followed each other."""
    spans = sorted((span for span in run.spans if span.step), key=lambda span: span.start)
    assert all(end(one) <= another.start + 1e-9 for one, another in pairwise(spans))
    return spans


def end(span: Span) -> float:
    return span.start + span.duration


class Moments:
    """A journal that only keeps when the message was accepted."""

    def __init__(self) -> None:
        self.moments: list[float | None] = []

    def accepted(self, run: Run) -> None:
        self.moments.append(run.accepted)

    async def verdict(self, run: Run, judged: ProbeError | None) -> None:
        raise NotImplementedError


@every_stage
async def test_a_message_is_accepted_when_the_last_word_has_come_and_not_before(
    kind: str, stage: str
) -> None:
    journal = Moments()
    run = Run(Clock(), session_timeout=PATIENCE, journal=journal)
    async with RIGS[kind].rig() as rig:
        hold = rig.hold(stage)
        sending = asyncio.create_task(send(rig.sender, probe_message(), run))
        await hold.reached()
        assert run.accepted is None
        assert not journal.moments
        hold.release()
        assert await sending is None
        assert journal.moments == [run.accepted]


@after_all
async def test_what_comes_after_the_last_word_changes_nothing(kind: str, stage: str) -> None:
    """Neither its time counts, nor that it is given up."""
    async with RIGS[kind].rig() as rig, nothing_left_behind():
        hold, run = rig.hold(stage), new_run()
        sending = asyncio.create_task(send(rig.sender, probe_message(), run))
        await hold.reached()
        assert run.accepted is not None
        assert steps(run) == list(RIGS[kind].steps)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await rig.ended()
        assert not run.uncertain
        assert len(rig.received) == 1


@every_trouble
@fast_forward
async def test_what_goes_wrong_is_named_and_no_message_is_sent_twice(
    kind: str, trouble: Trouble
) -> None:
    async with RIGS[kind].rig() as rig, nothing_left_behind():
        rig.misbehave(trouble)
        run = new_run(patience=0.5 if trouble.reason == "timeout" else 20)
        failure = await send(rig.sender, probe_message(), run)
        await rig.ended()
        assert failure is not None
        place = (failure.phase, failure.step, failure.reason, failure.code)
        assert place == (Phase.SEND, trouble.step, trouble.reason, trouble.code)
        assert "\n" not in failure.detail
        assert " ".join([failure.detail, *run.transcript]).encode()
        assert run.accepted is None
        assert run.uncertain is trouble.uncertain
        assert len(rig.received) <= 1
        expect_no_overlap(run)


@every_stage
async def test_cancelling_leaves_no_task_no_socket_and_no_process(kind: str, stage: str) -> None:
    async with RIGS[kind].rig() as rig, nothing_left_behind():
        hold, run = rig.hold(stage), new_run()
        sending = asyncio.create_task(send(rig.sender, probe_message(), run))
        await hold.reached()
        if stage in RIGS[kind].uncertain:  # a program may be there before it has our message
            await until(lambda: run.uncertain)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await rig.ended()
        assert run.accepted is None
        assert run.uncertain is (stage in RIGS[kind].uncertain)


@every_kind
async def test_nothing_is_left_of_a_success(kind: str) -> None:
    async with RIGS[kind].rig() as rig, nothing_left_behind():
        assert await send(rig.sender, probe_message(), new_run()) is None
        await rig.ended()


@every_stage
async def test_two_sends_at_once_do_not_disturb_each_other(kind: str, stage: str) -> None:
    async with RIGS[kind].rig() as rig:
        hold, runs = rig.hold(stage, clients=2), [new_run(), new_run()]
        messages = [
            message_to(f"{name}@example.test", HEAD + name.encode() + b"\r\n")
            for name in ("one", "two")
        ]
        sends = [
            send(rig.sender, message, run) for message, run in zip(messages, runs, strict=True)
        ]
        both = asyncio.gather(*sends)
        await hold.reached()
        hold.release()
        assert await both == [None, None]
        await rig.ended()
        arrived = {(received.recipients, received.raw) for received in rig.received}
        assert arrived == {((message.recipient,), message.raw) for message in messages}
        assert len(rig.received) == 2
        for run in runs:
            assert steps(run) == list(RIGS[kind].steps)
            assert run.accepted is not None
        first, second = (" ".join(run.transcript) for run in runs)
        assert ("one@" in first, "two@" in first) == (True, False)
        assert ("one@" in second, "two@" in second) == (False, True)


@every_kind
async def test_a_sender_keeps_nothing_of_a_failure(kind: str) -> None:
    refusal = next(trouble for trouble in RIGS[kind].troubles if trouble.reason == "rejected")
    async with RIGS[kind].rig() as rig:
        rig.misbehave(refusal)
        assert await send(rig.sender, probe_message(), new_run()) is not None
        rig.behave()
        run = new_run()
        assert await send(rig.sender, probe_message(), run) is None
        assert steps(run) == list(RIGS[kind].steps)
