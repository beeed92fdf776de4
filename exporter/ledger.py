"""What is known of messages under way: which trip each belongs to, and what becomes of late, lost and doubled ones.

Late is not lost. A trip that is overdue has failed, but its token stays known for `late_after`: if the message comes,
it counts as late, its true delay is observed and it is deleted; if not, it counts as lost. Restarts change nothing.
"""

import logging
from dataclasses import replace
from typing import Protocol

from exporter.logs import about
from exporter.mailboxes.session import Sighting
from exporter.mailboxes.watcher import Watcher
from exporter.message import Kind
from exporter.model import Outcome, ProbeKey, Reason
from exporter.run import Clock, Run, boot_id
from exporter.state_file import StateUnusable
from exporter.store import State, Store, Trip
from exporter.tokens import Token

log = logging.getLogger(__name__)

LEFT_OVER_AFTER = 3600.0  # seconds
_SEEN_BEFORE = frozenset({State.FOUND, State.ARRIVED})


class MailObserver(Protocol):
    """Who counts."""

    def late(self, probe: ProbeKey, delay: float | None) -> None: ...
    def bounced(self, probe: ProbeKey) -> None: ...
    def unclear(self, probe: ProbeKey) -> None: ...
    def lost(self, probe: ProbeKey) -> None: ...
    def duplicate(self, probe: ProbeKey) -> None: ...


class Ledger:
    """Keeps the store and the watchers in step. `watchers` may be filled after the ledger was made."""

    def __init__(self, store: Store, watchers: dict[str, Watcher], observer: MailObserver, clock: Clock) -> None:
        self._store = store
        self._watchers = watchers
        self._observer = observer
        self._clock = clock
        self._boot = boot_id()
        self._in_flight: dict[str, Trip] = {}
        self._overdue: dict[str, Trip] = {}

    # ---------------------------------------------------------------- a trip's life

    async def begin(self, token: Token, probe: ProbeKey, mailbox: str, run: Run, keep: float) -> None:
        """Returns when the token is on the disk, so that it is known whatever happens to us from now on."""
        trip = Trip(
            token.trip, probe, mailbox, State.LEAVING, run.started_at, self._boot, run.started, run.started_at + keep
        )
        self._in_flight[trip.id] = trip
        run.on_accepted = lambda moment: self._accepted(trip.id, run)
        try:
            await self._store.begin(trip)
        except StateUnusable as error:
            log.error(
                "%s; the trip %s goes on, but a restart would forget it", error, trip.id, extra=about(trip.id, probe)
            )

    def _accepted(self, trip_id: str, run: Run) -> None:
        trip = replace(
            self._in_flight[trip_id], state=State.SENT, sending_since=run.sending_since, accepted=run.accepted
        )
        self._in_flight[trip_id] = trip
        log.info("trip %s of %s: the message is accepted", trip_id, trip.probe, extra=about(trip_id, trip.probe))
        if trip.accepted is not None:
            self._store.accepted(trip_id, trip.sending_since, trip.accepted)

    async def found(self, verdict: Outcome) -> None:
        """The message is back and going to be deleted: returns when that, and the trip's verdict, is on the disk.

        Were it deleted first and we killed then, a restart would wait for it in vain and take the trip for overdue.
        """
        try:
            await self._store.found(verdict)
        except StateUnusable as error:
            extra = about(verdict.trip, verdict.probe)
            log.error(
                "%s; the trip %s goes on, but a restart would forget its verdict", error, verdict.trip, extra=extra
            )

    def end(self, outcome: Outcome, run: Run, *, arrived: bool) -> None:
        """A trip has its outcome; what is still to be expected of its message, if it sent one, is written down."""
        trip = self._in_flight.pop(outcome.trip, None)
        self._store.finished(outcome)
        if trip is None:
            return
        if arrived:
            self._store.settle(trip.id, State.ARRIVED)
        elif outcome.failure and outcome.failure.reason is Reason.OVERDUE:
            self._store.settle(trip.id, State.OVERDUE)
            self._await_late(trip)
        elif trip.state is not State.LEAVING or run.uncertain:
            self._store.settle(trip.id, State.FAILED)
        else:
            self._store.forget(trip.id)

    def leave(self, trip_id: str) -> None:
        """We stop before the trip is over, and a restart will go on with it. If its message is seen before, it is void:
        nobody will ever say how long it took, but it must not be awaited in vain."""
        self._in_flight.pop(trip_id, None)

    def _await_late(self, trip: Trip) -> None:
        self._overdue[trip.id] = trip
        if trip.mailbox in self._watchers:
            since = trip.accepted if trip.accepted is not None else self._clock.monotonic()
            self._watchers[trip.mailbox].keep_watching(trip.id, since)

    def _stop_watching(self, trip_id: str) -> None:
        """In whatever mailbox: it may have another name by now."""
        for watcher in self._watchers.values():
            watcher.stop_watching(trip_id)

    # ---------------------------------------------------------------- messages that no trip awaits

    async def stray(self, token: Token, kind: Kind, sighting: Sighting) -> float:
        """A message of ours that nobody awaits: late, double, an answer, left over. In how many seconds to delete it.

        One that we know nothing of may belong to another process with our key, which must have the time to find it.
        """
        late = self._overdue.get(token.trip)
        known = late or self._in_flight.get(token.trip) or self._store.trip(token.trip)
        if known is None:
            pause = token.minted_at + LEFT_OVER_AFTER - self._clock.wall()
            if pause <= 0:
                log.info("trip %s: its message was left over; it is deleted", token.trip, extra=about(token.trip))
            return pause
        if kind in (Kind.REPLY, Kind.UNCLEAR):  # the message itself may still come
            if kind is Kind.UNCLEAR:
                self._observer.unclear(known.probe)
            return 0.0
        if late:
            del self._overdue[late.id]
            self._stop_watching(late.id)
        if kind is Kind.BOUNCE:
            self._observer.bounced(known.probe)
        elif late:
            log.warning("trip %s of %s: the message came late", late.id, late.probe, extra=about(late.id, late.probe))
            self._observer.late(late.probe, sighting.delay_since(late.accepted))
        elif known.state in _SEEN_BEFORE or known.id in self._in_flight:
            self._observer.duplicate(known.probe)
        if known.id not in self._in_flight:
            self._store.settle(known.id, State.FOUND)
        return 0.0

    def expire(self) -> None:
        """Counts what is overdue for too long as lost. To be called once in a while."""
        now = self._clock.wall()
        for trip in [trip for trip in self._overdue.values() if trip.expires_at < now]:
            log.error("trip %s of %s: the message is lost", trip.id, trip.probe, extra=about(trip.id, trip.probe))
            del self._overdue[trip.id]
            self._stop_watching(trip.id)
            self._observer.lost(trip.probe)
        self._store.forget_expired(now)

    # ---------------------------------------------------------------- after a restart

    def recover(self) -> list[Trip]:
        """The trips whose message was accepted before this process began, and which can go on; late ones are awaited.

        A trip that was interrupted before its message was accepted is void: if the message comes, it is cleaned away.
        So is one that was found and perhaps not deleted, and it is no duplicate then.
        """
        resumable = []
        for trip in self._store.unsettled():
            if trip.boot != self._boot:
                trip = replace(trip, accepted=None, sending_since=None)  # those clocks are gone
            if trip.state is State.SENT or trip.verdict:
                self._in_flight[trip.id] = trip
                resumable.append(trip)
            elif trip.state is State.OVERDUE:
                self._await_late(trip)
            elif trip.state in (State.LEAVING, State.FOUND):
                self._store.settle(trip.id, State.FAILED)
        return resumable

    def abandon(self, trip: Trip) -> None:
        """A recovered trip whose probe is no longer configured."""
        self._in_flight.pop(trip.id, None)
        self._store.settle(trip.id, State.FAILED)
