"""The outages in the state."""

from dataclasses import replace
from pathlib import Path

from exporter.core.model import ProbeKey
from exporter.core.outage import Outage
from exporter.core.phases import Leg
from exporter.state.outages import DAY, KEPT_FOR, Downtime
from exporter.state.store import Store
from exporter.state.trip import Moment

PROBE, OTHER = ProbeKey("submission", "a@example.org"), ProbeKey("submission", "b@example.org")
ENDED = Outage(
    id="trip1",
    probe=PROBE,
    start=1000.0,
    last_start=1060.0,
    end=1120.0,
    failures=2,
    first_trip="trip1",
    last_trip="trip2",
    leg=Leg.SEND,
    reasons=("send/connect", "send/tls"),
    planned_seconds=60.0,
    planned=False,
)
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
    assert store.lasting_outages() == {PROBE: LASTING}
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


async def test_downtime_is_what_of_the_outages_falls_into_the_last_day_and_month() -> None:
    now = 100 * DAY
    store = Store.open(None)
    for outage in (
        replace(ENDED, id="1", start=now - 40 * DAY, end=now - 29 * DAY, planned_seconds=0.0),
        replace(ENDED, id="2", start=now - 3600, end=now - 1800, planned_seconds=450.0),
        replace(LASTING, id="3", start=now - 60, planned_seconds=0.0),
        replace(ENDED, id="4", probe=OTHER, start=now - 90, end=now - 90, planned_seconds=0.0),
    ):
        store.keep_outage(outage)
    downtimes = await store.downtimes(now)
    assert downtimes[PROBE] == Downtime(1410.0, 450.0, DAY + 1410.0, 450.0, now - 1800)
    assert downtimes[OTHER] == Downtime(0.0, 0.0, 0.0, 0.0, now - 90)
    day, month = downtimes[PROBE].availability()
    assert (day, month) == (1 - 1410 / (DAY - 450), 1 - (DAY + 1410) / (30 * DAY - 450))
    assert Downtime(0.0, DAY, 0.0, DAY, None).availability() == (1.0, 1.0)
    await store.close()
