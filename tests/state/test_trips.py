"""The table of trips."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from exporter.core.home import Home
from exporter.state import schema as state_file
from exporter.state import trips
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


def test_of_trips_whose_message_is_back_only_the_newest_are_known() -> None:
    """There are more of them than of all others, and the start reads every trip."""
    with closing(state_file.in_memory()) as connection:
        for number in range(10):
            state = State.OVERDUE if number < 3 else State.ARRIVED
            started_at = 1000.0 - number  # the clock was set back
            trips.insert(
                connection,
                replace(TRIP, id=f"{number}", state=state, started_at=started_at, started=number),
            )
        trips.forget_expired(connection, Moment("boot", 10.0, 1000.0), most=2)
        known = {row[0] for row in connection.execute("SELECT id FROM trips")}
        assert known == {"0", "1", "2", "8", "9"}


@pytest.mark.parametrize("home", Home)
async def test_a_trip_keeps_what_it_awaits(tmp_path: Path, home: Home) -> None:
    store = Store.open(tmp_path)
    await store.record(replace(TRIP, home=home))
    await store.close()
    store = Store.open(tmp_path)
    assert [trip.home for trip in store.unsettled()] == [home]
    await store.close()


async def test_a_trip_of_version_6_awaits_its_message(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    await store.record(TRIP)
    await store.close()
    with closing(sqlite3.connect(tmp_path / state_file.FILE)) as file:
        file.executescript(
            "ALTER TABLE trips DROP COLUMN home; DROP TABLE heartbeats; PRAGMA user_version = 6;"
        )
    store = Store.open(tmp_path)
    assert store.unsettled() == [TRIP]
    await store.close()


async def test_a_trip_that_awaits_what_only_a_newer_version_knows_is_left_out(
    tmp_path: Path,
) -> None:
    store = Store.open(tmp_path)
    await store.record(TRIP)
    await store.close()
    with closing(sqlite3.connect(tmp_path / state_file.FILE)) as file:
        file.execute("UPDATE trips SET home = 'by pigeon'")
        file.commit()
    store = Store.open(tmp_path)
    assert store.unsettled() == []
    await store.close()
