"""One trip in progress: its phases, its deadline, and when its message was accepted."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from exporter.core.facts import DnsRecords, MailServer
from exporter.core.model import (
    Fact,
    Failure,
    Outcome,
    ProbeError,
    ProbeKey,
    Reply,
    Span,
    TlsSession,
)
from exporter.core.one_line import one_line
from exporter.core.phases import Leg, Phase
from exporter.core.reasons import Reason
from exporter.core.timing.clock import Clock
from exporter.core.timing.wake import Wake
from exporter.core.trace.deadline import Deadline
from exporter.core.trace.trace import TimedBlock, Trace
from exporter.core.transcript.transcript import MOST_LINES, Transcript
from exporter.core.transcript.view import FEW_LINES

VERDICT_PATIENCE = 5.0  # seconds for writing down the verdict before a message is deleted


class Journal(Protocol):
    """Saves what a restart needs to know about one trip."""

    def accepted(self, run: "Run") -> None:
        """Saves that the message was accepted: a restart will continue the trip."""

    async def verdict(self, run: "Run", judged: ProbeError | None) -> None:
        """Saves that the message is back; `judged` is its failure, if any. Returns when that is on
        disk."""


class PhaseBlock:
    """The block of a phase. It is not a generator, since each trip has five of them."""

    __slots__ = ("_block", "_overdue", "_phase", "_run")

    def __init__(
        self, run: "Run", phase: Phase, overdue: Callable[[], ProbeError | None] | None
    ) -> None:
        self._run = run
        self._phase = phase
        self._overdue = overdue

    async def __aenter__(self) -> None:
        self._block = self._run._enter(self._phase, self._overdue)

    async def __aexit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        self._run._leave(self._block, error)


class Run(Trace):
    """The events of one trip. A trip that a restart can continue has a `journal`.

    The other arguments are those of every Trace.
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
        super().__init__(
            clock, session_timeout=session_timeout, progress=progress, transcript=transcript
        )
        self.started_at = clock.wall()
        self.sending_since: float | None = None
        self.accepted: float | None = None
        # Of the server that has taken the message: a reply with the queue's name, most often.
        self.answer = ""
        # Sending is over, or waits to be repeated: another message of ours may be sent meanwhile.
        self.makes_way = Wake()
        self.uncertain = False  # the whole message was sent, and the final reply has not come
        # Codes of the replies by which the message must be refused: then it is not sent again.
        self.expected_refusals: frozenset[str] = frozenset()
        self._journal = journal
        self._deadline = Deadline(clock)
        self._heading = Phase.OPEN  # the phase that we are in, or on the way to

    def phase(
        self, phase: Phase, overdue: Callable[[], ProbeError | None] | None = None
    ) -> AbstractAsyncContextManager[None]:
        """Attributes its block to `phase`. When the message is accepted, `send` ends and `deliver`
        begins.

        If the deadline passes in it, the trip fails with `overdue()`, or else as a timeout.
        """
        return PhaseBlock(self, phase, overdue)

    def _enter(self, phase: Phase, overdue: Callable[[], ProbeError | None] | None) -> TimedBlock:
        self.head_for(phase)
        self._deadline.overdue = overdue
        start = self.now()
        if phase is Phase.SEND:
            self.sending_since = start
        elif phase is Phase.DELIVER and self.accepted is not None:
            start = self.accepted
        self._phase = phase

        def good_until() -> float | None:
            return self.accepted if phase is Phase.SEND else None

        block = TimedBlock(self, phase, None, start, good_until=good_until)
        self._begin(block)
        return block

    def _leave(self, block: TimedBlock, error: BaseException | None) -> None:
        try:
            self._end(block, error)
        finally:
            self._phase = None
            if block.phase is Phase.SEND:
                self.makes_way.set()

    def head_for(self, phase: Phase) -> None:
        """Attributes failures from now on to `phase`, though it has not begun."""
        self._heading, self._deadline.overdue = phase, None
        self._origin.forget()

    def accept(self, answer: str = "") -> None:
        """Marks the message as accepted: from now on the server that replied `answer` is
        responsible for it."""
        self.answer = one_line(answer)
        self.accepted = self.now()
        if self._journal:
            self._journal.accepted(self)

    async def record_verdict(self, judged: ProbeError | None) -> None:
        """Records the verdict. Await it before the message is deleted from the mailbox.

        Its time limit is separate and in no phase: a slow disk is not blamed on the mailbox, and
        does not prevent the deletion.
        """
        self.head_for(Phase.DELETE)
        if self._journal is None:
            return
        try:
            async with asyncio.timeout(VERDICT_PATIENCE):
                await self._journal.verdict(self, judged)
        except TimeoutError:
            self.note(
                f"-- the verdict was not written to disk within {VERDICT_PATIENCE:g} s; deleting"
                " the message anyway"
            )

    @asynccontextmanager
    async def deadline(
        self, seconds: float, too_late: str = "not finished within the module's timeout"
    ) -> AsyncIterator[None]:
        """The deadline of the whole trip, counted from its start. After it the trip fails as its
        phase defines, or as a timeout with the detail `too_late`."""
        self._deadline.too_late = too_late
        left = self.started + seconds - self.now()
        patience = seconds if self.session_timeout is None else self.session_timeout
        async with self._deadline.over(left, patience):
            yield

    def time_left(self) -> float:
        """Seconds until the trip's deadline."""
        return self._deadline.left()

    def overdue(self) -> ProbeError:
        """What the trip fails with if its deadline passes now."""
        return self._deadline.error()

    def extend_for_deletion(self) -> None:
        """Gives a trip whose message is back time for its verdict and the deletion: twice
        `session_timeout` and the time to write the verdict down, whatever its deadline was.
        """
        self._deadline.too_late = "the message could not be deleted in time"
        if self.session_timeout is not None:
            self._deadline.extend(2 * self.session_timeout + VERDICT_PATIENCE)

    def _reason_of(self, error: BaseException) -> Reason:
        if isinstance(error, asyncio.CancelledError) and self._deadline.is_past():
            return self._deadline.error().reason
        return super()._reason_of(error)

    def facts_of_sending(self) -> tuple[Fact, ...]:
        """The facts that a restart could not find out again."""
        return tuple(
            one
            for one in self.facts
            if isinstance(one, Reply | MailServer | DnsRecords)
            or (isinstance(one, TlsSession) and one.leg is Leg.SEND)
        )

    def failure(self, error: BaseException) -> Failure:
        """The failure for an exception that left the trip."""
        phase, step = self._origin.place or (None, None)
        phase = phase or self._heading
        if not isinstance(error, ProbeError):
            return Failure(phase, step, Reason.INTERNAL, "", f"{type(error).__name__}: see the log")
        return Failure(
            error.phase or phase, error.step or step, error.reason, error.code, error.detail
        )

    def outcome(
        self,
        trip: str,
        probe: ProbeKey,
        failure: Failure | None = None,
        *,
        transcript: bool = True,
    ) -> Outcome:
        """The outcome of the trip so far, with its transcript or without; a failure has more
        lines."""
        return Outcome(
            trip,
            probe,
            self.started_at,
            self.now() - self.started,
            self.all_spans(),
            tuple(self.facts),
            failure,
            self.newest_lines(MOST_LINES if failure else FEW_LINES) if transcript else (),
        )
