"""How much of a time was in outages."""

from dataclasses import replace

import pytest

from exporter.core.availability.downtime import Downtime
from exporter.core.availability.outage import Outage
from exporter.core.model import ProbeKey
from exporter.core.phases import Leg

ENDED = Outage(
    id="trip1",
    probe=ProbeKey("submission", "a@example.org"),
    start=1000.0,
    last_start=1060.0,
    end=1100.0,
    failures=2,
    first_trip="trip1",
    last_trip="trip2",
    leg=Leg.SEND,
    reasons=("send/connect",),
    planned_seconds=0.0,
    planned=False,
)
PLANNED = replace(ENDED, planned_seconds=100.0, planned=True)


def test_availability_is_the_share_without_outages_and_planned_ones_are_left_out() -> None:
    downtime = Downtime.of([ENDED, replace(PLANNED, start=2000.0, end=2100.0)], 1000.0, 3000.0)
    assert downtime == Downtime(2000.0, 100.0, 100.0)
    assert downtime.availability == pytest.approx(1 - 100 / 1900)


@pytest.mark.parametrize(
    ("since", "until", "inside"),
    [(0.0, 900.0, 0.0), (1050.0, 2000.0, 50.0), (0.0, 1025.0, 25.0), (1010.0, 1020.0, 10.0)],
)
def test_only_what_is_inside_counts(since: float, until: float, inside: float) -> None:
    assert Downtime.of([ENDED], since, until) == Downtime(until - since, inside, 0.0)
    half = replace(ENDED, planned_seconds=50.0)
    if until >= 1100:
        assert Downtime.of([half], since, until) == Downtime(until - since, inside / 2, inside / 2)


def test_of_one_that_lasts_the_time_since_its_newest_trip_is_as_planned_as_it_is() -> None:
    lasting = replace(ENDED, end=None, last_start=1060.0, planned_seconds=60.0)
    assert Downtime.of([replace(lasting, planned=True)], 0.0, 1200.0).down == 0.0
    assert Downtime.of([lasting], 0.0, 1200.0) == Downtime(1200.0, 140.0, 60.0)


def test_what_was_planned_throughout_or_not_watched_has_no_availability() -> None:
    assert Downtime.of([PLANNED], 1000.0, 1100.0).availability is None
    assert Downtime.of([], 1000.0, 1000.0).availability is None
    assert Downtime.of([ENDED], 1000.0, 1100.0).availability == 0.0
