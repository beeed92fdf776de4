"""The messages through each exchanger, beside a trip: its own goes through only one of them.

They begin when that has been sent, and may go on after the trip has ended: an exchanger that is
down delays no result. Each has a token of its own, which is on the disk before it is sent. They are
never resumed: after a restart, they are only deleted.
"""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, TypeVar

from exporter.checks.check import ExchangerCheck
from exporter.core.facts import Arrival
from exporter.core.logs import about
from exporter.core.model import (
    Exchanger,
    ExchangerVisit,
    Fact,
    Failure,
    Outcome,
    PlaintextFallback,
    ProbeError,
    TlsPolicy,
    TlsSession,
)
from exporter.core.one_line import one_line
from exporter.core.phases import Leg, Phase
from exporter.core.reasons import Reason, Trait
from exporter.core.steps import Step
from exporter.core.timing.clock import Clock
from exporter.core.trace.run import Run
from exporter.core.transcript.transcript import Transcript
from exporter.mail.tokens import Mint
from exporter.probing.bugs import contained
from exporter.probing.ledger import Ledger
from exporter.probing.observer import Observer
from exporter.probing.probe import Probe

log = logging.getLogger(__name__)

SHARE = 0.9  # of the interval, or of a shorter timeout: then the next trip finds it done
SENDING = 0.5  # of that; the rest is for messages to arrive
LEAST = 1.0  # seconds for a conversation
ENOUGH = 20.0  # for one with an exchanger that pauses before its greeting, as many do
MOST_LINES = 20  # of the transcript of a message that failed
LONGEST_LINE = 200  # characters

_REACHING = frozenset({Step.RESOLVE, Step.CONNECT})

Kind = TypeVar("Kind")


class ExchangerVisits:
    """The messages beside one trip. Times are monotonic seconds."""

    def __init__(
        self,
        probe: Probe,
        check: ExchangerCheck,
        trip: str,
        run: Run,
        mint: Mint,
        ledger: Ledger,
        observer: Observer,
        clock: Clock,
    ) -> None:
        self._probe = probe
        self._check = check
        self._trip = trip
        self._run = run  # of the trip
        self._mint = mint
        self._ledger = ledger
        self._observer = observer
        self._clock = clock
        self._keep = probe.timeout + check.late_after
        time = SHARE * min(probe.schedule.interval, probe.timeout)
        self._end = run.started + time
        self._send_until = run.started + SENDING * time

    async def run(self, flight: "asyncio.Task[Outcome]") -> tuple[ExchangerVisit, ...]:
        """Sends the messages, waits for them, and reports. Empty if the exchangers are unknown."""
        await self._wait_for_way(self._run, flight)
        visits: tuple[ExchangerVisit, ...] = ()
        with contained(self._trip, self._probe.key):
            visits = await self._all(flight)
            self._report(visits, flight)
        return visits

    async def _all(self, flight: "asyncio.Task[Outcome]") -> tuple[ExchangerVisit, ...]:
        resolving = self._new_run(self._probe.session_timeout)
        try:
            exchangers = await self._check.exchangers(resolving)
        except ProbeError as error:  # as that of the trip, most often
            log.warning("%s: its exchangers are not tested: %s", self._name, error)
            return ()
        own = _first(self._run.facts, Exchanger)
        others = [one for one in exchangers if not (own and _is_same(one, own))]
        visits: list[asyncio.Task[ExchangerVisit]] = []
        try:
            for number, exchanger in enumerate(others):
                patience = self._patience(len(others) - number)
                if not patience:
                    visits.append(asyncio.create_task(_not_visited(exchanger)))
                    continue
                run = self._new_run(patience)
                visit = asyncio.create_task(self._visit(exchanger, run))
                visits.append(visit)
                await self._wait_for_way(run, visit)
            made = list(await asyncio.gather(*visits))
        finally:
            for visit in visits:
                visit.cancel()
            await asyncio.gather(*visits, return_exceptions=True)
        if own and any(_is_same(one, own) for one in exchangers):
            made.append(await self._own(own, flight))
        return tuple(sorted(made, key=lambda one: (one.preference, one.host, one.address)))

    async def _wait_for_way(self, run: Run, task: "asyncio.Task[Any]") -> None:
        """Returns when the task has sent its message, waits to send it again, or has ended."""
        task.add_done_callback(lambda _: run.makes_way.set())
        await run.makes_way.sleep(max(self._end - self._clock.monotonic(), 0.0))

    def _patience(self, remaining: int) -> float:
        """The time for a conversation with the next one, so that the others have as much: one that
        is down does not use up the time of all. 0 if there is none left."""
        left = self._send_until - self._clock.monotonic()
        share = max(left / remaining, LEAST)
        return min(share, self._probe.session_timeout) if left > 0 else 0.0

    def _new_run(self, patience: float) -> Run:
        return Run(self._clock, session_timeout=patience, transcript=Transcript(Leg.SEND))

    async def _visit(self, exchanger: Exchanger, run: Run) -> ExchangerVisit:
        """Makes the whole way of one message."""
        token, key, failure = self._mint.mint(self._clock.wall()), self._probe.key, None
        mailbox, home = self._check.mailbox, self._check.home
        try:
            async with run.deadline(self._end - run.started):
                with contained(token.trip, key):
                    await self._ledger.record(
                        token, key, mailbox, run, self._keep, of=self._run, home=home
                    )
                await self._check.through(exchanger).run(run, token)
        except ProbeError as error:
            failure = self._worded(run.failure(error), run)
            run.learn(error)
        except asyncio.CancelledError:
            self._ledger.leave(token.trip)
            raise
        except Exception as error:
            log.exception("%s: %s: a bug in mailtrip", self._name, exchanger)
            failure = run.failure(error)
        arrived = _first(run.facts, Arrival) is not None
        self._ledger.end_visit(token.trip, run, arrived=arrived)
        lines = run.newest_lines(MOST_LINES) if failure else ()
        shown = tuple(one_line(line, LONGEST_LINE) for line in lines)
        visit = _visit_of(exchanger, run, failure, shown)
        return replace(visit, success=None) if self._was_hurried(visit, run) else visit

    def _was_hurried(self, visit: ExchangerVisit, run: Run) -> bool:
        """Whether an exchanger that is there was perhaps only slower than its share of the time."""
        failure, patience = visit.failure, run.session_timeout or 0.0
        return (
            failure is not None
            and (failure.phase, failure.reason) == (Phase.SEND, Reason.TIMEOUT)
            and failure.step not in _REACHING
            and patience < min(ENOUGH, self._probe.session_timeout)
        )

    async def _own(self, exchanger: Exchanger, flight: "asyncio.Task[Outcome]") -> ExchangerVisit:
        """What became of the trip's own message, as far as it is known in time."""
        run = self._run
        await asyncio.wait((flight,), timeout=max(self._end - self._clock.monotonic(), 0.0))
        if flight.done():
            return _visit_of(exchanger, run, flight.result().failure)
        if _first(run.facts, Arrival):
            return _visit_of(exchanger, run, None)
        overdue = Failure(Phase.DELIVER, None, Reason.OVERDUE)
        return _visit_of(exchanger, run, self._worded(overdue, run))

    def _worded(self, failure: Failure, run: Run) -> Failure:
        """An overdue message had another time than the module's timeout."""
        if failure.reason is not Reason.OVERDUE:
            return failure
        seen = f"accepted, but not seen in mailbox {self._check.mailbox}"
        within = f"within {self._end - (run.accepted or run.started):.0f} s"
        return replace(failure, detail=one_line(f"{seen} {within}; it was answered {run.answer}"))

    def _report(self, visits: tuple[ExchangerVisit, ...], flight: "asyncio.Task[Outcome]") -> None:
        if not visits or self._probe.removed:
            return
        own = _first(self._run.facts, Exchanger)
        for visit in visits:
            if visit.success is False and not (own and visit.place == str(own)):
                extra = about(self._trip, self._probe.key)
                log.warning("%s: %s: %s", self._name, visit.place, visit.failure, extra=extra)
        if flight.done():
            self._ledger.keep_visits(self._trip, self._probe.key, visits)
        else:
            self._run.facts.extend(visits)
        self._observer.visited(self._probe.key, visits)

    @property
    def _name(self) -> str:
        return f"trip {self._trip} of {self._probe.key}"


async def _not_visited(exchanger: Exchanger) -> ExchangerVisit:
    detail = "not sent: no time was left after the exchangers before it"
    failure = Failure(Phase.SEND, None, Reason.TIMEOUT, "", detail)
    return ExchangerVisit(exchanger.host, exchanger.preference, exchanger.address, None, failure)


def _is_same(one: Exchanger, other: Exchanger) -> bool:
    return (one.host.lower(), one.address) == (other.host.lower(), other.address)


def _first(facts: Iterable[Fact], kind: type[Kind]) -> Kind | None:
    return next((one for one in facts if isinstance(one, kind)), None)


def _visit_of(
    exchanger: Exchanger, run: Run, failure: Failure | None, lines: tuple[str, ...] = ()
) -> ExchangerVisit:
    if failure and failure.phase is Phase.DELETE:
        failure = None  # it has arrived
    arrival, fallback = _first(run.facts, Arrival), _first(run.facts, PlaintextFallback)
    sent, since = run.accepted, run.sending_since
    sessions = (one for one in run.facts if isinstance(one, TlsSession) and one.leg is Leg.SEND)
    return ExchangerVisit(
        exchanger.host,
        exchanger.preference,
        exchanger.address,
        _verdict(failure),
        failure,
        None if sent is None or since is None else sent - since,
        arrival.delay if arrival else None,
        next(sessions, None),
        _first(run.facts, TlsPolicy),
        fallback.why if fallback else "",
        lines if failure else (),
    )


def _verdict(failure: Failure | None) -> bool | None:
    """Whether mail arrives through an exchanger; None if the failure says nothing about it: the
    mailbox cannot be read, we were too late ourselves, or had no slot or no time to send."""
    if failure is None:
        return True
    unsent = failure.phase is Phase.SEND and failure.step is None
    ours = Trait.OURS in failure.reason.traits
    if ours or (unsent and failure.reason is Reason.TIMEOUT):
        return None
    return False if failure.reason.blames(failure.phase) in (Leg.SEND, Leg.DELIVERY) else None
