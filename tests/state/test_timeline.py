"""The trips of a probe in the order of their ends, with the delays of their messages."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from exporter.core.facts import Arrival
from exporter.core.model import Outcome
from exporter.state.schema import FILE
from exporter.state.store import Store
from exporter.state.timeline import AFTER, BEFORE
from tests.state.test_evidence import OTHER, PROBE, bad


def good(number: int, delay: float | None = 0.5) -> Outcome:
    arrival = Arrival("INBOX", "header", delay, delay)
    return Outcome(f"{number:014x}", PROBE, 1000.0 + number, 1.0, (), (arrival,))


async def test_trips_around_one_have_their_delays_and_verdicts() -> None:
    store = Store.open(None)
    store.finished(good(1))
    store.finished(replace(bad(f"{2:014x}"), started_at=1002.0))
    store.finished(replace(good(9), probe=OTHER))
    store.finished(good(3, None))
    found = await store.timeline(PROBE, f"{2:014x}")
    assert [(one.trip[-1], one.success, one.started_at, one.delay) for one in found] == [
        ("1", True, 1001.0, 0.5),
        ("2", False, 1002.0, None),
        ("3", True, 1003.0, None),
    ]
    assert await store.timeline(PROBE, "ffffffffffffff") == found
    assert [one.trip[-1] for one in await store.timeline(OTHER)] == ["9"]
    await store.close()


async def test_of_very_many_trips_only_those_around_are_read() -> None:
    store = Store.open(None)
    for number in range(600):
        outcome = good(number) if number % 2 else replace(bad(f"{number:014x}"), started_at=1.0)
        store.finished(outcome)
    numbers = [int(one.trip, 16) for one in await store.timeline(PROBE, f"{300:014x}")]
    assert numbers == list(range(301 - BEFORE, 301 + AFTER))
    numbers = [int(one.trip, 16) for one in await store.timeline(PROBE)]
    assert numbers == list(range(600 - BEFORE - AFTER, 600))
    await store.close()


async def test_damaged_rows_are_left_out(tmp_path: Path) -> None:
    store = Store.open(tmp_path, threaded=False)
    for number in range(1, 6):
        store.finished(good(number))
    await store.timeline(PROBE)
    damage = {1: "{", 2: "[]", 3: '{"started_at": "x"}', 4: '{"started_at": 1, "facts": 7}'}
    with closing(sqlite3.connect(tmp_path / FILE)) as connection, connection:
        for number, text in damage.items():
            update = "UPDATE recent SET outcome = ? WHERE trip = ?"
            connection.execute(update, (text, f"{number:014x}"))
    assert [one.trip[-1] for one in await store.timeline(PROBE)] == ["4", "5"]
    await store.close()
