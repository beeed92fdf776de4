"""One trip in flight: its clock, its deadlines, its trace and its facts.

Code says where it is (`async with run.phase(...)`, `with run.step(...)`), never where it failed:
the innermost span open when an exception escapes is the failure's place. Opening a new span forgets
an error that was got over, so when the first exchanger is down and the second works, nobody is
blamed.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from exporter.core.fairness import FairLimit, fair_timeout
from exporter.core.model import (
    Fact,
    Failure,
    Leg,
    Outcome,
    Phase,
    ProbeError,
    ProbeKey,
    Reason,
    Reply,
    Span,
    Step,
    TlsSession,
    one_line,
)
from exporter.core.transcript import FEW_LINES, MOST_LINES, Overheard, Transcript, told

MAX_SPANS = 500
VERDICT_PATIENCE = 5.0  # seconds for writing down the verdict before a message is deleted
MAX_TRANSLATIONS = 10  # of an error, on its way up


@dataclass(frozen=True, slots=True)
class Clock:
    """The only place where the time is read. `monotonic` measures, `wall` is for people and for
    other machines."""

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time


def boot_id() -> str:
    """Names the period in which monotonic times may be compared, also across a restart of this
    program (Linux)."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


class Journal(Protocol):
    """Writes down what a restart has to know of one trip."""

    def accepted(self, run: "Run") -> None:
        """The message was accepted: a restart will go on with the trip."""

    async def verdict(self, run: "Run", judged: ProbeError | None) -> None:
        """The message is back, and `judged` is what is wrong with it. Returns when that is on the
        disk."""


class Run:
    """What happens in one trip, or in one session of a mailbox that many trips share.

    `session_timeout` bounds one conversation with a server, in seconds; None means no bound.
    `progress` is called with every span that ends, and with every one that begins (its duration is
    then negative). What is said is noted in `transcript`, where the sessions of a mailbox share
    one. A trip that a restart goes on with has a `journal`.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        session_timeout: float | None = None,
        progress: Callable[[Span], None] | None = None,
        transcript: Transcript | None = None,
        journal: Journal | None = None,
    ) -> None:
        self.clock = clock
        self.session_timeout = session_timeout
        self.started = clock.monotonic()
        self.started_at = clock.wall()
        self.spans: list[Span] = []
        self.facts: list[Fact] = []
        self.sending_since: float | None = None
        self.accepted: float | None = None
        # Of the server that has taken the message: a reply with the queue's name, most often.
        self.answer = ""
        self.uncertain = False  # the whole message was sent, and the final reply has not come
        self._journal = journal
        self._overdue: Callable[[], ProbeError | None] | None = None
        self._too_late = ""  # what a trip past its deadline fails with when `_overdue` says nothing
        self._progress = progress
        self._transcript = transcript or Transcript(Leg.SEND)
        self._heard = [Overheard(self._transcript)]
        self._under_way: list[Span] = []
        self._limit: FairLimit | None = None
        self._phase: Phase | None = None
        self._step: Step | None = None
        self._heading = Phase.OPEN  # the phase that we are in, or on the way to
        self._place: tuple[Phase | None, Step | None] | None = (
            None  # where the newest error came from
        )
        self._broke: BaseException | None = None  # that error

    def now(self) -> float:
        """Monotonic seconds; comparable with `started`, `accepted` and every other Run of this
        machine."""
        return self.clock.monotonic()

    # ---------------------------------------------------------------- where we are

    @asynccontextmanager
    async def phase(
        self, phase: Phase, overdue: Callable[[], ProbeError | None] | None = None
    ) -> AsyncIterator[None]:
        """Everything inside belongs to `phase`. `send` ends, and `deliver` begins, when the message
        was accepted.

        When the deadline passes inside, the trip fails with `overdue()`, or else as a timeout.
        """
        self.head_for(phase)
        self._overdue = overdue
        start = self.now()
        if phase is Phase.SEND:
            self.sending_since = start
        elif phase is Phase.DELIVER and self.accepted is not None:
            start = self.accepted
        self._phase, self._step = phase, None
        try:
            with self._span(phase, None, start):
                yield
        finally:
            self._phase = None

    async def record_verdict(self, judged: ProbeError | None) -> None:
        """To be awaited before the deletion, when the mailbox forgets that the message was there.

        It has seconds of its own, in no phase: a disk that stalls is no fault of the mailbox, and
        no message stays because of it.
        """
        self.head_for(Phase.DELETE)
        if self._journal is None:
            return
        try:
            async with asyncio.timeout(VERDICT_PATIENCE):
                await self._journal.verdict(self, judged)
        except TimeoutError:
            self.note(
                f"-- the verdict is not on the disk after {VERDICT_PATIENCE:g} s; the message is"
                " deleted all the same"
            )

    def head_for(self, phase: Phase) -> None:
        """What follows is on the way to `phase`, though it has not begun: what breaks now broke
        there."""
        self._heading, self._place, self._overdue = phase, None, None

    @contextmanager
    def step(self, step: Step, note: str = "") -> Iterator[None]:
        """Everything inside is `step` of the phase we are in (of `open` in a session that trips
        share)."""
        outer = self._step
        self._step = step
        try:
            with self._span(self._phase or Phase.OPEN, step, self.now(), one_line(note)):
                yield
        finally:
            self._step = outer

    @contextmanager
    def _span(
        self, phase: Phase, step: Step | None, start: float, note: str = ""
    ) -> Iterator[None]:
        self._place = None
        offset = start - self.started
        begun = Span(phase, step, offset, -1.0, note=note)
        self._under_way.append(begun)
        self._tell(begun)
        reason: Reason | None = None
        try:
            yield
        except BaseException as error:
            if self._place is None or not _comes_of(error, self._broke):
                self._place = (phase, step)
            self._broke = error
            reason = self._reason_of(error)
            raise
        finally:
            end = self.now()
            self._under_way.remove(begun)
            if (
                phase is Phase.SEND
                and step is None
                and reason is None
                and self.accepted is not None
            ):
                end = self.accepted
            self.add(Span(phase, step, offset, max(end - start, 0.0), reason, note))

    def add(self, span: Span) -> None:
        """Notes a span that was measured elsewhere, or has just ended."""
        if len(self.spans) < MAX_SPANS:
            self.spans.append(span)
        self._tell(span)

    def adopt(self, spans: Iterable[Span], phase: Phase, began: float) -> None:
        """Takes over spans of a shared session that `began` at that monotonic time, as steps of our
        `phase`."""
        shift = began - self.started
        for span in spans:
            self.add(replace(span, phase=phase, start=span.start + shift))

    def trace(self) -> tuple[Span, ...]:
        """The spans that have ended, and those that are under way, as long as they are by now."""
        now = self.now() - self.started
        return (
            *self.spans,
            *(replace(span, duration=max(now - span.start, 0.0)) for span in self._under_way),
        )

    def _tell(self, span: Span) -> None:
        if self._progress:
            self._progress(span)

    @property
    def here(self) -> Step | None:
        """The step that is under way."""
        return self._step

    # ---------------------------------------------------------------- what happens

    def accept(self, answer: str = "") -> None:
        """The message has been accepted: from this moment someone else is responsible for it, who
        said `answer`."""
        self.answer = one_line(answer)
        self.accepted = self.now()
        if self._journal:
            self._journal.accepted(self)

    def fact(self, fact: Fact) -> None:
        self.facts.append(fact)

    def learn(self, error: ProbeError) -> None:
        """What a failure teaches is a fact, also when another one is told."""
        self.facts.extend(fact for fact in error.facts if fact not in self.facts)

    def note(self, line: str) -> None:
        """A line of the transcript, which keeps the newest. The caller leaves out secrets and
        message bodies."""
        self._transcript.note(self.now(), line)

    def overhear(self, transcript: Transcript, trip: str = "") -> None:
        """What is noted there in the time of this trip, and not about others, belongs to its
        transcript."""
        self._heard.append(Overheard(transcript, trip))

    @property
    def transcript(self) -> tuple[str, ...]:
        """What was said in the time of this trip, on all legs."""
        return self.said()

    def said(self, most: int = MOST_LINES) -> tuple[str, ...]:
        """The newest lines of the transcript."""
        return told(self._heard, self.started, most)

    @asynccontextmanager
    async def conversation(
        self,
        otherwise: Callable[[], ProbeError | None] = lambda: None,
        *,
        server: str = "",
        idle: float = 0.0,
    ) -> AsyncIterator[None]:
        """One conversation with a server: past `session_timeout` it fails with `otherwise()`, or as
        a timeout.

        `idle` seconds of silence are allowed on top. The name of the server is for people. When we
        were late ourselves, the server has that time on top, but no more than once more its
        `session_timeout`.
        """
        if self.session_timeout is None:
            yield
            return
        limit = self.session_timeout + idle
        try:
            async with fair_timeout(limit, self.session_timeout):
                yield
        except TimeoutError:
            whose = f" from {server}" if server else ""
            raise otherwise() or ProbeError(
                Reason.TIMEOUT, f"no answer{whose} within {limit:g} s"
            ) from None

    # ---------------------------------------------------------------- how it ended

    @asynccontextmanager
    async def deadline(
        self, seconds: float, too_late: str = "not finished within the module's timeout"
    ) -> AsyncIterator[None]:
        """The end of the whole trip, counted from its start: past it, it fails as the phase says,
        or as a timeout with the detail `too_late`."""
        self._too_late = too_late
        left = self.started + seconds - self.now()
        try:
            async with fair_timeout(
                left, seconds if self.session_timeout is None else self.session_timeout
            ) as limit:
                self._limit = limit
                yield
        except TimeoutError as error:
            raise self._timed_out() if self._limit and self._limit.expired() else error from None

    def _timed_out(self) -> ProbeError:
        return (self._overdue and self._overdue()) or ProbeError(Reason.TIMEOUT, self._too_late)

    def facts_of_sending(self) -> tuple[Fact, ...]:
        """What a restart could not find out again."""
        return tuple(
            one
            for one in self.facts
            if isinstance(one, Reply) or (isinstance(one, TlsSession) and one.leg is Leg.SEND)
        )

    def extend(self) -> None:
        """The message is back: the trip may end politely, within `session_timeout`, whatever its
        deadline was."""
        self._too_late = "the message could not be deleted in time"
        if self._limit and self.session_timeout is not None:
            self._limit.reschedule(
                max(
                    self._limit.when(),
                    asyncio.get_running_loop().time() + 2 * self.session_timeout + VERDICT_PATIENCE,
                )
            )

    def located(self, error: ProbeError) -> ProbeError:
        """A copy of the error just caught that knows its place, so that it may be raised again
        later."""
        phase, step = self._place or (None, None)
        return error.at(error.phase or phase, error.step or step)

    def time_left(self) -> float:
        """Seconds until the trip's deadline."""
        return (
            self._limit.when() - asyncio.get_running_loop().time() if self._limit else float("inf")
        )

    def failure(self, error: BaseException) -> Failure:
        """Where and why, for an exception that escaped from the trip."""
        phase, step = self._place or (None, None)
        phase = phase or self._heading
        if not isinstance(error, ProbeError):
            return Failure(phase, step, Reason.INTERNAL, "", f"{type(error).__name__}: see the log")
        return Failure(
            error.phase or phase, error.step or step, error.reason, error.code, error.detail
        )

    def outcome(self, trip: str, probe: ProbeKey, failure: Failure | None = None) -> Outcome:
        """What the trip has come to by now; a failure is told at more length."""
        return Outcome(
            trip,
            probe,
            self.started_at,
            self.now() - self.started,
            self.trace(),
            tuple(self.facts),
            failure,
            self.said(MOST_LINES if failure else FEW_LINES),
        )

    def _reason_of(self, error: BaseException) -> Reason:
        """The reason to write at a span that `error` ended. A time limit ends a span by cancelling
        it."""
        if isinstance(error, ProbeError):
            return error.reason
        if isinstance(error, asyncio.CancelledError):
            return (
                self._timed_out().reason
                if self._limit and self._limit.expired()
                else Reason.TIMEOUT
            )
        return Reason.INTERNAL


def _comes_of(error: BaseException, other: BaseException | None) -> bool:
    """Whether an error is another one, or its translation: it was raised while that was being dealt
    with."""
    for _ in range(MAX_TRANSLATIONS):
        if error is other:
            return True
        if (earlier := error.__cause__ or error.__context__) is None:
            return False
        error = earlier
    return False
