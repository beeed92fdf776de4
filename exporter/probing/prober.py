"""The wall around a trip: its deadline, the one broad except, and exactly one Outcome whatever
happens inside.

It also sees to it that trips are not made too often: two Prometheus servers, a curl and a restart
never send twice.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from exporter.core.clock import Clock
from exporter.core.logs import about
from exporter.core.model import Failure, Leg, Outcome, Phase, ProbeError, ProbeKey, Reply, Span
from exporter.core.run import Run
from exporter.core.transcript import Transcript
from exporter.mail.tokens import Mint, Token, new_trip
from exporter.probing.ledger import Ledger, MailObserver, not_written
from exporter.probing.probe import Mailing, Probe
from exporter.state.commits import Once, Tell
from exporter.state.store import Trip

log = logging.getLogger(__name__)


class Observer(MailObserver, Protocol):
    """Who counts and shows."""

    def known(
        self, probe: ProbeKey, name: str | None, blocklists: tuple[str, ...], falls_back: bool
    ) -> None: ...
    def started(self, probe: ProbeKey) -> None: ...
    def finished(self, outcome: Outcome) -> None: ...
    def forgotten(self, probe: ProbeKey) -> None: ...


class Prober:
    """Makes trips."""

    def __init__(self, mint: Mint, ledger: Ledger, observer: Observer, clock: Clock) -> None:
        self._mint = mint
        self._ledger = ledger
        self._observer = observer
        self._clock = clock

    # ---------------------------------------------------------------- when

    def start_if_due(self, probe: Probe) -> None:
        """Starts a trip unless the newest one is younger than the interval. It does not wait for
        the last one."""
        if probe.due(self._clock.monotonic()):
            self.start(probe)

    def start(
        self, probe: Probe, progress: Callable[[Span], None] | None = None
    ) -> "asyncio.Task[Outcome]":
        """Starts a trip now."""
        begin = partial(Run, self._clock, session_timeout=probe.session_timeout, progress=progress)
        if isinstance(probe.check, Mailing):
            token = self._mint.mint(self._clock.wall())
            trip, keep = token.trip, probe.timeout + probe.check.late_after
            journal = TripJournal(self._ledger, trip, probe.key)
            run = begin(transcript=Transcript(Leg.SEND), journal=journal)
            course = partial(self._mail, probe.check, probe.key, run, token, keep)
        else:
            trip, run = new_trip(), begin(transcript=Transcript("lists"))
            course = partial(probe.check.ask, run)
        probe.last_start = run.started
        return self._launch(probe, trip, run, self._flight(probe, run, trip, course, probe.timeout))

    def resume(self, probe: Probe, trip: Trip) -> None:
        """Goes on with a trip whose message left before this process began, if its module still
        sends messages.

        If it was found already, its verdict stands, and one more look tells whether it still has to
        be deleted.
        """
        if not isinstance(probe.check, Mailing):
            self._ledger.abandon(trip)
            return
        journal = TripJournal(self._ledger, trip.id, probe.key, trip.verdict)
        run = Run(self._clock, session_timeout=probe.session_timeout, journal=journal)
        run.started, run.accepted, run.sending_since = (
            trip.started,
            trip.accepted,
            trip.sending_since,
        )
        run.started_at, run.facts = trip.started_at, [*trip.facts]
        run.answer = next(
            (f"{one.code} {one.text}" for one in trip.facts if isinstance(one, Reply)), ""
        )
        probe.last_start = max(probe.last_start, run.started)
        # However long we were away, there must be time to look whether the message has come.
        timeout = max(
            0.0 if trip.verdict else probe.timeout, run.now() - run.started + probe.session_timeout
        )
        course = partial(probe.check.resume, run, trip.id)
        self._launch(
            probe, trip.id, run, self._flight(probe, run, trip.id, course, timeout, trip.verdict)
        )

    async def ask(self, probe: Probe, patience: float) -> None:
        """What a scrape does: starts a trip if one is due, and waits for the newest in flight,
        within `patience`."""
        probe.last_asked = self._clock.monotonic()
        self.start_if_due(probe)
        if probe.flights:
            newest = next(reversed(probe.flights.values()))
            await asyncio.wait([newest], timeout=max(patience, 0.0))

    async def abandon(self, probe: Probe) -> None:
        """Ends the trips in flight without an outcome: their tokens stay pending, and a restart
        goes on with them."""
        flights = list(probe.flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)

    # ---------------------------------------------------------------- one trip

    def _launch(
        self, probe: Probe, trip: str, run: Run, flight: Coroutine[None, None, Outcome]
    ) -> "asyncio.Task[Outcome]":
        task = asyncio.create_task(flight, name=f"trip {trip}")
        probe.flights[trip], probe.runs[trip] = task, run
        task.add_done_callback(lambda _: probe.landed(trip))
        with _guarded(trip, probe.key):
            self._observer.started(probe.key)
        return task

    async def _mail(
        self, check: Mailing, probe: ProbeKey, run: Run, token: Token, keep: float
    ) -> None:
        """The course of a trip with a message. Trouble with our own state does not keep it from
        being made."""
        with _guarded(token.trip, probe):
            await self._ledger.begin(token, probe, check.mailbox, run, keep)
        await check.run(run, token)

    async def _flight(
        self,
        probe: Probe,
        run: Run,
        trip: str,
        course: Callable[[], Awaitable[None]],
        timeout: float,
        verdict: Outcome | None = None,
    ) -> Outcome:
        """The wall: nothing of a trip is outside of its deadline and of the broad except."""
        failure: Failure | None = None
        try:
            async with run.deadline(timeout):
                await course()
        except ProbeError as error:
            failure = run.failure(error)
            run.learn(error)
        except asyncio.CancelledError as error:
            if _is_meant_for_us():
                self._ledger.leave(trip)
                raise
            failure = self._bug(error, run, trip, probe.key)
        except Exception as error:
            failure = self._bug(error, run, trip, probe.key)
        outcome = verdict or Outcome(
            trip, probe.key, run.started_at, run.now() - run.started, failure=failure
        )
        with _guarded(trip, probe.key):
            outcome = verdict or run.outcome(trip, probe.key, failure)
        # After a failed deletion the message may be seen again, and must not be taken for a
        # duplicate then.
        self._conclude(
            probe, run, outcome, arrived=failure is None or failure.phase is Phase.VERIFY
        )
        return outcome

    def _bug(self, error: BaseException, run: Run, trip: str, probe: ProbeKey) -> Failure:
        log.error(
            "trip %s of %s: a bug of mailtrip",
            trip,
            probe,
            exc_info=error,
            extra=about(trip, probe),
        )
        return run.failure(error)

    def _conclude(self, probe: Probe, run: Run, outcome: Outcome, *, arrived: bool) -> None:
        """Everybody who has to know is told, whatever happens to others, and the log when it is on
        the disk."""
        tell = Once(partial(_tell, outcome))
        with _guarded(outcome.trip, probe.key, otherwise=tell):
            self._ledger.end(outcome, run, arrived=arrived, tell=tell)
        with _guarded(outcome.trip, probe.key):
            probe.show(outcome)
        with _guarded(outcome.trip, probe.key):
            if not probe.removed:
                self._observer.finished(outcome)


@dataclass(frozen=True, slots=True)
class TripJournal:
    """Where the ledger writes down what a restart has to know of one trip."""

    ledger: Ledger
    trip: str
    probe: ProbeKey
    earlier: Outcome | None = None  # the verdict from before a restart, which stands

    def accepted(self, run: Run) -> None:
        self.ledger.accepted(self.trip, run)

    async def verdict(self, run: Run, judged: ProbeError | None) -> None:
        with _guarded(self.trip, self.probe):
            failure = (
                Failure(Phase.VERIFY, None, judged.reason, detail="found before a restart")
                if judged
                else None
            )
            outcome = self.earlier or run.outcome(self.trip, self.probe, failure)
            await self.ledger.found(outcome)


@contextlib.contextmanager
def _guarded(trip: str, probe: ProbeKey, otherwise: Tell | None = None) -> Iterator[None]:
    """Whatever breaks in here is a bug, is told as one, and changes nothing of the trip's
    outcome."""
    try:
        yield
    except Exception:
        log.exception("trip %s of %s: a bug of mailtrip", trip, probe, extra=about(trip, probe))
        if otherwise:
            otherwise("a bug of mailtrip")


def _is_meant_for_us() -> bool:
    """Whether the task of this trip was cancelled, and not only something that it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _tell(outcome: Outcome, why: str) -> None:
    """Once it is on the disk, or with `why` it is not: then a restart may tell it again."""
    extra, more = about(outcome.trip, outcome.probe), not_written(why)
    if outcome.failure:
        log.warning(
            "trip %s of %s failed: %s%s",
            outcome.trip,
            outcome.probe,
            outcome.failure,
            more,
            extra=extra,
        )
    else:
        duration = outcome.duration
        log.info(
            "trip %s of %s is good after %.2f s%s",
            outcome.trip,
            outcome.probe,
            duration,
            more,
            extra=extra,
        )
