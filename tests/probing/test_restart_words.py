"""What a trip that goes on after a restart still knows of the sending, in virtual time."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from exporter.core.model import Reply, TlsSession
from exporter.core.phases import Leg
from exporter.state.schema import FILE
from exporter.state.trip import State
from tests.support import virtual_time as virtual
from tests.support.prober_rig import ProberRig

TAKEN = (
    TlsSession(Leg.SEND, "TLSv1.3", "AES", 2e9),
    Reply(250, "2.0.0 Ok: queued as 4XyZ8q3hVGz1abc"),
)


@pytest.mark.parametrize("read", [True, False])
def test_an_overdue_trip_tells_after_a_restart_who_has_taken_the_message(
    tmp_path: Path, read: bool
) -> None:
    async def course() -> None:
        first = ProberRig(tmp_path)
        first.sender.delay, first.sender.facts = (
            None,
            (*TAKEN, TlsSession(Leg.MAILBOX, "TLSv1.2", "AES", 2e9)),
        )
        first.prober.start(first.probe)
        await asyncio.sleep(50)
        await first.close()
        if not read:  # as another version writes it
            with closing(sqlite3.connect(tmp_path / FILE)) as file:
                file.execute("UPDATE trips SET verdict = '[{}]'")
                file.commit()
        second = ProberRig(tmp_path, first.mailbox)
        (trip,) = second.ledger.recover()
        assert (trip.state, trip.verdict) == (State.SENT, None)
        second.prober.resume(second.probe, trip)
        (flight,) = second.probe.flights.values()
        outcome = await flight
        words = "; it was accepted with: 250 2.0.0 Ok: queued as 4XyZ8q3hVGz1abc"
        assert str(outcome.failure).endswith(words) is read
        assert outcome.facts == (TAKEN if read else ())
        await second.close()

    virtual.run(course())
