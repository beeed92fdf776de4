"""How often a module makes trips after a failure."""

import pytest

from exporter.checks.module import Module
from exporter.config.mistakes import Mistakes
from exporter.settings import Settings

TRIP = "roundtrip: {{from: a@example.org, send: {{smtp: {{host: mx, gap: {gap}}}}}, mailbox: m}}"


def module(options: str = "", gap: str = "1s", check: str = TRIP) -> Module:
    text = f"""
mailboxes: {{m: {{maildir: {{path: /var/mail/m}}}}}}
modules:
  m:
    {options}
    {check.format(gap=gap)}
"""
    return Settings.parse(text.encode(), "m.yml").modules["m"]


@pytest.mark.parametrize(
    ("options", "gap", "interval", "seconds"),
    [
        ("", "1s", 300.0, 60.0),
        ("", "1s", 20.0, 20.0),  # never more than the interval of the probe
        ("", "90s", 300.0, 90.0),  # never less than the gap
        ("", "10m", 300.0, 300.0),
        ("interval_after_failure: 30s", "1s", 300.0, 30.0),
        ("interval_after_failure: 5m", "1s", 300.0, 300.0),
        ("interval_after_failure: 5m", "1s", 15.0, 15.0),
    ],
)
def test_a_failing_probe_is_checked_again_within_these_bounds(
    options: str, gap: str, interval: float, seconds: float
) -> None:
    assert module(options, gap).recheck(interval) == seconds


def test_blocklists_are_not_queried_more_often_after_a_listing() -> None:
    check = "dnsbl: {{lists: [zen.spamhaus.org]}}"
    assert module(check=check).recheck(3600.0) == 3600.0
    assert module("interval_after_failure: 10m", check=check).recheck(3600.0) == 600.0


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ("interval_after_failure: 6m", "is longer than interval, 5m: decrease it, or omit it"),
        ("interval_after_failure: 1s", "is shorter than the sender's gap, 10s: increase it"),
        ("interval_after_failure: 500ms", "must be at least 1s"),
    ],
)
def test_what_contradicts_the_interval_or_the_gap_is_a_mistake(options: str, problem: str) -> None:
    with pytest.raises(Mistakes) as caught:
        module(options, gap="10s")
    assert f"m.yml:5:29: modules.m.interval_after_failure: {problem}" in str(caught.value)


@pytest.mark.parametrize(("gap", "expected"), [("500ms", 1.0), ("10s", 10.0)])
def test_two_trips_to_a_target_are_a_gap_apart_whoever_asks(gap: str, expected: float) -> None:
    assert module(gap=gap).gap == expected
    assert module(check="dnsbl: {{lists: [zen.spamhaus.org]}}").gap == 1.0
