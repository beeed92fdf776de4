"""Trips whose message was not back in time."""

from dataclasses import replace

from exporter.core.clock import Clock
from exporter.core.model import ProbeKey
from exporter.mailboxes.watcher.watcher import Watcher
from exporter.probing.overdue import OverdueTrips
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
