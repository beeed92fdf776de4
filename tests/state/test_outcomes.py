"""What is kept of every probe."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from exporter.core.model import ProbeKey
from exporter.state import schema
from exporter.state.history import HISTORY_LENGTH, summary_of
from exporter.state.outcomes import LastKnown
from exporter.state.store import Store
from tests.state.test_store import OUTCOME


async def test_the_time_of_the_last_success_outlives_failures_and_restarts(tmp_path: Path) -> None:
    good = replace(OUTCOME, failure=None)
    seen = []
    for outcome in (OUTCOME, good, OUTCOME, OUTCOME, replace(good, started_at=5000.0)):
        store = Store.open(tmp_path)
        store.finished(outcome)
        await store.close()
        store = Store.open(tmp_path)
        seen += [known.last_success for known in store.last_known()]
        await store.close()
    assert seen == [None, 1003.0, 1003.0, 1003.0, 5002.5]


async def test_how_the_newest_trips_ended_outlives_restarts_and_does_not_grow_without_end(
    tmp_path: Path,
) -> None:
    made = [
        replace(OUTCOME, duration=float(n), failure=OUTCOME.failure if n % 3 else None)
        for n in range(100)
    ]
    for start in (0, 3, 50):
        store = Store.open(tmp_path)
        for outcome in made[start : start + 50]:
            store.finished(outcome)
        await store.close()
        store = Store.open(tmp_path)
        (known,) = store.last_known()
        await store.close()
    assert known == LastKnown(made[99], made[99].finished_at, tuple(map(summary_of, made[60:100])))
    assert len(known.history) == HISTORY_LENGTH


async def test_only_what_is_wanted_is_read_in_the_order_in_which_it_happened(
    tmp_path: Path,
) -> None:
    """A reload that adds one probe need not read those of ten thousand others."""
    made = [
        replace(OUTCOME, probe=ProbeKey("m", name), started_at=at, trip=f"of-{name}")
        for name, at in (("b", 3000.0), ("c", 1000.0), ("a", 2000.0), ("broken", 500.0))
    ]
    store = Store.open(tmp_path)
    for outcome in made:
        store.finished(outcome)
    await store.close()
    with closing(sqlite3.connect(tmp_path / schema.FILE)) as file:
        file.execute("UPDATE outcomes SET outcome = '{}' WHERE target = 'broken'")
        file.commit()
    store = Store.open(tmp_path)
    trips = [known.outcome.trip for known in store.last_known()]
    assert trips == ["of-c", "of-a", "of-b"]
    wanted = [known.outcome.trip for known in store.last_known(lambda probe: probe.target == "a")]
    assert wanted == ["of-a"]
    await store.close()


async def test_the_newest_outcome_of_a_probe_is_found_also_if_it_is_no_recent_one_any_more(
    tmp_path: Path,
) -> None:
    """Recent ones may take 64 MiB together, and ten thousand probes have more newest ones."""
    store = Store.open(tmp_path)
    await store.written(store.finished(OUTCOME))
    with closing(sqlite3.connect(tmp_path / schema.FILE)) as file:
        file.execute("DELETE FROM recent")
        file.commit()
    assert await store.outcome(OUTCOME.trip) is None
    assert await store.outcome(OUTCOME.trip, OUTCOME.probe) == OUTCOME
    assert await store.outcome("another", OUTCOME.probe) is None
    await store.close()
