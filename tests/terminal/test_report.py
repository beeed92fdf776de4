"""The account of a month in a terminal."""

from dataclasses import replace
from io import StringIO

from rich.console import Console

from exporter.core.availability.account import Month, ProbeAccount
from exporter.core.model import ProbeKey
from exporter.terminal.report import as_table
from tests.core.availability.test_downtime import ENDED
from tests.support.accounts import account

PROBE, GONE = ProbeKey("submission", "a@example.org"), ProbeKey("old", "b@example.org")


def shown(*accounts: ProbeAccount) -> list[str]:
    text = StringIO()
    as_table(
        Month(2026, 10),
        accounts,
        lambda probe: "gmail" if probe == PROBE else None,
        lambda probe: probe == PROBE,
        Console(file=text, width=40),
    )
    return text.getvalue().splitlines()


def test_each_probe_has_a_line_and_each_outage_one_below_the_oldest_first() -> None:
    planned = replace(ENDED, start=500.0, end=None, planned=True, reasons=("send/tls", "send/auth"))
    title, head, first, second, *outages = shown(
        account(PROBE, ENDED, replace(ENDED, start=2000.0, end=None), down=864.0),
        account(GONE, planned),
    )
    assert title == "2026-10 (UTC)"
    figures = dict(zip(head.split()[1:], first.split()[1:2] + first.split()[3:], strict=False))
    assert first.split()[:3] == ["gmail", "99.000", "%"]
    assert figures["outages"] == "2"
    assert second.startswith("old \N{RIGHTWARDS ARROW} b@example.org")
    assert [line.split(maxsplit=3)[3].strip() for line in outages] == [
        "not watched any more  old \N{RIGHTWARDS ARROW} b@example.org: send/tls, send/auth,"
        " planned",
        "1 min 40 s  gmail: send/connect",
        "lasts  gmail: send/connect",
    ]


def test_counts_include_those_of_planned_trips() -> None:
    _, head, row = shown(account(PROBE, late=7))
    trips = head.index("trips") + len("trips")
    assert row[:trips].endswith(" 102")
    assert row[trips:].split()[:3] == ["4", "7", "1"], "failed, late, lost"


def test_a_month_without_trips_says_so() -> None:
    *_, last = shown()
    assert last == "No probe made a trip in this month."
