"""Tracks messages in transit: the trip of each, and whether it is late, lost or a duplicate.

An overdue trip has failed, but its token stays known for `late_after`: if the message arrives by
then, it counts as late, its true delay is observed and it is deleted; if not, it counts as lost.
Restarts do not change this.
"""

import asyncio
import logging
from collections.abc import Awaitable
from dataclasses import replace
from functools import partial

from exporter.core.availability.outage import Outage, Unsettled
from exporter.core.facts import LateArrival
from exporter.core.home import Home
from exporter.core.logs import about
from exporter.core.model import ExchangerVisit, Outcome, ProbeKey
from exporter.core.reasons import Reason
from exporter.core.timing.clock import Clock
from exporter.core.trace.run import VERDICT_PATIENCE, Run
from exporter.mail.message import Kind
from exporter.mail.tokens import Token
from exporter.mailboxes.watcher.reader import Reader
from exporter.mailboxes.watcher.strays import Stray
from exporter.mailboxes.watcher.watcher import Watcher
from exporter.probing.late_arrival import late_arrival
from exporter.probing.left_over import LEFT_OVER_AFTER, LeftOvers
from exporter.probing.log_lines import log_message
from exporter.probing.observer import MailObserver, TraceObserver
from exporter.probing.overdue import OverdueTrips
from exporter.probing.passed_time import PassedTime
from exporter.state.commit_callbacks import Tell
from exporter.state.commits import PATIENCE
from exporter.state.schema import StateUnusable
from exporter.state.store import Store
from exporter.state.trip import State, Trip

log = logging.getLogger(__name__)

PRUNE_AFTER = 60.0  # seconds between two prunings of the state: 10,000 probes add 20 MB by then
LOOK_FOR = 15.0  # seconds, at least, after a restart before a message is lost
# seconds until a stray is judged again: one of a trip elsewhere, or while the state cannot be read
LOOK_AGAIN = 10.0
_SEEN_BEFORE = frozenset({State.FOUND, State.ARRIVED})


class Ledger:
    """Keeps the store and the watchers consistent. `watchers` may be filled after the ledger was
    made."""

    def __init__(
        self,
        store: Store,
        watchers: dict[str, Watcher],
        observer: MailObserver,
        clock: Clock,
        traces: TraceObserver | None = None,
    ) -> None:
        self._store = store
        self._watchers = watchers
        self._observer = observer
        self._traces = traces
        self._clock = clock
        self._passed = PassedTime(clock)
        self._in_flight: dict[str, Trip] = {}
        self._overdue = OverdueTrips(watchers, clock)
        self._left_over = LeftOvers(clock, self._passed)
        self._reader = Reader()
        self._left: set[str] = set()  # trips that a restart continues
        self._prune_at = float("-inf")  # when the state is pruned next, monotonic
        self._unwritten: dict[str, Trip] = {}  # settled, and not yet so on the disk

    async def record(
        self,
        token: Token,
        probe: ProbeKey,
        mailbox: str,
        run: Run,
        keep: float,
        of: Run | None = None,
        home: Home = Home.MESSAGE,
    ) -> None:
        """Returns when the token is on disk, so that it is known after any crash. It may be another
        message `of` a trip, which counts as the start of both."""
        began = of or run
        trip = Trip(
            token.trip,
            probe,
            mailbox,
            State.LEAVING,
            began.started_at,
            self._passed.now().boot,
            began.started,
            began.started_at + keep,
            home=home,
        )
        self._in_flight[trip.id] = trip
        patience = min(PATIENCE, run.time_left() / 4)  # most of the trip's time is for the servers
        await self._on_disk(self._store.record(trip), trip, patience)

    async def _on_disk(
        self, change: Awaitable[object], trip: Trip | Outcome, patience: float = PATIENCE
    ) -> None:
        """Returns when the change is on disk, or when that takes too long: it then stays in the
        queue."""
        try:
            async with asyncio.timeout(patience):
                await change
        except (StateUnusable, TimeoutError) as error:
            name, why = (
                _name_of(trip),
                str(error) or f"the state was not written within {patience:.1f} s",
            )
            extra = about(name, trip.probe)
            log.error(
                "%s; trip %s continues, but a restart before the write would lose this",
                why,
                name,
                extra=extra,
            )

    def save_acceptance(self, trip_id: str, run: Run) -> None:
        """Saves that the message was accepted, and logs it when it is on disk: then a restart will
        continue the trip, and report its outcome."""
        if known := self._in_flight.get(trip_id):
            trip = replace(
                known,
                state=State.SENT,
                sending_since=run.sending_since,
                accepted=run.accepted,
                facts=run.facts_of_sending(),
            )
            self._in_flight[trip_id] = trip
            words = f"the message is accepted{': ' if run.answer else ''}{run.answer}"
            self._store.save_acceptance(trip, partial(log_message, logging.INFO, trip, words))

    async def save_verdict(self, verdict: Outcome) -> None:
        """Saves that the message is back, with the trip's verdict, before it is deleted; returns
        when it is on disk.

        If the process were killed after deleting first, a restart would report the trip as overdue.
        The wait for a slow disk is short.
        """
        await self._on_disk(self._store.save_verdict(verdict), verdict, 0.9 * VERDICT_PATIENCE)

    def end(
        self,
        outcome: Outcome,
        run: Run,
        *,
        arrived: bool,
        newest: bool = True,
        tell: Tell | None = None,
    ) -> "asyncio.Future[None]":
        """Saves the outcome of a trip, and what to expect of its message, if it sent one. It is the
        `newest` if none that started later has finished. The result is done when that is on disk.

        `tell` is called then, see commits.py: no restart reports it again.
        """
        trip = self._in_flight.pop(outcome.trip, None)
        try:
            if trip:
                self._write_end(trip, outcome, run, arrived=arrived)
        finally:
            written = self._store.finished(outcome, tell, newest=newest)
        return written

    def end_visit(self, message: str, run: Run, *, arrived: bool) -> None:
        """Saves what to expect of a message that is not a trip's own: if it comes late, it is only
        deleted."""
        trip = self._in_flight.pop(message, None)
        if trip and (arrived or run.accepted is not None or run.uncertain):
            self._settle(trip, State.ARRIVED if arrived else State.FAILED)
        elif trip:
            self._store.forget(trip.id)

    def keep_visits(
        self, trip_id: str, probe: ProbeKey, visits: tuple[ExchangerVisit, ...]
    ) -> None:
        """Adds what has become known of the exchangers since the trip ended."""
        self._store.keep_visits(trip_id, probe, visits)

    def keep_outage(self, outage: Outage) -> None:
        """Saves an outage, or what has changed of it."""
        self._store.keep_outage(outage)

    def keep_unsettled(self, probe: ProbeKey, unsettled: Unsettled | None) -> None:
        """Saves what may still change, of the outages of a probe; None if nothing may."""
        self._store.keep_unsettled(probe, unsettled)

    def _write_end(self, trip: Trip, outcome: Outcome, run: Run, *, arrived: bool) -> None:
        test = outcome.filter_test
        if outcome.success and test and test.expected == "lost":
            self._settle(trip, State.UNWANTED)
            for old in self._overdue.add(replace(trip, state=State.UNWANTED)):
                self._settle(old, State.FAILED)
        elif arrived:
            self._settle(trip, State.ARRIVED)
        elif outcome.failure and outcome.failure.reason is Reason.OVERDUE:
            self._settle(trip, State.OVERDUE)
            self._overdue.add(trip)
        elif trip.state is not State.LEAVING or run.uncertain:
            self._settle(trip, State.FAILED)
        else:
            self._store.forget(trip.id)

    def _settle(self, trip: Trip, state: State, tell: Tell | None = None) -> "asyncio.Future[None]":
        settled = self._unwritten[trip.id] = replace(trip, state=state, verdict=None)
        change = self._store.settle(trip.id, state, tell)
        change.add_done_callback(lambda _: self._is_written(settled))
        return change

    def _is_written(self, trip: Trip) -> None:
        if self._unwritten.get(trip.id) is trip:
            del self._unwritten[trip.id]

    def leave(self, trip_id: str) -> None:
        """This process stops before the trip is over, and a restart will go on with it: `stray`
        leaves its message in the mailbox, unless it is in our SMTP receiver, whose messages are
        lost with us."""
        if self._in_flight.pop(trip_id, None):
            self._left.add(trip_id)

    async def stray(self, stray: Stray) -> float:
        """Handles a stray: late, a duplicate, an answer, or left over. Returns in how many seconds
        to delete it.

        An unknown one may belong to another process with our key, which needs time to find it. One
        of a trip in progress that looks into another mailbox may be that trip's only copy, if both
        mailboxes are the same account.
        """
        token = stray.token
        try:
            known = await self._known(token.trip)
        except StateUnusable as error:
            log.warning(
                "trip %s: its message is not deleted yet: %s",
                token.trip,
                error,
                extra=about(token.trip),
            )
            return LOOK_AGAIN
        if known is None:
            return self._left_over.pause(token)
        if self._belongs_elsewhere(known, stray):
            return LOOK_AGAIN
        if stray.kind is Kind.BOUNCE:
            self._observer.bounced(known.probe)
            await self._close(known, self._overdue.take(known.id))
        elif stray.home is known.home:
            await self._came(known, stray)
        elif stray.kind is Kind.UNCLEAR:  # what is awaited may still come
            self._observer.unclear(known.probe)
        return 0.0

    def _belongs_elsewhere(self, known: Trip, stray: Stray) -> bool:
        """Whether another one awaits the message: the trip itself, or a restart that continues
        it."""
        if known.id in self._left and not self._is_received(known.mailbox):
            return True
        return known.id in self._in_flight and not stray.expected

    async def _came(self, known: Trip, stray: Stray) -> None:
        """What the trip awaited has come: late, or once more."""
        overdue = self._overdue.get(known.id)
        arrival = await self._late_arrival(overdue, stray) if overdue else None
        late = self._overdue.take(known.id)
        tell = self._count_late(late, arrival) if late and arrival else None
        if not tell and (known.state in _SEEN_BEFORE or known.id in self._in_flight):
            self._observer.duplicate(known.probe)
        await self._close(known, late, tell)

    def _count_late(self, trip: Trip, arrival: LateArrival) -> Tell:
        """Counts a late message, and keeps when it came. Returns what logs it when that is on
        disk."""
        if unwanted := trip.state is State.UNWANTED:
            self._observer.let_through(trip.probe)
        else:
            self._observer.late(trip.probe, trip.id, arrival)
            if self._traces:
                self._traces.late(trip.probe, trip.id, arrival)
        self._store.keep_late_arrival(trip.id, trip.probe, arrival, unwanted=unwanted)
        words = f"a filter let it through: {arrival}" if unwanted else str(arrival)
        return partial(log_message, logging.WARNING, trip, words)

    async def _close(self, known: Trip, late: Trip | None, tell: Tell | None = None) -> None:
        """Saves that the message of a trip that is over has been found."""
        if known.id in self._in_flight:
            return
        settled = self._settle(known, State.FOUND, tell)
        if late:  # were it deleted before that is on the disk, a restart would take it for lost
            await self._on_disk(self._store.written(settled), known)

    async def _late_arrival(self, trip: Trip, stray: Stray) -> LateArrival:
        """Reads the message again: a stray does not keep it as parsed, since there may be many."""
        reading = await self._reader.read(stray.sighting.raw)
        return late_arrival(trip, stray, reading.message, self._clock)

    def _is_received(self, mailbox: str) -> bool:
        return mailbox in self._watchers and self._watchers[mailbox].receives

    async def _known(self, trip_id: str) -> Trip | None:
        """Raises StateUnusable."""
        here = (
            self._overdue.get(trip_id)
            or self._in_flight.get(trip_id)
            or self._unwritten.get(trip_id)
        )
        return here or await self._store.trip(trip_id)

    def expire(self) -> None:
        """Counts messages that are overdue for too long as lost. Call it periodically."""
        now = self._passed.now()
        for trip in self._overdue.take_lost(now.monotonic):
            if trip.state is State.UNWANTED:
                self._store.forget(trip.id)
                continue
            self._store.forget(
                trip.id, partial(log_message, logging.ERROR, trip, "the message is lost")
            )
            self._observer.lost(trip.probe, trip.started_at, trip.facts)
            self._store.count_lost(trip.probe, now.wall)
        self._store.check_place()
        if now.monotonic >= self._prune_at:  # it reads every trip that is known
            self._prune_at = now.monotonic + PRUNE_AFTER
            self._store.forget_expired(now)

    def recover(self) -> list[Trip]:
        """The trips to continue, whose message was accepted before this process began. Overdue
        messages are watched for.

        A trip that was interrupted before its message was accepted is void: if the message arrives,
        it is deleted. So is one that was found and perhaps not deleted; it does not count as a
        duplicate.
        """
        resumable, now = [], self._passed.now()
        self._store.come_back(now, LEFT_OVER_AFTER)
        for known in self._store.unsettled():
            trip = known.in_this_boot(now, LEFT_OVER_AFTER)
            if trip.state is State.SENT or trip.verdict:
                self._in_flight[trip.id] = trip
                resumable.append(trip)
            elif trip.state in (State.OVERDUE, State.UNWANTED):
                more = max(now.monotonic + LOOK_FOR - trip.expires, 0.0)
                self._overdue.add(replace(trip, expires_at=trip.expires_at + more))
            elif trip.state in (State.LEAVING, State.FOUND):
                self._settle(trip, State.FAILED)
        return resumable

    def last_starts(self) -> dict[ProbeKey, float]:
        """The start of the newest trip with a message of each probe: monotonic, never in the
        future."""
        now = self._passed.now()
        return {
            probe: min(started, now.monotonic)
            for probe, started in self._store.last_starts(now).items()
        }

    def abandon(self, trip: Trip) -> None:
        """Drops a recovered trip whose probe is no longer configured."""
        self._in_flight.pop(trip.id, None)
        self._settle(trip, State.FAILED)


def _name_of(trip: Trip | Outcome) -> str:
    return trip.id if isinstance(trip, Trip) else trip.trip
