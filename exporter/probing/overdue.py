"""Trips that ended without their message, as a failure or as expected. It may still arrive."""

from itertools import islice

from exporter.core.timing.clock import Clock
from exporter.mailboxes.watcher.watcher import Watcher
from exporter.state.trip import State, Trip

# trips whose message must not arrive: each of a healthy filter's, for `late_after`
MOST_UNWANTED = 20_000


class OverdueTrips:
    """Keeps the `watchers` looking for their messages."""

    def __init__(self, watchers: dict[str, Watcher], clock: Clock) -> None:
        self._watchers = watchers
        self._clock = clock
        self._trips: dict[str, Trip] = {}
        self._unwanted: dict[str, None] = {}  # those of them that must not arrive, oldest first

    def add(self, trip: Trip) -> list[Trip]:
        """Watches for its message. Returns the trips that are given up for it."""
        self._trips[trip.id] = trip
        if trip.mailbox in self._watchers:
            since = trip.accepted if trip.accepted is not None else self._clock.monotonic()
            self._watchers[trip.mailbox].keep_watching(trip.id, since)
        if trip.state is State.UNWANTED:
            self._unwanted[trip.id] = None
        surplus = list(islice(self._unwanted, max(len(self._unwanted) - MOST_UNWANTED, 0)))
        return [old for old in map(self.take, surplus) if old]

    def get(self, trip_id: str) -> Trip | None:
        return self._trips.get(trip_id)

    def take(self, trip_id: str) -> Trip | None:
        """Removes and returns the trip of this message, if it was overdue."""
        self._unwanted.pop(trip_id, None)
        if trip := self._trips.pop(trip_id, None):
            for watcher in self._watchers.values():  # the mailbox may have another name by now
                watcher.stop_watching(trip_id)
        return trip

    def take_lost(self, now: float) -> list[Trip]:
        """Removes and returns the trips whose message counts as lost at that monotonic time."""
        lost = [trip for trip in self._trips.values() if trip.expires < now]
        for trip in lost:
            self.take(trip.id)
        return lost
