"""The outages in the state."""

from dataclasses import replace
from pathlib import Path

from exporter.core.availability.outage import Result, Unsettled
from exporter.core.model import ProbeKey
from exporter.core.phases import Leg
from exporter.state.outages import KEPT_FOR
from exporter.state.store import Store
from exporter.state.trip import Moment
from tests.core.availability.test_downtime import ENDED as OUTAGE

ENDED = replace(OUTAGE, end=1120.0, reasons=("send/connect", "send/tls"), planned_seconds=60.0)
PROBE, OTHER = ENDED.probe, ProbeKey("submission", "b@example.org")
LASTING = replace(ENDED, id="trip5", start=5000.0, last_start=5000.0, end=None)


async def test_outages_outlive_a_restart_and_a_changed_one_replaces_itself(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    for outage in (
        replace(ENDED, end=None),
        LASTING,
        replace(ENDED, id="trip3", probe=OTHER, start=500.0),
        ENDED,
    ):
        store.keep_outage(outage)
    await store.close()
    store = Store.open(tmp_path)
    assert store.unsettled_outages() == {PROBE: Unsettled(LASTING)}
    assert await store.outages(PROBE, 10) == [LASTING, ENDED]
    assert [one.id for one in await store.outages(None, 2)] == ["trip5", "trip1"]
    assert [one.id for one in await store.outages(None, 2, 2)] == ["trip3"]
    assert await store.outage("trip1") == ENDED
    assert await store.outage("trip2") is None
    await store.close()


async def test_outages_are_kept_for_thirteen_months(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.keep_outage(ENDED)
    store.keep_outage(LASTING)
    assert ENDED.end is not None
    store.forget_expired(Moment("boot", 0.0, ENDED.end + KEPT_FOR))
    assert len(await store.outages(None, 10)) == 2
    store.forget_expired(Moment("boot", 0.0, ENDED.end + KEPT_FOR + 1))
    assert await store.outages(None, 10) == [LASTING]
    await store.close()


async def test_the_last_end_is_that_of_the_newest_outage_that_has_ended() -> None:
    store = Store.open(None)
    for outage in (ENDED, replace(ENDED, id="trip3", start=100.0, end=200.0), LASTING):
        store.keep_outage(outage)
    store.keep_outage(replace(LASTING, id="trip6", probe=OTHER))
    assert await store.last_ends() == {PROBE: ENDED.end}
    await store.close()


async def test_what_may_still_change_is_kept_until_it_is_settled(tmp_path: Path) -> None:
    result = Result(60.0, 1, "trip2", 1060.0, "send/connect", Leg.SEND, planned=False)
    unsettled = Unsettled(LASTING, 0, (result,))
    store = Store.open(tmp_path)
    store.keep_outage(LASTING)
    store.keep_unsettled(PROBE, unsettled)
    store.keep_unsettled(OTHER, unsettled)
    store.keep_unsettled(OTHER, None)
    await store.close()
    store = Store.open(tmp_path)
    assert store.unsettled_outages() == {PROBE: unsettled}
    await store.close()


async def test_the_outage_of_a_moment_is_found_from_its_start_to_before_its_end() -> None:
    store = Store.open(None)
    for outage in (ENDED, LASTING):
        store.keep_outage(outage)
    found = {
        moment: await store.outage_at(PROBE, moment)
        for moment in (999.0, 1000.0, 1119.0, 1120.0, 4999.0, 5000.0, 1e9)
    }
    assert found == {
        **dict.fromkeys((1000.0, 1119.0), ENDED),
        **dict.fromkeys((5000.0, 1e9), LASTING),
        **dict.fromkeys((999.0, 1120.0, 4999.0)),
    }
    assert await store.outage_at(OTHER, 1000.0) is None
    await store.close()
