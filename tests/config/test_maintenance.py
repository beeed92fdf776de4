"""Planned maintenance as it is written: once, weekly, or started on a running mailtrip."""

from typing import Any

import pytest
from pydantic import ValidationError

from exporter.config.maintenance import MaintenanceOptions, StartedOptions
from exporter.core.availability.window import Once, Weekly

ONCE = {"start": "2026-12-24T22:00:00+01:00", "end": "2026-12-24T21:30:00Z"}
WEEKLY = {"days": ["sun"], "from": "23:00", "to": "01:30", "timezone": "Europe/Berlin"}


def window(**given: Any) -> MaintenanceOptions:
    return MaintenanceOptions.model_validate({"name": "w", "probes": ["*"], **given})


def test_a_window_once_is_between_two_moments() -> None:
    assert window(**ONCE).window.schedule == Once(1798146000.0, 1798147800.0)


def test_a_weekly_window_has_days_minutes_and_a_zone() -> None:
    found = window(weekly=WEEKLY).window.schedule
    assert isinstance(found, Weekly)
    assert (found.days, found.begin, found.end) == (frozenset({6}), 23 * 60, 90)
    assert str(found.zone) == "Europe/Berlin"


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({}, "one of these is missing: start and end, or weekly"),
        ({"start": ONCE["start"]}, "end is missing"),
        ({"end": ONCE["end"]}, "start is missing"),
        ({**ONCE, "weekly": WEEKLY}, "only one of these can be given: start and end, or weekly"),
        ({**ONCE, "end": "2026-12-24T21:00:00Z"}, "is not after start"),
        ({**ONCE, "start": "2026-12-24 22:00"}, "not a time"),
        ({**ONCE, "start": "2026-12-24T22:00:00"}, "has no offset from UTC"),
        ({**ONCE, "start": "2026-02-30T22:00:00Z"}, "there is no such date"),
        ({**ONCE, "start": 1798146000}, "not a time"),
        ({"weekly": {**WEEKLY, "from": "24:00"}}, "is the end of the day"),
        ({"weekly": {**WEEKLY, "to": "23:00"}}, "is the same as from"),
        ({"weekly": {**WEEKLY, "from": "7:00"}}, "not a time of day"),
        ({"weekly": {**WEEKLY, "from": 420}}, "not a time of day"),
        ({"weekly": {**WEEKLY, "days": []}}, "at least 1"),
        ({**ONCE, "probes": ["a\u202eb"]}, "changes the direction"),
    ],
)
def test_anything_else_is_a_mistake_with_its_cure(given: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        window(**given)


def test_a_whole_day_is_a_window() -> None:
    day = {**WEEKLY, "from": "00:00", "to": "24:00"}
    found = window(weekly=day).window.schedule
    assert isinstance(found, Weekly)
    assert (found.begin, found.end) == (0, 24 * 60)


def started(**given: Any) -> StartedOptions:
    return StartedOptions.model_validate({"name": "w", "probes": ["*"], **given})


def test_a_window_that_is_started_begins_now_and_ends_later() -> None:
    assert started(duration="1h").once(100.0) == Once(100.0, 3700.0)
    assert started(start="1970-01-01T01:00:00Z", duration="1h").once(100.0) == Once(3600.0, 7200.0)
    assert started(end="1970-01-01T01:00:00Z").once(100.0) == Once(100.0, 3600.0)
    with pytest.raises(ValueError, match="not after start and now"):
        started(end="1970-01-01T00:01:00Z").once(100.0)


@pytest.mark.parametrize("given", [{}, {"end": ONCE["end"], "duration": "1h"}])
def test_it_has_one_end(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="either end or duration is needed"):
        started(**given)
