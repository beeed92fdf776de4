"""A flight runs one trip: whatever happens inside, it has one outcome."""

import asyncio
import sqlite3

import pytest

from exporter.core.model import ProbeKey
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.state.commits import GATHER
from tests.support import virtual_time as virtual
from tests.support.balky_disk import balky, store_on
from tests.support.prober_rig import ProberRig
from tests.support.scopes import SUBMISSION


@virtual.on_a(ProberRig)
async def test_a_bug_is_one_outcome_too(rig: ProberRig) -> None:
    async def broken(message: object, run: object) -> None:
        raise ZeroDivisionError

    rig.sender.send = broken  # type: ignore[method-assign]
    outcome = await rig.trip()
    assert outcome.failure is not None
    assert (outcome.failure.phase, outcome.failure.reason) == (Phase.SEND, Reason.INTERNAL)
    assert rig.series()['mailtrip_failures_total{phase="send",reason="internal"}'] == 1


@pytest.mark.parametrize("words", ["\udcff", "b\udc80c"])
def test_text_that_is_no_text_costs_no_outcome(words: str) -> None:
    """Python reads bytes that are no UTF-8 so, from a command line and from mail."""

    async def course() -> None:
        rig = ProberRig()
        rig.probe.key = ProbeKey("submission", f"{words}@example.org")
        rig.metrics.known(rig.probe.key, None, SUBMISSION)
        outcome = await rig.trip()
        assert outcome.success
        other = ProberRig(mailbox=rig.mailbox, store=rig.store)
        assert (await other.trip()).success
        await asyncio.sleep(GATHER)
        assert [known.outcome.trip for known in rig.store.last_known()][
            -1
        ] == other.probe.newest.trip  # type: ignore[union-attr]
        assert rig.store.unsettled() == []
        await rig.prober.abandon(rig.probe)
        for one in (rig, other):
            for watcher in one.watchers.values():
                await watcher.close()
        await rig.store.close()

    virtual.run(course())


def test_a_probe_keeps_its_newest_trip_whole_until_that_is_on_the_disk_and_then_in_brief() -> None:
    """There may be ten thousand probes, and a trip with its transcript takes 15 KiB."""

    async def course() -> None:
        disk = balky()
        rig = ProberRig(store=store_on(disk))
        disk.refuses = sqlite3.SQLITE_FULL
        first, probe = await rig.trip(), rig.probe
        await asyncio.sleep(10)
        assert (probe.unwritten, probe.newest) == (first, first.brief)
        disk.refuses = 0
        await asyncio.sleep(10)
        assert (probe.unwritten, probe.newest) == (None, first.brief)
        assert await rig.store.outcome(first.trip) == first
        assert first.transcript
        assert first.spans
        assert (first.brief.transcript, first.brief.spans) == ((), ())
        await rig.close()

    virtual.run(course())
