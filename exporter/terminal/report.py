"""The account of a month as a table."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from exporter.core.availability.account import Month, ProbeAccount
from exporter.core.availability.account_output import (
    NOT_WATCHED,
    QUANTILES,
    Name,
    Watched,
    called,
    in_words,
    percent,
)
from exporter.core.availability.outage import Outage
from exporter.core.timing.when import utc

_COUNTS = ("outages", "down", "planned", "trips", "failed", "late", "lost")
_HEAD = ("probe", "availability", *_COUNTS, *QUANTILES)


def as_table(
    month: Month, accounts: Sequence[ProbeAccount], name: Name, watched: Watched, console: Console
) -> None:
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
        line = _outage_line(outage, called(one.probe, name), watched=watched(one.probe))
        console.print(Text(line), soft_wrap=True)


def _outage_line(outage: Outage, probe: str, *, watched: bool) -> str:
    lasted = "lasts" if watched else NOT_WATCHED
    if outage.end is not None:
        lasted = in_words(outage.end - outage.start)
    planned = ", planned" if outage.planned else ""
    return f"{utc(outage.start)}  {lasted:>10}  {probe}: {', '.join(outage.reasons)}{planned}"


def _row(one: ProbeAccount, name: Name) -> tuple[str, ...]:
    return (
        called(one.probe, name),
        percent(one.downtime.availability),
        str(len(one.outages)),
        in_words(one.downtime.down),
        in_words(one.downtime.planned),
        str(one.trips + one.planned_trips),
        str(one.failures + one.planned_failures),
        str(one.late),
        str(one.lost),
        *(in_words(one.delay(share)) for share in QUANTILES.values()),
    )
