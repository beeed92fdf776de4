"""Makes trips, at most one per interval: two Prometheus servers, a curl and a restart never send
twice."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from exporter.checks.check import ExchangerCheck, MailCheck
from exporter.core.availability.maintenance import Maintenance
from exporter.core.model import Outcome, ProbeKey, Reply, Span
from exporter.core.phases import Leg
from exporter.core.timing.clock import Clock
from exporter.core.trace.run import Run
from exporter.core.transcript.transcript import Transcript
from exporter.mail.tokens import Mint, Token, new_trip
from exporter.probing.admission import Admission
from exporter.probing.bugs import contained
from exporter.probing.comparisons import Comparisons
from exporter.probing.conclusions import Conclusions
from exporter.probing.exchanger_visits import ExchangerVisits
from exporter.probing.flight import Flight
from exporter.probing.journal import TripJournal
from exporter.probing.ledger import Ledger
from exporter.probing.observer import Observer, TraceObserver
from exporter.probing.probe import Probe
from exporter.state.trip import Trip

TURN_PATIENCE = 0.5  # seconds that a scrape waits until its trip can start


class Prober:
    """Makes trips."""

    def __init__(
        self,
        mint: Mint,
        ledger: Ledger,
        observer: Observer,
        clock: Clock,
        maintenance: Maintenance | None = None,
        comparisons: Comparisons | None = None,
        traces: TraceObserver | None = None,
    ) -> None:
        self._mint = mint
        self._ledger = ledger
        self._observer = observer
        self._clock = clock
        self._conclusions = Conclusions(
            ledger, observer, maintenance or Maintenance(), comparisons, traces
        )
        self._admission = Admission(self.start, clock)

    @property
    def lag(self) -> float:
        """How late the trip is that has been due for the longest time; 0 if none waits."""
        return self._admission.lag

    def start_if_due(self, probe: Probe) -> "asyncio.Future[None]":
        """Starts a trip unless the newest one is younger than the interval: at once, or when its
        turn comes; then the result is done. It does not wait for the last one."""
        if probe.schedule.due(self._clock.monotonic()):
            return self._admission.enqueue(probe)
        return _nothing()

    def start_now(self, probe: Probe) -> "asyncio.Future[None]":
        """Starts a trip by hand, before the interval is over, unless one is in progress or the last
        one started within the gap: at once, or when its turn comes; then the result is done."""
        if probe.schedule.request(self._clock.monotonic(), busy=bool(probe.flights)):
            return self._admission.enqueue(probe)
        return _nothing()

    def start(
        self, probe: Probe, progress: Callable[[Span], None] | None = None
    ) -> "asyncio.Task[Outcome]":
        """Starts a trip now."""
        begin = partial(Run, self._clock, session_timeout=probe.session_timeout, progress=progress)
        if isinstance(probe.check, MailCheck):
            token = self._mint.mint(self._clock.wall())
            trip, keep = token.trip, probe.timeout + probe.check.late_after
            journal = TripJournal(self._ledger, trip, probe.key)
            run = begin(transcript=Transcript(Leg.SEND), journal=journal)
            course = partial(self._mail, probe.check, probe.key, run, token, keep)
        else:
            trip, run = new_trip(), begin(transcript=Transcript("lists"))
            course = partial(probe.check.run, run)
        recheck = probe.schedule.start(run.started)
        flight = self._launch(probe, trip, run, course, probe.timeout, recheck=recheck)
        if not recheck:
            self._visit_exchangers(probe, trip, run, flight)
        return flight

    def _visit_exchangers(
        self, probe: Probe, trip: str, run: Run, flight: "asyncio.Task[Outcome]"
    ) -> None:
        """Tests each exchanger beside the trip, if that is asked for, and if the last time is
        over."""
        check = probe.check
        if not isinstance(check, ExchangerCheck) or not check.visits_each or probe.visits:
            return
        visits = ExchangerVisits(
            probe, check, trip, run, self._mint, self._ledger, self._observer, self._clock
        )
        task = asyncio.create_task(visits.run(flight), name=f"exchangers of trip {trip}")
        probe.visits[trip] = task
        task.add_done_callback(lambda _: probe.visits.pop(trip))

    def resume(self, probe: Probe, trip: Trip) -> None:
        """Continues a trip whose message left before this process began, if its module still sends
        messages.

        If the message was already found, the verdict remains, and one more poll deletes it if
        necessary.
        """
        if not isinstance(probe.check, MailCheck):
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
        probe.schedule.resume(run.started)
        # However long we were away, there must be time to look whether the message has come.
        timeout = max(
            0.0 if trip.verdict else probe.timeout, run.now() - run.started + probe.session_timeout
        )
        course = partial(probe.check.resume, run, trip.id)
        self._launch(probe, trip.id, run, course, timeout, trip.verdict)

    async def scrape(self, probe: Probe, patience: float) -> None:
        """Handles a scrape: starts a trip if one is due, and waits for the newest one, within
        `patience`. If we are overloaded, it does not wait until a trip can start."""
        until = self._clock.monotonic() + max(patience, 0.0)
        probe.last_scraped = self._clock.monotonic()
        turn = self.start_if_due(probe)
        if not turn.done():
            await asyncio.wait([turn], timeout=min(max(patience, 0.0), TURN_PATIENCE))
        if not turn.done():
            return
        turn.result()  # raises what a bug has raised
        if probe.flights:
            newest = next(reversed(probe.flights.values()))
            await asyncio.wait([newest], timeout=max(until - self._clock.monotonic(), 0.0))

    def close(self) -> None:
        """Starts no more trips of probes that wait for their turn."""
        self._admission.close()

    async def abandon(self, probe: Probe) -> None:
        """Ends the trips in progress without an outcome: their tokens stay pending, and a restart
        continues them."""
        flights = [*probe.visits.values(), *probe.flights.values()]
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)

    def _launch(
        self,
        probe: Probe,
        trip: str,
        run: Run,
        course: Callable[[], Awaitable[None]],
        timeout: float,
        verdict: Outcome | None = None,
        *,
        recheck: bool = False,
    ) -> "asyncio.Task[Outcome]":
        flight = Flight(
            probe,
            trip,
            run,
            self._ledger,
            self._conclusions,
            verdict,
            recheck=recheck,
        )
        task = asyncio.create_task(flight.run(course, timeout), name=f"trip {trip}")
        probe.begin_flight(trip, task, run)
        task.add_done_callback(lambda _: probe.end_flight(trip))
        with contained(trip, probe.key):
            self._observer.started(probe.key)
        return task

    async def _mail(
        self, check: MailCheck, probe: ProbeKey, run: Run, token: Token, keep: float
    ) -> None:
        """Makes a trip with a message, also when our own state cannot be written."""
        with contained(token.trip, probe):
            await self._ledger.record(token, probe, check.mailbox, run, keep, home=check.home)
        await check.run(run, token)


def _nothing() -> "asyncio.Future[None]":
    nothing: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    nothing.set_result(None)
    return nothing
