"""Trips that failed because their message was not back in time. It may still arrive late."""

from exporter.core.clock import Clock
from exporter.mailboxes.watcher.watcher import Watcher
from exporter.state.trip import Trip


class OverdueTrips:
    """Keeps the `watchers` looking for their messages."""

    def __init__(self, watchers: dict[str, Watcher], clock: Clock) -> None:
        self._watchers = watchers
        self._clock = clock
        self._trips: dict[str, Trip] = {}

    def add(self, trip: Trip) -> None:
        self._trips[trip.id] = trip
        if trip.mailbox in self._watchers:
            since = trip.accepted if trip.accepted is not None else self._clock.monotonic()
            self._watchers[trip.mailbox].keep_watching(trip.id, since)

    def get(self, trip_id: str) -> Trip | None:
        return self._trips.get(trip_id)

    def take(self, trip_id: str) -> Trip | None:
        """Removes and returns the trip of this message, if it was overdue."""
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
