"""What a restart does to messages under way, in virtual time."""

import asyncio
from pathlib import Path

import pytest

from exporter.model import Arrival
from exporter.store import State
from tests import virtual
from tests.workbench import TIMEOUT, Bench


def test_a_restart_goes_on_with_the_trips_in_flight(tmp_path: Path) -> None:
    async def course() -> None:
        first = Bench(tmp_path)
        first.sender.delay = 100
        first.prober.start(first.probe)
        await asyncio.sleep(50)
        await first.close()
        assert first.store is not None

        await asyncio.sleep(10)
        second = Bench(tmp_path, first.mailbox)
        (trip,) = second.ledger.recover()
        assert trip.state is State.SENT
        second.prober.resume(second.probe, trip)
        await second.prober.ask(second.probe, 100)
        assert second.sender.sent == []  # it is not sent again
        assert second.probe.newest is not None
        assert second.probe.newest.trip == trip.id
        (arrival,) = (fact for fact in second.probe.newest.facts if isinstance(fact, Arrival))
        assert arrival.delay == pytest.approx(100, rel=0.05)
        assert arrival.round_trip == pytest.approx(101, rel=0.05)
        assert second.mailbox.messages == {}
        await second.close()

    virtual.run(course())


def test_a_message_that_came_during_a_restart_is_a_success_without_an_invented_delay(tmp_path: Path) -> None:
    async def course() -> None:
        first = Bench(tmp_path)
        first.sender.delay = 55
        first.prober.start(first.probe)
        await asyncio.sleep(50)
        await first.close()
        await asyncio.sleep(10)
        second = Bench(tmp_path, first.mailbox)
        (trip,) = second.ledger.recover()
        second.prober.resume(second.probe, trip)
        await second.prober.ask(second.probe, 100)
        assert second.probe.newest is not None
        assert second.probe.newest.success
        assert second.series()["mailtrip_delivery_delay_seconds_count"] == 0
        await second.close()

    virtual.run(course())


def test_late_mail_is_recognised_after_a_restart(tmp_path: Path) -> None:
    async def course() -> None:
        first = Bench(tmp_path)
        first.sender.delay = 3600
        assert not (await first.trip()).success
        await first.close()
        second = Bench(tmp_path, first.mailbox)
        assert second.ledger.recover() == []
        await asyncio.sleep(3600)
        series = second.series()
        assert series["mailtrip_late_total"] == 1
        assert series["mailtrip_last_delivery_delay_seconds"] == pytest.approx(3600, rel=0.05)
        await second.close()

    virtual.run(course())


def test_a_trip_that_was_killed_before_its_message_was_accepted_is_void(tmp_path: Path) -> None:
    async def course() -> None:
        first = Bench(tmp_path)
        first.prober.start(first.probe)
        await asyncio.sleep(0.6)
        await first.close()
        second = Bench(tmp_path, first.mailbox)
        assert second.ledger.recover() == []
        await second.close()

    virtual.run(course())


@pytest.mark.parametrize("arrives", [True, False])
def test_after_a_long_absence_the_mailbox_is_looked_into_before_a_trip_is_overdue(
    tmp_path: Path, arrives: bool
) -> None:
    async def course() -> None:
        first = Bench(tmp_path)
        first.sender.delay = 100 if arrives else None
        first.prober.start(first.probe)
        await asyncio.sleep(50)
        await first.close()
        await asyncio.sleep(5 * TIMEOUT)
        second = Bench(tmp_path, first.mailbox)
        (trip,) = second.ledger.recover()
        second.prober.resume(second.probe, trip)
        (flight,) = second.probe.flights.values()
        assert (await flight).success is arrives
        assert second.series()["mailtrip_late_total"] == 0
        assert second.mailbox.messages == {}
        await second.close()

    virtual.run(course())
