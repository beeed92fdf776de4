"""Trips whose message was not back in time."""

from dataclasses import replace

from exporter.core.model import ProbeKey
from exporter.core.timing.clock import Clock
from exporter.mailboxes.watcher.watcher import Watcher
from exporter.probing.overdue import MOST_UNWANTED, OverdueTrips
from exporter.state.trip import State, Trip
from tests.support import virtual_time as virtual
from tests.support.watcher_rig import WatcherRig

TRIP = Trip(
    *("t", ProbeKey("submission", "a@example.org"), "monitor", State.OVERDUE),
    *(0.0, "boot", 0.0, 100.0),
)


@virtual.on_a(WatcherRig)
async def test_the_mailbox_is_watched_until_the_message_is_taken(rig: WatcherRig) -> None:
    overdue = OverdueTrips({"monitor": rig.watcher}, rig.clock)
    overdue.add(TRIP)
    await rig.settled()
    assert rig.mailbox.open_now == 1
    assert overdue.get("t") is overdue.take("t") is TRIP
    assert overdue.take("t") is overdue.get("t") is None
    await rig.settled()
    assert rig.mailbox.open_now == 0


def test_lost_is_what_has_expired() -> None:
    watchers: dict[str, Watcher] = {}
    overdue = OverdueTrips(watchers, Clock())
    overdue.add(TRIP)
    later = replace(TRIP, id="later", expires_at=200.0)
    overdue.add(later)
    assert overdue.take_lost(99.0) == []
    assert overdue.take_lost(101.0) == [TRIP]
    assert overdue.take_lost(101.0) == []
    assert overdue.get("later") is later


def test_of_those_that_must_not_arrive_only_the_newest_are_kept() -> None:
    overdue = OverdueTrips({}, Clock())
    assert overdue.add(TRIP) == []
    trips = [replace(TRIP, id=str(n), state=State.UNWANTED) for n in range(MOST_UNWANTED + 2)]
    assert overdue.take("5") is None
    assert [old.id for trip in trips for old in overdue.add(trip)] == ["0", "1"]
    assert overdue.get("0") is None
    assert overdue.get("t") is TRIP, "a failure is never given up"
    overdue.take("2")
    assert overdue.add(replace(trips[0], id="more")) == []
