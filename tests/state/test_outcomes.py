"""What is kept of every probe."""

from dataclasses import replace
from pathlib import Path

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
    assert known == LastKnown(made[99], made[99].finished_at, tuple(map(summary_of, made[60:99])))
    assert len(known.history) + 1 == HISTORY_LENGTH
