"""The state file of other versions."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from exporter.core.model import Outcome, ProbeKey
from exporter.state.history import summary_of
from exporter.state.outcomes import LastKnown
from exporter.state.schema import FILE, StateUnusable
from exporter.state.store import Store
from exporter.state.stored_heartbeats import stored_heartbeats
from exporter.state.trip import State
from tests.state.test_evidence import bad, good
from tests.state.test_heartbeats import KEY, WATCH
from tests.state.test_store import OTHER, OUTCOME, PROBE, TRIP
from tests.support.kept_trips import kept_trips

OF_VERSION_2 = """
CREATE TABLE trips (
    id TEXT PRIMARY KEY, module TEXT NOT NULL, target TEXT NOT NULL, mailbox TEXT NOT NULL, state TEXT NOT NULL,
    started_at REAL NOT NULL, boot TEXT NOT NULL, started REAL NOT NULL, sending_since REAL,
    accepted REAL, expires_at REAL NOT NULL, verdict TEXT
) WITHOUT ROWID;
CREATE TABLE outcomes (
    module TEXT NOT NULL, target TEXT NOT NULL, finished_at REAL NOT NULL, outcome TEXT NOT NULL, last_success REAL,
    PRIMARY KEY (module, target)
) WITHOUT ROWID;
PRAGMA user_version = 2;
"""  # noqa: E501

OF_VERSION_1 = """
CREATE TABLE trips (
    id TEXT PRIMARY KEY, module TEXT NOT NULL, target TEXT NOT NULL, mailbox TEXT NOT NULL, state TEXT NOT NULL,
    started_at REAL NOT NULL, boot TEXT NOT NULL, started REAL NOT NULL, sending_since REAL,
    accepted REAL, expires_at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE outcomes (
    module TEXT NOT NULL, target TEXT NOT NULL, finished_at REAL NOT NULL, outcome TEXT NOT NULL,
    PRIMARY KEY (module, target)
) WITHOUT ROWID;
PRAGMA user_version = 1;
"""  # noqa: E501


def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "mailtrip.sqlite") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StateUnusable, match="another version of mailtrip"):
        Store.open(tmp_path)


async def test_a_file_of_version_1_loses_nothing(tmp_path: Path) -> None:
    good = replace(OUTCOME, probe=OTHER, failure=None)
    with closing(sqlite3.connect(tmp_path / "mailtrip.sqlite")) as file:
        file.executescript(OF_VERSION_1)
        trips = [
            ("t1", "sent", 7.0),
            ("t2", "overdue", 7.0),
            ("t3", "arrived", 7.0),
            ("t4", "leaving", None),
        ]
        for name, state, accepted in trips:
            row = (
                name,
                PROBE.module,
                PROBE.target,
                "monitor",
                state,
                1000.5,
                "boot",
                5.25,
                accepted,
                accepted,
                9000.0,
            )
            file.execute("INSERT INTO trips VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        for outcome in (OUTCOME, good):
            text = TypeAdapter(Outcome).dump_json(outcome).decode()
            key = (outcome.probe.module, outcome.probe.target)
            file.execute(
                "INSERT INTO outcomes VALUES (?, ?, ?, ?)", (*key, outcome.finished_at, text)
            )
        file.commit()

    for _ in range(2):  # once is enough
        store = Store.open(tmp_path)
        sent = replace(TRIP, state=State.SENT, sending_since=7.0, accepted=7.0)
        leaving = replace(TRIP, id="t4", state=State.LEAVING)
        assert store.unsettled() == [sent, replace(sent, id="t2", state=State.OVERDUE), leaving]
        known = await store.trip("t3")
        assert known is not None
        assert known.state is State.ARRIVED
        assert list(store.last_known()) == [
            LastKnown(good, good.finished_at, ()),
            LastKnown(OUTCOME, None, ()),
        ]
        await store.close()
    store = Store.open(tmp_path)
    await store.save_verdict(replace(good, trip="t1"))
    store.finished(replace(OUTCOME, probe=OTHER, started_at=2000.0))
    await store.close()
    store = Store.open(tmp_path)
    assert store.unsettled()[0].verdict == replace(good, trip="t1")
    newest = replace(OUTCOME, probe=OTHER, started_at=2000.0)
    history = (summary_of(newest),)
    assert list(store.last_known())[-1] == LastKnown(newest, good.finished_at, history)
    await store.close()


async def test_a_file_of_version_2_loses_nothing_and_its_outcomes_are_evidence(
    tmp_path: Path,
) -> None:
    newest = [bad("b", PROBE, at=2000.0), good("a", OTHER, at=1000.0)]
    with closing(sqlite3.connect(tmp_path / FILE)) as file:
        file.executescript(OF_VERSION_2)
        texts = [
            (o.probe, o.finished_at, TypeAdapter(Outcome).dump_json(o).decode()) for o in newest
        ]
        for probe, finished_at, text in (*texts, (ProbeKey("m", "t"), 1.0, "no JSON")):
            row = (probe.module, probe.target, finished_at, text, 5.0)
            file.execute("INSERT INTO outcomes VALUES (?, ?, ?, ?, ?)", row)
        file.commit()
    for _ in range(2):  # once is enough
        store = Store.open(tmp_path)
        assert await kept_trips(store) == newest
        known = sorted(store.last_known(), key=lambda one: one.outcome.trip)
        assert known == [LastKnown(newest[1], 5.0, ()), LastKnown(newest[0], 5.0, ())]
        await store.close()
    with closing(sqlite3.connect(tmp_path / FILE)) as file:
        rows = file.execute("SELECT trip, success, size FROM recent ORDER BY trip").fetchall()
    assert rows == [
        (o.trip, o.success, len(text.encode()))
        for o, (_, _, text) in zip(newest[::-1], texts[::-1], strict=True)
    ]


async def test_a_file_of_the_version_before_gets_the_table(tmp_path: Path) -> None:
    await Store.open(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / FILE)) as file:
        file.executescript("DROP TABLE heartbeats; PRAGMA user_version = 7;")
    assert stored_heartbeats(tmp_path) == {}
    store = Store.open(tmp_path)
    assert not [*tmp_path.glob("*.damaged")]
    await store.keep_heartbeat(KEY, WATCH)
    assert store.heartbeats() == {KEY: WATCH}
    await store.close()
