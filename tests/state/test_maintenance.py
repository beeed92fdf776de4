"""The windows of maintenance that were started beside the configuration, over restarts."""

import sqlite3
from contextlib import closing
from pathlib import Path

from exporter.core.availability.maintenance import Maintenance
from exporter.core.availability.window import Once, Window
from exporter.core.timing.clock import Clock
from exporter.probing.started_windows import StartedWindows
from exporter.state.schema import FILE
from exporter.state.store import Store


def window(name: str, start: float, end: float) -> tuple[Window, Once]:
    once = Once(start, end)
    return Window(name, ("mx*", "ä"), once), once


async def test_a_restart_continues_what_is_not_over(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    for made in (window("later", 500, 900), window("now", 100, 200), window("over", 1, 2)):
        await store.keep_window(*made)
    await store.keep_window(*window("now", 100, 300))
    await store.close()

    again, maintenance = Store.open(tmp_path), Maintenance()
    StartedWindows(maintenance, again, Clock(wall=lambda: 250)).restore()
    assert [one.name for one in maintenance.started] == ["now", "later"]
    assert maintenance.lasts("mx-a", 299) is True
    assert maintenance.lasts("Ä", 300) is False
    await again.close()


async def test_rows_that_make_no_sense_are_left_out(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    await store.keep_window(*window("good", 1, 2))
    await store.close()
    with closing(sqlite3.connect(tmp_path / FILE)) as file, file:
        for name, probes in (("a", "["), ("b", "[1]"), ("c", "{}"), ("d", "[]"), ("e", b"\xff")):
            file.execute("INSERT INTO maintenance VALUES (?, 1, 2, ?)", (name, probes))
    store = Store.open(tmp_path)
    assert [one.name for one in store.windows()] == ["good"]
    await store.close()
