"""Trouble with the state and with the clock, which an attacker may cause, changes no verdict."""

import asyncio
import sqlite3
from pathlib import Path

from exporter.core.reasons import Reason
from exporter.core.timing.clock import Clock
from exporter.state import schema as state_file
from exporter.state.store import Store
from tests.state.test_rows import changed, filled
from tests.support import virtual_time as virtual
from tests.support.balky_disk import balky, store_on
from tests.support.kept_trips import kept_trips
from tests.support.prober_rig import ProberRig


def test_a_disk_that_refuses() -> None:
    """A state disk that is full, locked or stalled for a while changes and loses no result:
    pending changes are kept, within a bound, and written in order when possible."""

    async def course() -> None:
        connection = balky()
        rig = ProberRig(store=store_on(connection))
        connection.refuses = sqlite3.SQLITE_FULL
        good = await rig.trip()
        rig.sender.refusal = Reason.REJECTED
        bad = await rig.trip()
        assert (good.success, str(bad.failure)) == (True, "send/data: rejected 550: refused")
        connection.refuses = 0
        await asyncio.sleep(5)
        assert await kept_trips(rig.store) == [bad, good]
        assert rig.store.unsettled() == []
        await rig.close()

    virtual.run(course())


async def test_a_state_file_of_somebody_else(tmp_path: Path) -> None:
    """A state file with unknown tables, or with invalid rows, does not prevent a start: the
    file is renamed to `mailtrip.damaged`, the rows are dropped."""
    for number, change in enumerate(
        ("UPDATE trips SET state = 'odd'", "DROP TABLE outcomes", "DROP TABLE trips")
    ):
        directory = tmp_path / str(number)
        await filled(directory)
        changed(directory, change)
        store = Store.open(directory)
        assert store.unsettled() == []
        await store.close()
        assert (directory / "mailtrip.damaged").exists() is change.startswith("DROP")
        assert (directory / state_file.FILE).stat().st_mode & 0o077 == 0


def test_a_clock_that_is_set() -> None:
    """If the machine's clock is set, forwards or backwards, no message becomes lost or late, no
    failure is hidden behind an older success, and no flood of trips starts."""

    async def course() -> None:
        for jump in (-3600.0, 400 * 86400.0):
            off, loop = [0.0], asyncio.get_running_loop()
            rig = ProberRig(
                clock=Clock(
                    loop.time,
                    lambda off=off, loop=loop: virtual.BEGIN + loop.time() + off[0],  # type: ignore[misc]
                )
            )
            assert (await rig.trip()).success
            rig.sender.delay = None
            flight = rig.prober.start(rig.probe)
            await asyncio.sleep(10)
            off[0] = jump
            rig.prober.start_if_due(rig.probe)
            assert len(rig.probe.flights) == 1
            overdue = await flight
            rig.ledger.expire()
            assert rig.probe.newest == overdue.brief
            series = rig.series()
            assert (
                series["mailtrip_success"]
                == series["mailtrip_lost_total"]
                == series["mailtrip_late_total"]
                == 0
            )
            await rig.close()

    virtual.run(course())
