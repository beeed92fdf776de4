"""Trips while the state is in trouble: each has exactly one outcome, and no restart tells another
one."""

import asyncio
import logging
import random
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable

import pytest

from exporter.core.availability.outage import Standing
from exporter.core.model import Outcome, ProbeKey
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.trace.run import VERDICT_PATIENCE
from exporter.metrics.metrics import Metrics
from exporter.metrics.outcome import FIRST
from exporter.state.commits import PATIENCE
from exporter.state.store import Store
from exporter.state.trip import State, Trip
from tests.support import virtual_time as virtual
from tests.support.balky_disk import Balky, balky, store_on
from tests.support.prober_rig import TIMEOUT, ProberRig


class Broken(Store):
    """Breaks, or never answers, where a test says so."""

    def __init__(self, connection: sqlite3.Connection, rng: random.Random, often: float) -> None:
        super().__init__(connection, None, None, threaded=False)
        self._rng, self._often = rng, often

    async def _strike(self) -> None:
        if self._rng.random() < self._often:
            if self._rng.random() < 0.3:
                await asyncio.Event().wait()
            raise self._rng.choice([ZeroDivisionError(), OSError(5, "x"), KeyError("x")])

    async def record(self, trip: Trip) -> None:
        await self._strike()
        await super().record(trip)

    async def save_verdict(self, verdict: Outcome) -> None:
        await self._strike()
        await super().save_verdict(verdict)

    def finished(
        self,
        outcome: Outcome,
        tell: Callable[[str], None] | None = None,
        *,
        newest: bool = True,
    ) -> "asyncio.Future[None]":
        if self._rng.random() < self._often:
            raise ZeroDivisionError
        return super().finished(outcome, tell, newest=newest)

    def settle(
        self, trip_id: str, state: State, tell: Callable[[str], None] | None = None
    ) -> "asyncio.Future[None]":
        if self._rng.random() < self._often:
            raise ZeroDivisionError
        return super().settle(trip_id, state, tell)


@pytest.mark.slow
def test_of_four_hundred_trips_with_a_state_that_breaks_in_every_way_each_has_one_outcome_in_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def course() -> None:
        rig = ProberRig(store=Broken(balky(), random.Random(7), often=0.2))
        flights = []
        for number in range(400):
            rig.sender.delay = None if number % 5 == 0 else 5.0
            flights.append(rig.prober.start(rig.probe))
            await asyncio.sleep(3)
        outcomes = await asyncio.gather(*flights)
        await asyncio.sleep(1)
        assert len({outcome.trip for outcome in outcomes}) == 400
        assert rig.series()["mailtrip_trips_total"] == 400
        assert rig.series()["mailtrip_trips_in_flight"] == 0
        verdicts = Counter(
            record.args[0]  # type: ignore[index]
            for record in caplog.records
            if "succeeded after" in record.msg or "failed: %s" in record.msg
        )
        assert verdicts == Counter(outcome.trip for outcome in outcomes), "and one line in the log"
        for outcome in outcomes:
            assert outcome.duration <= TIMEOUT + 2 * PATIENCE
            if outcome.failure:
                assert (outcome.failure.phase, outcome.failure.reason) == (
                    Phase.DELIVER,
                    Reason.OVERDUE,
                )
        assert 310 <= sum(outcome.success for outcome in outcomes) <= 330
        assert rig.mailbox.messages == {}
        await rig.close()

    with caplog.at_level(logging.INFO):
        virtual.run(course())


class Unlucky(Metrics):
    """Breaks at everything that a trip tells it."""

    def started(self, probe: ProbeKey) -> None:
        raise ZeroDivisionError

    def finished(self, outcome: Outcome, standing: Standing = FIRST) -> None:
        raise ZeroDivisionError


def test_who_counts_and_breaks_costs_no_outcome_and_no_later_trip(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def course() -> None:
        rig = ProberRig(metrics=Unlucky)
        for _ in range(2):
            rig.prober.start_if_due(rig.probe)
            (flight,) = rig.probe.flights.values()
            outcome = await flight
            assert outcome.success
            assert rig.probe.newest == outcome.brief
            await asyncio.sleep(300)
        assert [known.outcome for known in rig.store.last_known()] == [outcome]
        assert rig.store.unsettled() == []
        await rig.close()

    virtual.run(course())
    assert caplog.text.count("a bug in mailtrip") == 4


def test_what_only_looks_like_the_end_of_the_program_is_an_outcome_too() -> None:
    async def course() -> None:
        rig = ProberRig()

        async def cancelled(message: object, run: object) -> None:
            raise asyncio.CancelledError

        rig.sender.send = cancelled  # type: ignore[method-assign]
        outcome = await rig.trip()
        assert str(outcome.failure) == "send: internal: CancelledError: see the log"
        assert rig.series()["mailtrip_trips_in_flight"] == 0
        await rig.close()

    virtual.run(course())


@pytest.mark.parametrize("delay", [5.0, None])
def test_a_disk_that_stalls_makes_no_trip_fail_and_none_endless(
    delay: float | None, caplog: pytest.LogCaptureFixture
) -> None:
    flowing = threading.Event()

    async def course() -> None:
        connection = balky()
        connection.flowing = flowing
        rig = ProberRig(store=store_on(connection))
        rig.sender.delay = delay
        outcome = await rig.trip()
        assert outcome.success is (delay is not None)
        assert outcome.duration <= TIMEOUT + 1
        assert rig.mailbox.messages == {}
        if outcome.success:
            assert {span.phase for span in outcome.spans if span.step is None} == set(Phase)
            assert sum(span.duration for span in outcome.spans if span.step is None) < 8, (
                "our wait is in no phase"
            )
            assert outcome.duration < 8 + PATIENCE + VERDICT_PATIENCE
        else:
            assert str(outcome.failure).startswith("deliver: overdue")
        await asyncio.sleep(PATIENCE + 1)
        told = "succeeded after" if outcome.success else "failed: deliver"
        (line,) = [record.message for record in caplog.records if told in record.message]
        assert "(not yet in the state: no answer from the disk" in line
        rig.sender.delay = 5.0
        assert (await rig.trip()).success
        await rig.prober.abandon(rig.probe)
        for watcher in rig.watchers.values():
            await watcher.close()

    with caplog.at_level(logging.INFO):
        virtual.run(course())
    flowing.set()


class Disk:
    """What has to survive a restart: the rows of a state in memory."""

    def __init__(self) -> None:
        self.rows: list[str] = []

    def save(self, connection: sqlite3.Connection) -> None:
        self.rows = list(connection.iterdump())

    def load(self) -> Balky:
        connection = balky()
        tables = "SELECT name FROM sqlite_master WHERE type = 'table'"
        for (table,) in connection.execute(tables).fetchall():
            connection.execute(f"DROP TABLE {table}")
        connection.executescript("\n".join(self.rows))
        return connection


@pytest.mark.parametrize(
    "begins", [0.0, 0.5, 3.0, 6.05, 7.0]
)  # seconds in the life of a trip of 6 s
@pytest.mark.parametrize("code", [sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY])
@pytest.mark.parametrize("lasts", [4.0, 30.0])
def test_after_trouble_with_the_disk_a_restart_tells_nothing_of_a_trip_that_has_ended(
    begins: float, code: int, lasts: float, caplog: pytest.LogCaptureFixture
) -> None:
    async def course() -> None:
        disk, connection = Disk(), balky()
        rig = ProberRig(store=store_on(connection))
        loop = asyncio.get_running_loop()
        loop.call_later(begins, setattr, connection, "refuses", code)
        loop.call_later(begins + lasts, setattr, connection, "refuses", 0)
        outcome = await rig.trip()
        assert outcome.success
        await asyncio.sleep(begins + lasts + 3)
        disk.save(connection)
        await rig.close()

        after = ProberRig(mailbox=rig.mailbox, store=store_on(disk.load()))
        assert after.ledger.recover() == []
        await asyncio.sleep(100_000)
        after.ledger.expire()
        series = after.series()
        assert (
            series["mailtrip_trips_total"]
            == series["mailtrip_lost_total"]
            == series["mailtrip_late_total"]
            == 0
        )
        assert [known.outcome for known in after.store.last_known()] == [outcome]
        assert len(rig.sender.sent) == 1
        await after.close()

    with caplog.at_level(logging.INFO):
        virtual.run(course())
    assert len([record for record in caplog.records if "succeeded after" in record.message]) == 1
    assert "is lost" not in caplog.text


@pytest.mark.parametrize("delay", [700.0, None])
def test_what_is_overdue_while_the_disk_refuses_is_late_or_lost_once(delay: float | None) -> None:
    async def course() -> None:
        connection = balky()
        rig = ProberRig(store=store_on(connection))
        rig.sender.delay = delay
        loop = asyncio.get_running_loop()
        loop.call_later(500, setattr, connection, "refuses", sqlite3.SQLITE_FULL)
        loop.call_later(800, setattr, connection, "refuses", 0)
        await rig.trip()
        await asyncio.sleep(90_000)
        rig.ledger.expire()
        await asyncio.sleep(1)
        series = rig.series()
        assert (series["mailtrip_late_total"], series["mailtrip_lost_total"]) == (
            (0, 1) if delay is None else (1, 0)
        )
        assert rig.store.unsettled() == []
        await rig.close()

    virtual.run(course())
