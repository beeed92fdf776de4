"""Messages that are seen while mailtrip stops, in virtual time."""

import asyncio
from pathlib import Path

from tests import virtual
from tests.pretend import PretendMailbox
from tests.test_restart import resumed
from tests.workbench import Bench


def test_a_message_that_is_seen_while_we_stop_is_neither_double_nor_awaited_in_vain(tmp_path: Path) -> None:
    async def course() -> None:
        first = Bench(tmp_path, PretendMailbox(listens=True))
        first.watchers["monitor"].start()
        first.prober.start(first.probe)
        await asyncio.sleep(3)
        await first.prober.abandon(first.probe)
        await asyncio.sleep(400)
        assert first.mailbox.messages == {}
        assert first.series()["mailtrip_duplicates_total"] == 0
        await first.close()
        second = Bench(tmp_path, first.mailbox)
        assert second.ledger.recover() == []
        await second.close()

    virtual.run(course())


def test_a_message_that_is_seen_while_we_stop_is_left_for_the_next_start(tmp_path: Path) -> None:
    async def course() -> None:
        first = Bench(tmp_path)
        first.sender.delay = 20
        first.prober.start(first.probe)
        await asyncio.sleep(10)
        other = first.prober.start(first.probe)  # because of which the mailbox is watched on
        await asyncio.sleep(3)
        flights = list(first.probe.flights.values())
        flights[0].cancel()
        await asyncio.wait([flights[0]])
        await other
        assert len(first.mailbox.messages) == 1
        await first.close()
        second = resumed(Bench(tmp_path, first.mailbox))
        (flight,) = second.probe.flights.values()
        assert (await flight).success
        assert second.series()["mailtrip_duplicates_total"] == 0
        assert second.mailbox.messages == {}
        await second.close()

    virtual.run(course())
