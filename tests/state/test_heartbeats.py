"""What is known about heartbeats, over restarts."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from exporter.core.heartbeat import Beat, HeartbeatKey, Watch
from exporter.state.heartbeats import LONGEST, MOST, keep, prune, watches
from exporter.state.schema import FILE, in_memory
from exporter.state.store import Store
from exporter.state.stored_heartbeats import stored_heartbeats

KEY = HeartbeatKey("own", "backup@*", "*finished*")
OTHER = replace(KEY, subject="*verified*")
WATCH = Watch(1000.0, 3000.0, 2500.0, Beat(2000.0, "backup@host.example", "finished", "INBOX"))


async def test_the_newest_of_each_comes_back(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    await store.keep_heartbeat(KEY, WATCH)
    await store.keep_heartbeat(OTHER, other := Watch(1.0, 2.0))
    await store.keep_heartbeat(KEY, newer := replace(WATCH, looked_at=4000.0))
    assert stored_heartbeats(tmp_path) == {KEY: newer, OTHER: other}
    await store.close()
    store = Store.open(tmp_path)
    assert store.heartbeats() == {KEY: newer, OTHER: other}
    await store.close()


async def test_a_row_that_makes_no_sense_is_left_out(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    for subject in ("a", "b", "c"):
        await store.keep_heartbeat(replace(KEY, subject=subject), WATCH)
    await store.close()
    with closing(sqlite3.connect(tmp_path / FILE)) as file:
        file.execute("UPDATE heartbeats SET looked_at = 'x' WHERE subject = 'b'")
        file.execute("UPDATE heartbeats SET watch = '{}' WHERE subject = 'c'")
        file.commit()
    store = Store.open(tmp_path)
    assert [*store.heartbeats()] == [replace(KEY, subject="a")]
    await store.close()


def test_what_was_not_looked_for_in_a_long_time_is_forgotten_and_so_are_the_oldest_of_many() -> (
    None
):
    with closing(in_memory()) as connection:
        keep(connection, OTHER, Watch(0.0, 0.0))
        connection.execute("BEGIN")
        for number in range(MOST + 2):
            keep(connection, replace(KEY, subject=f"{number}"), Watch(0.0, 10.0 + number))
        connection.execute("COMMIT")
        prune(connection, LONGEST + 5)
        kept = {key.subject for key in watches(connection)}
        assert len(kept) == MOST
        assert not {"0", "1", OTHER.subject} & kept
