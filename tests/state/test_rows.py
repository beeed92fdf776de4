"""A state file that is not as we left it: bits that rotted, rows of a newer version, hands that
meant well."""

import asyncio
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from exporter.app import App
from exporter.core.availability.outage import Unsettled
from exporter.core.model import Failure, Outcome, ProbeKey
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.mail.tokens import new_key
from exporter.settings import Settings
from exporter.state import schema as state_file
from exporter.state.schema import SCHEMA_VERSION, StateUnusable
from exporter.state.store import Store
from exporter.state.trip import Moment, State, Trip
from tests.core.availability.test_downtime import ENDED
from tests.support.embedded import embedded

(ENTRY,) = Settings.embedded().probes
PROBE = ProbeKey(ENTRY.module, ENTRY.target or "")
OUTCOME = Outcome(
    "0123456789abcd", PROBE, 1000.0, 2.5, failure=Failure(Phase.DELIVER, None, Reason.OVERDUE)
)
NOW = Moment("boot", 100.0, 2000.0)
ODD_VALUES = [
    None,
    "nonsense",
    "",
    "[]",
    '{"a": 1}',
    "[[1]]",
    "[" * 5000,
    b"\xff\x00",
    -1,
    1 << 62,
    -(1 << 63),  # of which SQLite has no absolute value
    1e300,
    float("inf"),
    0,
    "\udcff".encode("utf-8", "surrogatepass").decode("utf-8", "replace"),
]


def trip(number: int, state: State) -> Trip:
    return Trip(f"{number:014x}", PROBE, "own", state, 1000.5, "boot", 5.25, 9000.0)


async def filled(directory: Path) -> None:
    """A state with a row of everything."""
    store = Store.open(directory)
    for number, state in enumerate(State):
        await store.record(replace(trip(number, state), sending_since=6.0, accepted=7.0))
    await store.save_verdict(replace(OUTCOME, trip=f"{3:014x}"))
    store.finished(OUTCOME)
    store.finished(replace(OUTCOME, trip="b" * 14, failure=None))
    outage = replace(ENDED, probe=PROBE, end=None)
    store.keep_outage(outage)
    store.keep_unsettled(PROBE, Unsettled(outage))
    await store.close()


def changed(directory: Path, *statements: str, values: tuple[object, ...] = ()) -> None:
    with closing(sqlite3.connect(directory / state_file.FILE, isolation_level=None)) as file:
        for statement in statements:
            file.execute(statement, values)


async def started_and_used(directory: Path) -> None:
    """A mailtrip with this state starts, makes a trip, shows what is kept, and stops."""
    app = App(embedded(), Store.open(directory), new_key())
    app.recover()
    app.ledger.expire()
    await app.store.recent(None, 100)
    await app.store.outcome(OUTCOME.trip)
    app.store.finished(replace(OUTCOME, trip="c" * 14))
    assert [one.trip for one in await app.store.recent(PROBE, 1)] == ["c" * 14]
    for probe in app.probes:
        await app.prober.abandon(probe)
    for watcher in app.watchers.values():
        await watcher.close()
    await app.store.close()


def with_every_oddity(directory: Path) -> int:
    """For each column of each table, and each odd value, a row that is well but for that. Returns
    how many."""
    rows = 0
    with closing(sqlite3.connect(directory / state_file.FILE, isolation_level=None)) as file:
        for table in ("trips", "outcomes", "recent", "outages", "unsettled"):
            names = [name for _, name, *_ in file.execute(f"PRAGMA table_info({table})")]
            well = file.execute(f"SELECT * FROM {table} LIMIT 1").fetchone()
            for place in range(len(names)):
                for value in ODD_VALUES:
                    row, rows = list(well), rows + 1
                    if table != "recent":
                        row[0 if table in ("trips", "outages") else 1] = f"row {rows}"
                    else:
                        row[:2] = [1000 + rows, f"row {rows}"]
                    row[place] = value
                    marks = ", ".join("?" * len(names))
                    (
                        file.execute(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", row)
                        if fits(table, names[place], value)
                        else None
                    )
    return rows


def fits(table: str, column: str, value: object) -> bool:
    """Whether SQLite takes it in."""
    return value is not None and (column != "number" or isinstance(value, int))


async def test_whatever_is_in_a_column_the_next_start_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await filled(tmp_path)
    assert with_every_oddity(tmp_path) > 200
    await started_and_used(tmp_path)
    assert not [record for record in caplog.records if record.exc_info]
    assert "could not be written" not in caplog.text
    assert (
        len([record for record in caplog.records if "contains invalid rows" in record.message]) == 5
    ), "a line for each table"
    assert not (tmp_path / "mailtrip.damaged").exists()
    caplog.clear()
    await started_and_used(tmp_path)
    assert caplog.text == ""


async def test_a_row_of_a_newer_version_is_forgotten_alone_and_in_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await filled(tmp_path)
    changed(tmp_path, "UPDATE trips SET state = 'on-the-moon' WHERE state = 'sent'")
    store = Store.open(tmp_path)
    assert State.SENT not in {one.state for one in store.unsettled()}
    assert len(store.unsettled()) == len(State) - 2
    (line,) = [record.message for record in caplog.records]
    assert "1 of table trips" in line
    await store.close()
    caplog.clear()
    await Store.open(tmp_path).close()
    assert caplog.text == ""


Damage = Callable[[Path], None]
DAMAGES: dict[str, tuple[str, ...]] = {
    "no trips": ("DROP TABLE trips",),
    "no outcomes": ("DROP TABLE outcomes",),
    "no recent": ("DROP TABLE recent",),
    "a column less": ("ALTER TABLE trips DROP COLUMN verdict",),
    "a column more": ("ALTER TABLE trips ADD COLUMN moon TEXT",),
    "a column of another name": ("ALTER TABLE recent RENAME COLUMN trip TO journey",),
    "a view": ("ALTER TABLE outcomes RENAME TO old", "CREATE VIEW outcomes AS SELECT * FROM old"),
    "no key": ("ALTER TABLE outcomes RENAME TO old", "CREATE TABLE outcomes AS SELECT * FROM old"),
    "an older version than it is": ("PRAGMA user_version = 1",),
    "a little older": (f"PRAGMA user_version = {SCHEMA_VERSION - 1}",),
    "no version": ("PRAGMA user_version = 0",),
    "another program's": (
        *("DROP TABLE trips", "DROP TABLE outcomes", "DROP TABLE recent"),
        *("CREATE TABLE trips (x)", "PRAGMA user_version = 0"),
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
async def test_a_file_that_is_not_ours_inside_is_set_aside_and_said_in_one_line(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    await filled(tmp_path)
    changed(tmp_path, *DAMAGES[name])
    await started_and_used(tmp_path)
    (line,) = [record.message for record in caplog.records if "damaged" in record.message]
    assert re.search(
        r"the state in .*mailtrip\.sqlite is damaged \(.+\); renamed to"
        r" .*mailtrip\.damaged",
        line,
    )
    assert (tmp_path / "mailtrip.damaged").exists()
    assert not [record for record in caplog.records if record.exc_info]
    caplog.clear()
    await started_and_used(tmp_path)
    assert "damaged" not in caplog.text


def test_what_is_no_file_at_all_is_one_clear_line(tmp_path: Path) -> None:
    for name in ("a directory", "a link to nowhere", "garbage, and no place to set it aside"):
        directory = tmp_path / name
        directory.mkdir()
        file = directory / state_file.FILE
        if name == "a directory":
            file.mkdir()
        elif name == "a link to nowhere":
            file.symlink_to("/nowhere/x")
        else:
            file.write_bytes(b"garbage" * 1000)
            (directory / "mailtrip.damaged").mkdir()
        with pytest.raises(StateUnusable, match=re.escape(str(file))):
            asyncio.run(opened(directory))


async def opened(directory: Path) -> None:
    Store.open(directory)


async def test_a_history_that_is_none_begins_anew(tmp_path: Path) -> None:
    for number, history in enumerate(
        (
            "nonsense",
            "{}",
            "5",
            "[1, 2]",
            '[["x"]]',
            "null",
            "[[true, null]]",
            f"[[1, {'9' * 400}]]",
            "[5, [1, 2.5]]",
        )
    ):
        directory = tmp_path / str(number)
        await filled(directory)
        changed(directory, "UPDATE outcomes SET history = ?", values=(history,))
        store = Store.open(directory)
        (known,) = store.last_known()
        assert all(beat.seconds == 2.5 for beat in known.history)
        store.finished(OUTCOME)
        store.finished(OUTCOME)
        await store.close()
        store = Store.open(directory)
        (known,) = store.last_known()
        assert len(known.history) >= 1
        await store.close()
