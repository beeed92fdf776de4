"""Policies for TLS over a restart."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from exporter.core.saved_policy import LONGEST, SavedPolicy
from exporter.state.schema import FILE, in_memory
from exporter.state.store import Store
from exporter.state.sts_policies import MOST, keep, policies, prune
from exporter.state.trip import Moment

ONE = SavedPolicy("example.org", "1", "version: STSv1\n", 1000.0)


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(in_memory()) as made:
        yield made


async def test_the_newest_of_a_domain_comes_back(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    other = SavedPolicy("example.com", "a", "nonsense", 900.0)
    for saved in (ONE, other, newest := replace(ONE, version="2", downloaded_at=2000.0)):
        store.keep_sts_policy(saved)
    await store.close()
    store = Store.open(tmp_path)
    assert store.sts_policies() == [other, newest]
    await store.close()


async def test_a_file_of_the_version_before_gets_the_table(tmp_path: Path) -> None:
    await Store.open(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / FILE)) as file:
        file.executescript(
            "DROP TABLE sts_policies; DROP TABLE heartbeats; ALTER TABLE trips DROP COLUMN home;"
            "PRAGMA user_version = 5;"
        )
    store = Store.open(tmp_path)
    assert not [*tmp_path.glob("*.damaged")]
    store.keep_sts_policy(ONE)
    await store.close()
    store = Store.open(tmp_path)
    assert store.sts_policies() == [ONE]
    await store.close()


async def test_a_row_that_makes_no_sense_is_left_out(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.keep_sts_policy(ONE)
    store.keep_sts_policy(replace(ONE, domain="example.com"))
    await store.close()
    with closing(sqlite3.connect(tmp_path / FILE)) as file:
        file.execute("UPDATE sts_policies SET downloaded_at = 'x' WHERE domain = 'example.com'")
        file.commit()
    store = Store.open(tmp_path)
    assert store.sts_policies() == [ONE]
    await store.close()


def test_those_that_ended_long_ago_are_dropped_and_the_oldest_of_too_many(
    connection: sqlite3.Connection,
) -> None:
    keep(connection, replace(ONE, downloaded_at=1.0))
    for number in range(MOST + 5):
        keep(connection, replace(ONE, domain=f"d{number}", downloaded_at=LONGEST + number))
    prune(connection, LONGEST + 2)
    left = policies(connection)
    assert len(left) == MOST
    assert left[0].downloaded_at == LONGEST + 5


async def test_housekeeping_drops_them(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.keep_sts_policy(ONE)
    store.keep_sts_policy(newer := replace(ONE, domain="example.com", downloaded_at=2000.0))
    store.forget_expired(Moment("", 0.0, 1000.0 + LONGEST))
    await store.close()
    store = Store.open(tmp_path)
    assert store.sts_policies() == [newer]
    await store.close()
