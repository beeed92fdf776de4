"""Probes as a person sees them."""

from typing import Any

from exporter.commands.status.table import details, table
from tests.commands.status.probes import NOW, failed, item, judged, trip

PLACE = "http://localhost:10925"


def test_a_table_has_the_worst_first_and_says_why() -> None:
    probes = [
        item("gmail", since=NOW - 273_600),
        item("slow", newest=trip(3.0, delay=301.0), next_trip_at=NOW),
        item(None, target="a@example.org", next_trip_at=None, newest=None),
        failed("relay", since=NOW - 1380, failures=4),
    ]
    lines = [*table([*map(judged, probes)], PLACE, colours=False)]
    assert lines == [
        "probe                       state     since    newest trip  delay      next trip",
        "relay                       critical  23 min   2 min ago               in 3 min",
        "    failing for 23 min (4 trips): deliver: overdue: not back within 10 min",
        "slow                        warning            3 s ago      5 min 1 s  now",
        "    the message took 5 min 1 s, more than 5 min, and came 3 s ago",
        "submission → a@example.org  unknown                                    by a scrape",
        "    no trip has finished yet",
        "gmail                       OK        3 d 4 h  2 min ago    2.50 s     in 3 min",
        f"1 critical, 1 warning, 1 unknown, 1 OK, at {PLACE}",
    ]


def test_colours_are_for_terminals_and_do_not_shift_columns() -> None:
    probes = [judged(item("a")), judged(failed("b"))]
    plain, coloured = ([*table(probes, PLACE, colours=colours)] for colours in (False, True))
    assert any("\x1b[31mcritical\x1b[0m" in line for line in coloured)
    for code in ("\x1b[0m", "\x1b[1m", "\x1b[31m", "\x1b[32m"):
        coloured = [line.replace(code, "") for line in coloured]
    assert coloured == plain


def test_all_about_a_probe() -> None:
    planned: dict[str, Any] = {"maintenance": "patch", "maintenance_ends_at": NOW + 3600}
    fields = failed(since=NOW - 1380, in_progress=["0123456789abcd"], **planned)
    assert [*details(judged(fields), f"{PLACE}/trips?probe=relay", colours=False)] == [
        "relay: planned",
        "  planned maintenance (patch) until 2026-11-30 01:53:20 UTC, failing for 23 min:"
        " deliver: overdue: not back within 10 min",
        "  probe         submission → a@example.org",
        "  since         2026-11-30 00:30:20 UTC, for 23 min",
        "  newest trip   0123456789abcd, ended 2026-11-30 00:51:20 UTC, 2 min ago, took 3.00 s",
        "  in progress   1 trip",
        "  next trip     in 3 min; every 5 min, after a failure 1 min later",
        "  availability  99.950 % of 24 hours, 100.000 % of 30 days",
        "  page          http://localhost:10925/trips?probe=relay",
    ]
