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
async def test_a_bug_is_one_outcome_too(bench: ProberRig) -> None:
    async def broken(message: object, run: object) -> None:
        raise ZeroDivisionError

    bench.sender.send = broken  # type: ignore[method-assign]
    outcome = await bench.trip()
    assert outcome.failure is not None
    assert (outcome.failure.phase, outcome.failure.reason) == (Phase.SEND, Reason.INTERNAL)
    assert bench.series()['mailtrip_failures_total{phase="send",reason="internal"}'] == 1


@pytest.mark.parametrize("words", ["\udcff", "b\udc80c"])
def test_text_that_is_no_text_costs_no_outcome(words: str) -> None:
    """Python reads bytes that are no UTF-8 so, from a command line and from mail."""

    async def course() -> None:
        bench = ProberRig()
        bench.probe.key = ProbeKey("submission", f"{words}@example.org")
        bench.metrics.known(bench.probe.key, None, SUBMISSION)
        outcome = await bench.trip()
        assert outcome.success
        other = ProberRig(mailbox=bench.mailbox, store=bench.store)
        assert (await other.trip()).success
        await asyncio.sleep(GATHER)
        assert [known.outcome.trip for known in bench.store.last_known()][
            -1
        ] == other.probe.newest.trip  # type: ignore[union-attr]
        assert bench.store.unsettled() == []
        await bench.prober.abandon(bench.probe)
        for one in (bench, other):
            for watcher in one.watchers.values():
                await watcher.close()
        await bench.store.close()

    virtual.run(course())


def test_a_probe_keeps_its_newest_trip_whole_until_that_is_on_the_disk_and_then_in_brief() -> None:
    """There may be ten thousand probes, and a trip with its transcript takes 15 KiB."""

    async def course() -> None:
        disk = balky()
        bench = ProberRig(store=store_on(disk))
        disk.refuses = sqlite3.SQLITE_FULL
        first, probe = await bench.trip(), bench.probe
        await asyncio.sleep(10)
        assert (probe.unwritten, probe.newest) == (first, first.brief)
        disk.refuses = 0
        await asyncio.sleep(10)
        assert (probe.unwritten, probe.newest) == (None, first.brief)
        assert await bench.store.outcome(first.trip) == first
        assert first.transcript
        assert first.spans
        assert (first.brief.transcript, first.brief.spans) == ((), ())
        await bench.close()

    virtual.run(course())
