"""A bug in what follows from a trip changes neither its outcome nor what else follows."""

import asyncio

import pytest

from exporter.core.availability.maintenance import Maintenance
from exporter.core.model import Outcome
from exporter.metrics.metrics import Metrics
from exporter.state.commits import GATHER
from tests.support import virtual_time as virtual
from tests.support.prober_rig import KEY, ProberRig


def broken(*arguments: object, **more: object) -> object:
    raise ZeroDivisionError


class BrokenMetrics(Metrics):
    def finished(self, outcome: Outcome, standing: object = None) -> None:
        raise ZeroDivisionError


class UnknownMaintenance(Maintenance):
    def lasts(self, name: str, now: float) -> bool:
        raise ZeroDivisionError


def test_what_cannot_be_counted_is_shown_and_kept(caplog: pytest.LogCaptureFixture) -> None:
    async def course() -> None:
        rig = ProberRig(metrics=BrokenMetrics)
        outcome = await rig.trip()
        await asyncio.sleep(2 * GATHER)
        assert outcome.success
        assert rig.probe.newest == outcome.brief
        assert await rig.store.outcome(outcome.trip) == outcome
        await rig.close()

    virtual.run(course())
    assert "ZeroDivisionError" in caplog.text


def test_what_cannot_be_kept_is_counted_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")

    async def course() -> None:
        rig = ProberRig()
        rig.ledger.end = broken  # type: ignore[assignment,method-assign]
        outcome = await rig.trip()
        assert rig.series()["probe_success"] == 1
        assert f"trip {outcome.trip} of {KEY} succeeded" in caplog.text
        await rig.close()

    virtual.run(course())


def test_what_cannot_be_completed_is_the_outcome_of_the_trip_alone() -> None:
    async def course() -> None:
        rig = ProberRig(maintenance=UnknownMaintenance())
        outcome = await rig.trip()
        assert outcome.success
        assert outcome.spans
        assert not outcome.planned
        await rig.close()

    virtual.run(course())
