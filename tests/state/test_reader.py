"""Reading the state."""

import asyncio
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from exporter.state import schema as state_file
from exporter.state.schema import StateUnusable
from exporter.state.store import Store


async def test_a_store_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    with closing(sqlite3.connect(tmp_path / state_file.FILE)) as file:
        file.execute("DROP TABLE recent")
        file.commit()
    with pytest.raises(StateUnusable, match="no such table"):
        await store.recent(None, 1)
    await store.close()


async def test_others_need_not_wait_for_a_long_account(tmp_path: Path) -> None:
    store, goes_on = Store.open(tmp_path), threading.Event()
    long = asyncio.create_task(store._accountant.read(lambda _: goes_on.wait(20)))
    await asyncio.sleep(0)
    assert await store.recent(None, 1) == []
    assert not long.done()
    goes_on.set()
    assert await long
    await store.close()
