"""Records what happens and how long it takes: spans, facts, and a transcript of each conversation.

Code marks its place (`with trace.step(...)`), never that of a failure: this is the innermost open
span that an exception leaves. A new span forgets an error that was handled, so when the first
exchanger is down and the second works, neither is blamed.
"""

from asyncio import CancelledError
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import replace
from typing import Any

from exporter.core.model import Fact, ProbeError, Span
from exporter.core.one_line import one_line
from exporter.core.phases import Leg, Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.timing.clock import Clock
from exporter.core.timing.fairness import FairTimeout
from exporter.core.trace.origin import Origin
from exporter.core.trace.starvation import blamed
from exporter.core.transcript.transcript import MOST_LINES, Transcript
from exporter.core.transcript.view import TranscriptView, merged_lines

MAX_SPANS = 500


def _with_lateness(span: Span) -> Span:
    """The span with a note of why its duration is not observed."""
    late = f"mailtrip itself was late by {span.late:.3g} s"
    return replace(span, note=f"{span.note}; {late}" if span.note else late)


class TimedBlock:
    """A block that becomes a span. It is not a generator, since a trip has dozens of blocks."""

    __slots__ = ("good_until", "note", "outer", "phase", "start", "step", "trace")

    def __init__(
        self,
        trace: "Trace",
        phase: Phase,
        step: Step | None,
        start: float,
        note: str = "",
        good_until: Callable[[], float | None] = lambda: None,
    ) -> None:
        """`good_until()` returns when it ended if nothing failed, and None if it ends now."""
        self.trace = trace
        self.phase = phase
        self.step = step
        self.start = start
        self.note = note
        self.good_until = good_until
        self.outer: Step | None = None

    def __enter__(self) -> None:
        self.trace._begin(self)

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        self.trace._end(self, error)


class FailingStep:
    """A block that becomes a step only if it fails: not for thousands of polls without a result."""

    __slots__ = ("step", "trace")

    def __init__(self, trace: "Trace", step: Step) -> None:
        self.trace = trace
        self.step = step

    def __enter__(self) -> None:
        """Nothing has happened yet."""

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if error is not None:
            self.trace._fail(self.step, error)


class Conversation:
    """The block of a conversation. It is not a generator, since a trip has several of them."""

    __slots__ = ("_allowed", "_began", "_limit", "_otherwise", "_server", "_trace")

    def __init__(
        self,
        trace: "Trace",
        otherwise: Callable[[], ProbeError | None],
        server: str,
        idle: float,
    ) -> None:
        self._trace = trace
        self._otherwise = otherwise
        self._server = server
        self._limit: FairTimeout | None = None
        if trace.session_timeout is not None:
            self._allowed = trace.session_timeout + idle
            self._limit = FairTimeout(self._allowed, trace.session_timeout)

    async def __aenter__(self) -> None:
        if self._limit:
            self._began, self._trace.awaited = self._trace.now(), ""
            await self._limit.__aenter__()

    async def __aexit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        if not self._limit:
            return
        try:
            await self._limit.__aexit__(kind, error, traceback)
            if isinstance(error, TimeoutError):
                raise error
        except TimeoutError:
            raise self._blamed(self._timeout()) from None
        if isinstance(error, ProbeError) and (ours := self._blamed(error)) is not error:
            raise ours from error

    def _timeout(self) -> ProbeError:
        whose = self._trace.awaited or self._server or self._trace.server
        by = f" from {whose}" if whose else ""
        return self._otherwise() or ProbeError(
            Reason.TIMEOUT, f"no answer{by} within {self._allowed:g} s"
        )

    def _blamed(self, error: ProbeError) -> ProbeError:
        return blamed(error, self._trace.clock.late_since(self._began), self._allowed)


class Trace:
    """The events of one mailbox session, which many trips share. A `Run` is the trace of one trip.

    `session_timeout` limits one conversation with a server, in seconds; None means no limit.
    `progress` is called with every span that ends, and with every one that begins (its duration is
    then negative). `transcript` receives the conversation; the sessions of a mailbox share one.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        session_timeout: float | None = None,
        progress: Callable[[Span], None] | None = None,
        transcript: Transcript | None = None,
    ) -> None:
        self.clock = clock
        self.session_timeout = session_timeout
        self.started = clock.monotonic()
        self.spans: list[Span] = []
        self.facts: list[Fact] = []
        self.server = ""  # of all conversations that name none, for people
        self.awaited = ""  # whose answer, if it is not that of the server of the conversation
        self._progress = progress
        self._transcript = transcript or Transcript(Leg.SEND)
        self._transcripts = [TranscriptView(self._transcript)]
        self._under_way: list[TimedBlock] = []
        self._phase: Phase | None = None
        self._step: Step | None = None
        self._origin = Origin()

    def now(self) -> float:
        """Monotonic seconds, comparable with `started` of every other Trace of this machine."""
        return self.clock.monotonic()

    def step(self, step: Step, note: str = "") -> AbstractContextManager[None]:
        """Times its block as `step` of the current phase (of `open` in a session that trips
        share)."""
        return TimedBlock(self, self._phase or Phase.OPEN, step, self.now(), one_line(note))

    def failing_step(self, step: Step) -> AbstractContextManager[None]:
        """Blames `step` if its block fails."""
        return FailingStep(self, step)

    def _fail(self, step: Step, error: BaseException) -> None:
        block = TimedBlock(self, self._phase or Phase.OPEN, step, self.now())
        self._begin(block)
        self._end(block, error)

    def _begin(self, block: "TimedBlock") -> None:
        self._origin.forget()
        self._under_way.append(block)
        block.outer, self._step = self._step, block.step
        if self._progress:
            self._progress(self._span(block, -1.0))

    def _end(self, block: "TimedBlock", error: BaseException | None) -> None:
        end, reason = self.now(), None
        self._under_way.remove(block)
        self._step = block.outer
        if error is not None:
            self._origin.passes(error, block.phase, block.step)
            reason = self._reason_of(error)
        elif (earlier := block.good_until()) is not None:
            end = earlier
        late = self.clock.late(block.start, end)
        span = self._span(block, max(end - block.start, 0.0), reason, late)
        self.add(span if span.precise else _with_lateness(span))

    def _span(
        self,
        block: "TimedBlock",
        duration: float,
        reason: Reason | None = None,
        late: float = 0.0,
    ) -> Span:
        start = block.start - self.started
        return Span(block.phase, block.step, start, duration, reason, block.note, late)

    def _reason_of(self, error: BaseException) -> Reason:
        """The reason for a span that `error` ended. A time limit ends a span by cancelling it."""
        if isinstance(error, ProbeError):
            return error.reason
        return Reason.TIMEOUT if isinstance(error, CancelledError) else Reason.INTERNAL

    def add(self, span: Span) -> None:
        """Adds a span that was measured elsewhere, or has just ended."""
        if len(self.spans) < MAX_SPANS:
            self.spans.append(span)
        self._report(span)

    def adopt(self, spans: Iterable[Span], phase: Phase, began: float) -> None:
        """Copies spans of a shared session that `began` at that monotonic time, as steps of our
        `phase`."""
        shift = began - self.started
        for span in spans:
            self.add(replace(span, phase=phase, start=span.start + shift))

    def all_spans(self) -> tuple[Span, ...]:
        """The spans that have ended, and those in progress with their duration so far."""
        now = self.now()
        return (
            *self.spans,
            *(self._span(block, max(now - block.start, 0.0)) for block in self._under_way),
        )

    def _report(self, span: Span) -> None:
        if self._progress:
            self._progress(span)

    @property
    def here(self) -> Step | None:
        """The step in progress."""
        return self._step

    def located(self, error: ProbeError) -> ProbeError:
        """A copy of the error just caught, with its place, so that it may be raised again later."""
        phase, step = self._origin.place or (None, None)
        return error.at(error.phase or phase, error.step or step)

    def fact(self, fact: Fact) -> None:
        self.facts.append(fact)

    def replace_fact(self, fact: Fact) -> None:
        """Adds a fact instead of those of its type: only the newest counts."""
        self.facts = [one for one in self.facts if not isinstance(one, type(fact))]
        self.fact(fact)

    def learn(self, error: ProbeError) -> None:
        """Keeps the facts of a failure, also when another failure is reported."""
        self.facts.extend(fact for fact in error.facts if fact not in self.facts)

    def note(self, line: str) -> None:
        """Adds a line to the transcript, which keeps the newest. The caller omits secrets and
        message bodies."""
        self._transcript.note(self.now(), line)

    def add_transcript(self, transcript: Transcript, trip: str = "", mailbox: str = "") -> None:
        """Includes the lines noted there during this trip, except those about other trips. It is
        the transcript of the `mailbox` of this name."""
        self._transcripts.append(TranscriptView(transcript, trip, mailbox))

    @property
    def transcript(self) -> tuple[str, ...]:
        """The transcript since the start, of all legs."""
        return self.newest_lines()

    def newest_lines(self, most: int = MOST_LINES) -> tuple[str, ...]:
        """The newest lines of the transcript."""
        return merged_lines(self._transcripts, self.started, most)

    def conversation(
        self,
        otherwise: Callable[[], ProbeError | None] = lambda: None,
        *,
        server: str = "",
        idle: float = 0.0,
    ) -> AbstractAsyncContextManager[None]:
        """One conversation with a server: after `session_timeout` it fails with `otherwise()`, or
        as a timeout; or as starved, if that is our own fault.

        `idle` seconds of silence are added to that. The server name is for people. Our own delays
        are added as well, up to one more `session_timeout`.
        """
        return Conversation(self, otherwise, server, idle)
