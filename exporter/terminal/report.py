"""The account of a month as text, CSV and JSON."""

import csv
import json
import time
from collections.abc import Callable, Sequence
from io import StringIO
from typing import Any

from rich.console import Console
from rich.text import Text

from exporter.core.account import Month, ProbeAccount
from exporter.core.durations import duration as in_words
from exporter.core.model import ProbeKey
from exporter.core.outage import Outage

QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
Name = Callable[[ProbeKey], str | None]
"""The name of a probe in `probes:`, if it has one."""

_COUNTS = ("outages", "down", "planned", "trips", "failed", "late", "lost")
_HEAD = ("probe", "availability", *_COUNTS, *QUANTILES)


def as_json(month: Month, accounts: Sequence[ProbeAccount], name: Name) -> str:
    document = {"month": str(month), "probes": [_probe(one, name) for one in accounts]}
    return json.dumps(document, indent=2)


def as_csv(accounts: Sequence[ProbeAccount], name: Name) -> str:
    """One line for each probe, with the fields of the JSON document."""
    text, rows = StringIO(), [_probe(one, name) for one in accounts]
    for row in rows:
        row["outages"] = len(row["outages"])
        row |= {f"delay_{key}_seconds": value for key, value in row.pop("delay_seconds").items()}
    if rows:
        writer = csv.DictWriter(text, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return text.getvalue().rstrip("\r\n")


def as_table(month: Month, accounts: Sequence[ProbeAccount], name: Name, console: Console) -> None:
    """A line for each probe, then the outages, the oldest first."""
    rows = [_row(one, name) for one in accounts]
    widths = [max(map(len, column)) for column in zip(_HEAD, *rows, strict=True)]
    console.print(Text(f"{month} (UTC)", "bold"))
    for row, style in [(_HEAD, "bold"), *((row, "") for row in rows)]:
        cells = (
            cell.rjust(width) if number else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        console.print(Text("  ".join(cells).rstrip(), style), soft_wrap=True)
    if not rows:
        console.print("No probe made a trip in this month.")
    touching = [(outage, one) for one in accounts for outage in one.outages]
    for outage, one in sorted(touching, key=lambda pair: pair[0].start):
        console.print(Text(f"{outage_line(outage, shown(one.probe, name))}"), soft_wrap=True)


def shown(probe: ProbeKey, name: Name) -> str:
    """What people call the probe."""
    return name(probe) or str(probe)


def outage_line(outage: Outage, probe: str) -> str:
    """One outage in one line."""
    start = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(outage.start))
    lasted = "lasts" if outage.end is None else seconds(outage.end - outage.start)
    planned = ", planned" if outage.planned else ""
    return f"{start} UTC  {lasted:>10}  {probe}: {', '.join(outage.reasons)}{planned}"


def percent(share: float | None) -> str:
    """Never rounded up to 100 %."""
    if share is None:
        return "-"
    return f"{int(share * 1e5) / 1e3:.3f} %"


def seconds(duration: float | None) -> str:
    """A duration in its largest two units; a dash if there is none."""
    return "-" if duration is None else in_words(duration)


def _row(one: ProbeAccount, name: Name) -> tuple[str, ...]:
    return (
        shown(one.probe, name),
        percent(one.availability),
        str(len(one.outages)),
        seconds(one.down),
        seconds(one.planned),
        str(one.trips + one.planned_trips),
        str(one.failures + one.planned_failures),
        str(one.late),
        str(one.lost),
        *(seconds(one.delay(share)) for share in QUANTILES.values()),
    )


def _probe(one: ProbeAccount, name: Name) -> dict[str, Any]:
    return {
        "probe": name(one.probe) or "",
        "module": one.probe.module,
        "target": one.probe.target,
        "since": one.since,
        "until": one.until,
        "availability": one.availability,
        "down_seconds": round(one.down, 3),
        "planned_down_seconds": round(one.planned, 3),
        "trips": one.trips,
        "failures": one.failures,
        "planned_trips": one.planned_trips,
        "planned_failures": one.planned_failures,
        "late": one.late,
        "lost": one.lost,
        "delay_seconds": {key: one.delay(share) for key, share in QUANTILES.items()},
        "outages": [_outage(outage) for outage in one.outages],
    }


def _outage(outage: Outage) -> dict[str, Any]:
    return {
        "id": outage.id,
        "start": outage.start,
        "end": outage.end,
        "failures": outage.failures,
        "leg": outage.leg,
        "reasons": list(outage.reasons),
        "planned": outage.planned,
        "planned_seconds": round(outage.planned_seconds, 3),
        "first_trip": outage.first_trip,
        "last_trip": outage.last_trip,
    }
