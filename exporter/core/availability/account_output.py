"""The account of a month as JSON and as CSV, line by line, and its figures in words."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from io import StringIO
from typing import Any

from exporter.core.availability.account import Month, ProbeAccount
from exporter.core.availability.outage import Outage
from exporter.core.model import ProbeKey
from exporter.core.timing.durations import duration

QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
Name = Callable[[ProbeKey], str | None]
"""The name of a probe in `probes:`, if it has one."""

Watched = Callable[[ProbeKey], bool]
"""Whether a probe still makes trips: if not, it is unknown whether its last outage lasts."""

NOT_WATCHED = "not watched any more"
_CRLF = "\r\n"
_FORMULAS = tuple("=+-@＝＋－＠\t\r")
"""What a cell begins with that a spreadsheet computes."""

_COLUMNS = (
    "probe",
    "module",
    "target",
    "since",
    "until",
    "availability",
    "down_seconds",
    "planned_down_seconds",
    "trips",
    "failures",
    "planned_trips",
    "planned_failures",
    "late",
    "lost",
)
_DELAYS = tuple(f"delay_{key}_seconds" for key in QUANTILES)


def json_lines(month: Month, accounts: Iterable[ProbeAccount], name: Name) -> Iterator[str]:
    """The lines of a document: one for each probe and each outage."""
    yield f'{{"month": "{month}", "probes": ['
    separator = ""
    for one in accounts:
        delays = {key: one.delay(share) for key, share in QUANTILES.items()}
        fields = json.dumps(_fields(one, name) | {"delay_seconds": delays})
        yield f'{separator}{fields[:-1]}, "outages": ['
        for number, outage in enumerate(one.outages):
            yield ("," if number else "") + json.dumps(_outage(outage))
        yield "]}"
        separator = ","
    yield "]}"


def csv_lines(accounts: Iterable[ProbeAccount], name: Name) -> Iterator[str]:
    """A heading, and a line for each probe: the fields of the JSON document, with the number of
    outages."""
    yield _csv((*_COLUMNS, *_DELAYS, "outages"))
    for one in accounts:
        delays = (one.delay(share) for share in QUANTILES.values())
        fields = _fields(one, name)
        fields["target"] = _text_cell(one.probe.target)
        yield _csv((*fields.values(), *delays, len(one.outages)))


def called(probe: ProbeKey, name: Name) -> str:
    """What people call the probe."""
    return name(probe) or str(probe)


def percent(share: float | None) -> str:
    """Never rounded up to 100 %."""
    return "-" if share is None else f"{int(share * 1e5) / 1e3:.3f} %"


def in_words(seconds: float | None) -> str:
    """A duration; a dash if there is none."""
    return "-" if seconds is None else duration(seconds)


def _fields(one: ProbeAccount, name: Name) -> dict[str, Any]:
    values = (
        name(one.probe) or "",
        one.probe.module,
        one.probe.target,
        one.since,
        one.until,
        one.downtime.availability,
        round(one.downtime.down, 3),
        round(one.downtime.planned, 3),
        one.trips,
        one.failures,
        one.planned_trips,
        one.planned_failures,
        one.late,
        one.lost,
    )
    return dict(zip(_COLUMNS, values, strict=True))


def _text_cell(text: str) -> str:
    """With an apostrophe if a spreadsheet would take it for a formula: clients choose targets."""
    return f"'{text}" if text.startswith(_FORMULAS) else text


def _csv(row: Iterable[object]) -> str:
    """Without the end of the line."""
    text = StringIO()
    csv.writer(text, lineterminator=_CRLF).writerow(row)  # which are quoted in a cell
    return text.getvalue().removesuffix(_CRLF)


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
