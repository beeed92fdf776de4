"""The table of trips."""

from dataclasses import replace

from exporter.state.store import Store
from exporter.state.trip import Moment, State
from tests.state.test_store import OTHER, PROBE, TRIP


async def test_the_store_tells_when_the_newest_trip_of_each_probe_began() -> None:
    store = Store.open(None)
    for name, probe, started_at in (
        ("a", PROBE, 5.0),
        ("b", PROBE, 7.0),
        ("c", PROBE, 6.0),
        ("d", OTHER, 1.0),
    ):
        await store.record(
            replace(TRIP, id=name, probe=probe, started_at=started_at, started=started_at + 2)
        )
        store.settle(name, State.ARRIVED)
    assert store.last_starts(Moment("boot", 100.0, 2000.0)) == {PROBE: 9.0, OTHER: 3.0}
    assert store.last_starts(Moment("another", 100.0, 50.0)) == {PROBE: 57.0, OTHER: 51.0}
    # The clock was set back.
    assert store.last_starts(Moment("another", 100.0, 3.0)) == {PROBE: 100.0, OTHER: 98.0}
    await store.close()
