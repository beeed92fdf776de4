"""The persistent state: the trips in progress, by token, and the outcomes of finished ones.

One SQLite file in the state directory. commits.py writes and reader.py reads it, so the event loop
never waits for the disk. A trip's row is on disk before its message is sent.
"""

import asyncio
import logging
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from exporter.core.availability.account import Month, ProbeAccount
from exporter.core.availability.downtime import Downtime
from exporter.core.availability.outage import Outage, Unsettled
from exporter.core.availability.window import Once, Window
from exporter.core.comparison.comparison import GOOD_TRIPS, GoodTrip
from exporter.core.facts import Changes, LateArrival
from exporter.core.heartbeat import HeartbeatKey, Watch
from exporter.core.model import ExchangerVisit, Outcome, ProbeKey
from exporter.core.saved_policy import SavedPolicy
from exporter.core.threads import off_the_loop
from exporter.state import account as accounts
from exporter.state import (
    days,
    evidence,
    good_trips,
    heartbeats,
    maintenance,
    outages,
    outcomes,
    sts_policies,
    thinning,
    timeline,
    trips,
)
from exporter.state import schema as state_file
from exporter.state.commit_callbacks import Tell
from exporter.state.commits import GATHER, LAST_PATIENCE, SOON, Commits
from exporter.state.evidence import ListedTrip
from exporter.state.outcomes import LastKnown
from exporter.state.reader import Query, Reader, Result
from exporter.state.rows import forget_the_rest
from exporter.state.timeline import TimelineTrip
from exporter.state.trip import Moment, State, Trip

log = logging.getLogger(__name__)

LONG = 60.0  # seconds that an account may take
CLOSING = 0.5  # seconds that the disk has to close a file


class Store:
    """Open with `Store.open(directory)`, or with None for one that lives in memory only.

    Without `threaded` the event loop's thread commits, which virtual time and a state in memory
    want.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        directory: Path | None,
        lock: int | None,
        threaded: bool,
        keep: float = thinning.KEEP,
    ) -> None:
        self._place = state_file.place_of(directory) if directory else str
        self._misplaced = ""  # what was wrong with the place of the file, the last time
        self._connection = connection
        sync = state_file.sync_of(directory) if directory else lambda: None
        self._commits = Commits(connection, threaded=threaded, sync=sync)
        reading = state_file.for_reading(directory) if directory else connection
        self._reader = Reader(reading, threaded=threaded)
        # Separate, since the account of ten thousand probes takes seconds on a busy machine.
        counting = state_file.for_reading(directory) if directory else connection
        self._accountant = Reader(counting, threaded=threaded, patience=LONG)
        self._lock = lock
        self._threaded = threaded
        self._keep = keep

    @classmethod
    def open(
        cls, directory: Path | None, *, threaded: bool = True, keep: float = thinning.KEEP
    ) -> "Store":
        """Opens the state, which keeps finished trips for at most so many seconds. A damaged file
        is renamed, and a new one created. Raises StateUnusable."""
        if directory is None:
            return cls(state_file.in_memory(), None, None, threaded=False, keep=keep)
        connection, lock = state_file.in_directory(directory)
        forget_the_rest(connection)
        return cls(connection, directory, lock, threaded, keep)

    def unsettled(self) -> list[Trip]:
        """The trips whose message may still come. Raises StateUnusable."""
        return self._reader.read_now(trips.unsettled)

    def last_starts(self, now: Moment) -> dict[ProbeKey, float]:
        """The start of the newest trip with a message of each probe: monotonic, in this boot's
        seconds. Raises StateUnusable."""
        return self._reader.read_now(lambda c: trips.last_starts(c, now))

    def last_known(
        self, wanted: Callable[[ProbeKey], bool] = lambda _: True
    ) -> Iterator[LastKnown]:
        """The stored results of the wanted probes, one by one, in the order of their newest trips.
        Raises StateUnusable."""
        for probe in filter(wanted, self._reader.read_now(outcomes.probes)):
            if known := self._reader.read_now(partial(outcomes.last_known, probe=probe)):
                yield known

    def unsettled_outages(self) -> dict[ProbeKey, Unsettled]:
        """What may still change, of the outages of each probe. Raises StateUnusable."""
        return self._reader.read_now(outages.unsettled)

    async def outages(
        self,
        probe: ProbeKey | None,
        limit: int,
        offset: int = 0,
        *,
        lasting: bool | None = None,
    ) -> list[Outage]:
        """The outages of one probe or of all, the newest first; only those that last, or those
        that do not, if that is asked for. Raises StateUnusable."""
        return await self._read(lambda c: outages.newest(c, probe, limit, offset, lasting))

    async def downtimes(
        self, probes: Sequence[ProbeKey], spans: Sequence[float], now: float
    ) -> dict[ProbeKey, list[Downtime]]:
        """The downtime of these probes in the last so many seconds until Unix time `now`, for each
        of the `spans`. Raises StateUnusable."""
        return await self._read(lambda c: accounts.downtimes(c, probes, spans, now))

    async def availabilities(self, span: float, now: float) -> dict[ProbeKey, float]:
        """The availability in the last `span` seconds until Unix time `now` of each probe with an
        outage in this time. Raises StateUnusable."""
        return await self._read(lambda c: accounts.availabilities(c, span, now))

    async def last_ends(self) -> dict[ProbeKey, float]:
        """When the newest outage that has ended did so, of each probe with outages. Raises
        StateUnusable."""
        return await self._read(outages.last_ends)

    async def outage(self, outage_id: str) -> Outage | None:
        """Raises StateUnusable."""
        return await self._read(lambda c: outages.find(c, outage_id))

    async def beside(self, outage: Outage) -> tuple[Outcome | None, Outcome | None]:
        """The OK trips before and after an outage, as far as they are kept. Raises
        StateUnusable."""
        return await self._read(lambda c: evidence.beside(c, outage))

    async def account(self, month: Month, now: float) -> list[ProbeAccount]:
        """The accounts of all probes in a month, until Unix time `now`. Raises StateUnusable."""
        await self._commits.attempted()
        return await self._accountant.read(lambda c: accounts.account(c, month, now))

    def windows(self) -> list[Window]:
        """The windows of maintenance that were started beside the configuration. Raises
        StateUnusable."""
        return self._reader.read_now(maintenance.windows)

    async def keep_window(self, window: Window, once: Once) -> None:
        """Saves that it was started to last `once`, instead of one of the same name. Raises
        StateUnusable if that is not on disk yet; it stays in the queue."""
        name, probes = window.name, window.probes
        change = self._commits.add(lambda c: maintenance.keep(c, name, probes, once), within=SOON)
        await self._commits.wait(change)

    async def forget_window(self, name: str) -> None:
        """The same for the end of a window."""
        change = self._commits.add(lambda c: maintenance.forget(c, name), within=SOON)
        await self._commits.wait(change)

    def sts_policies(self) -> list[SavedPolicy]:
        """The policies for TLS that were known when the process ended. Raises StateUnusable."""
        return self._reader.read_now(sts_policies.policies)

    def keep_sts_policy(self, saved: SavedPolicy) -> None:
        """Saves a policy, instead of the one that its domain had."""
        self._commits.add(lambda c: sts_policies.keep(c, saved))

    def heartbeats(self) -> dict[HeartbeatKey, Watch]:
        """What is known about heartbeats. Raises StateUnusable."""
        return self._reader.read_now(heartbeats.watches)

    async def keep_heartbeat(self, key: HeartbeatKey, watch: Watch) -> None:
        """Saves what is known about a heartbeat. Raises StateUnusable if that is not on disk yet;
        it stays in the queue."""
        change = self._commits.add(lambda c: heartbeats.keep(c, key, watch))
        await self._commits.wait(change)

    async def trip(self, trip_id: str) -> Trip | None:
        """Raises StateUnusable."""
        return await self._read(lambda c: trips.find(c, trip_id))

    async def recent(self, probe: ProbeKey | None, limit: int, offset: int = 0) -> list[Outcome]:
        """Recent outcomes of one probe or of all in brief, the newest first. See thinning.py for
        what is kept. Raises StateUnusable."""
        return await self._read(lambda c: evidence.newest(c, probe, limit, offset))

    async def listed(self, probe: ProbeKey, limit: int, offset: int = 0) -> list[ListedTrip]:
        """Recent outcomes of one probe, the newest first, and what is missing between them. Raises
        StateUnusable."""
        return await self._read(lambda c: evidence.listed(c, probe, limit, offset))

    async def outcome(self, trip_id: str, probe: ProbeKey | None = None) -> Outcome | None:
        """The outcome of one trip, if it is kept: the newest of its `probe` is. Raises
        StateUnusable."""

        def kept(connection: sqlite3.Connection) -> Outcome | None:
            if (outcome := evidence.of_trip(connection, trip_id)) or probe is None:
                return outcome
            known = outcomes.last_known(connection, probe)
            return known.outcome if known and known.outcome.trip == trip_id else None

        return await self._read(kept)

    async def good_trips(self, probe: ProbeKey, but: str) -> list[GoodTrip]:
        """What the newest good trips of a probe met, the newest first, without one of them. Raises
        StateUnusable."""
        return await self._read(lambda c: good_trips.good_trips(c, probe, but, GOOD_TRIPS))

    async def timeline(self, probe: ProbeKey, trip_id: str = "") -> list[TimelineTrip]:
        """The trips of a probe before and after one of them, in the order of their ends; the newest
        if there is none. Raises StateUnusable."""
        return await self._read(lambda c: timeline.around(c, probe, trip_id))

    async def outage_at(self, probe: ProbeKey, at: float) -> Outage | None:
        """The outage of a probe at Unix time `at`. Raises StateUnusable."""
        return await self._read(lambda c: outages.at(c, probe, at))

    async def _read(self, query: Query[Result]) -> Result:
        """Reads after pending writes."""
        await self._commits.attempted()
        return await self._reader.read(query)

    async def record(self, trip: Trip) -> None:
        """Returns when the trip is on disk. Raises StateUnusable if not yet; it stays in the
        queue."""
        await self._commits.wait(self._commits.add(lambda c: trips.insert(c, trip)))

    def save_acceptance(self, trip: Trip, tell: Tell) -> None:
        """Saves that a server has accepted the message. `tell` is called when that is on disk: see
        commit_callbacks.py."""
        facts = evidence.facts_written(trip.facts) if trip.facts else None
        self._commits.add(lambda c: trips.set_sent(c, trip, facts), tell=tell)

    async def save_verdict(self, verdict: Outcome) -> None:
        """Saves that the message is back, and the outcome so far; returns when that is on disk.

        Raises StateUnusable if it is not yet; it is kept to be written.
        """
        text = evidence.written(verdict)
        await self._commits.wait(
            self._commits.add(lambda c: trips.set_found(c, verdict.trip, text), weight=len(text))
        )

    def settle(
        self, trip_id: str, state: State, tell: Tell | None = None
    ) -> "asyncio.Future[None]":
        return self._commits.add(lambda c: trips.settle(c, trip_id, state), tell=tell)

    def forget(self, trip_id: str, tell: Tell | None = None) -> None:
        self._commits.add(lambda c: trips.forget(c, trip_id), tell=tell)

    async def written(self, change: "asyncio.Future[None]") -> None:
        """Returns when the change is on disk. Raises StateUnusable if not yet; it stays in the
        queue."""
        await self._commits.wait(change)

    def come_back(self, now: Moment, grace: float) -> None:
        """Converts trips of another boot to our clock: see Trip.in_this_boot."""
        self._commits.add(lambda c: trips.come_back(c, now, grace))

    def forget_expired(self, now: Moment) -> None:
        """Deletes trips that are too old by elapsed time; `now.wall` is for the evidence."""
        self._commits.add(lambda c: trips.forget_expired(c, now))
        self._commits.add(lambda c: thinning.prune(c, now.wall, self._keep))
        self._commits.add(outcomes.prune)
        self._commits.add(lambda c: accounts.prune(c, now.wall))
        self._commits.add(lambda c: maintenance.prune(c, now.wall))
        self._commits.add(lambda c: sts_policies.prune(c, now.wall))
        self._commits.add(lambda c: heartbeats.prune(c, now.wall))

    def check_place(self) -> None:
        """Logs it if the file is no longer where the next start will look."""
        self._commits.add(lambda _: self._check_place())

    def _check_place(self) -> None:
        if (misplaced := self._place()) != self._misplaced:
            self._misplaced = misplaced
            if misplaced:
                log.error("%s", misplaced)

    def finished(
        self, outcome: Outcome, tell: Tell | None = None, *, newest: bool = True
    ) -> "asyncio.Future[None]":
        """Saves the outcome of a trip; as the `newest`, if none that started later has finished.
        The time of the last success is kept, however many have failed since. The result is done
        when that is on disk."""
        text = evidence.written(outcome)

        def change(connection: sqlite3.Connection) -> None:
            outcomes.keep(connection, outcome, text, newest=newest)
            thinning.keep(connection, outcome, text)
            days.count(connection, outcome)

        # The verdict of a success is on disk already: a restart would report the same again.
        within = GATHER if outcome.success else SOON
        return self._commits.add(change, weight=len(text), tell=tell, within=within)

    def keep_late_arrival(
        self, trip_id: str, probe: ProbeKey, arrival: LateArrival, *, unwanted: bool = False
    ) -> None:
        """Counts a message that came late, and adds to what is kept of its trip. An `unwanted` one
        should not have come at all."""

        def change(connection: sqlite3.Connection) -> None:
            evidence.add(connection, trip_id, arrival)
            if unwanted:
                return
            days.count_late(connection, probe, arrival.at, arrival.delay)
            if arrival.delay is not None:
                thinning.keep_exemplar(connection, probe, trip_id, arrival.delay)

        self._commits.add(change)

    def keep_visits(
        self, trip_id: str, probe: ProbeKey, visits: tuple[ExchangerVisit, ...]
    ) -> None:
        """Adds what became of messages through each exchanger to what is kept of their trip."""

        def change(connection: sqlite3.Connection) -> None:
            evidence.add(connection, trip_id, *visits, brief=False)
            outcomes.add(connection, probe, trip_id, *visits)

        self._commits.add(change)

    def keep_changes(self, trip_id: str, probe: ProbeKey, found: Changes) -> None:
        """Adds what changed to what is kept of a trip."""

        def change(connection: sqlite3.Connection) -> None:
            evidence.add(connection, trip_id, found)
            outcomes.add(connection, probe, trip_id, found)

        self._commits.add(change)

    def count_lost(self, probe: ProbeKey, at: float) -> None:
        """Counts a message that is lost, at Unix time `at`."""
        self._commits.add(lambda c: days.count_lost(c, probe, at))

    def keep_outage(self, outage: Outage) -> None:
        """Saves an outage, or what has changed of it, and the trips that are its evidence."""

        def change(connection: sqlite3.Connection) -> None:
            outages.keep(connection, outage)
            thinning.pin(connection, outage)

        self._commits.add(change, within=SOON)

    def keep_unsettled(self, probe: ProbeKey, unsettled: Unsettled | None) -> None:
        """Saves what may still change, of the outages of a probe; None if nothing may."""
        self._commits.add(lambda c: outages.keep_unsettled(c, probe, unsettled), within=SOON)

    async def close(self, patience: float = LAST_PATIENCE) -> None:
        """Writes queued changes for at most so many seconds, and releases the lock on the state
        directory."""
        written = await self._commits.close(patience)
        if written and not (self._reader.is_busy or self._accountant.is_busy):
            # The last one to close writes, too.
            closed = off_the_loop(self._close_files, threaded=self._threaded)
            await asyncio.wait({closed}, timeout=CLOSING)
        if self._lock is not None:
            os.close(self._lock)

    def _close_files(self) -> None:
        self._reader.close()
        self._accountant.close()
        self._connection.close()
