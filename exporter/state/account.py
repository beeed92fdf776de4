"""Makes the accounts of a month from the tables of days and outages."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import groupby
from pathlib import Path
from sqlite3 import Connection

from exporter.core.account import Month, ProbeAccount
from exporter.core.delays import BOUNDS
from exporter.core.model import ProbeKey
from exporter.core.outage import Outage
from exporter.state import days, outages
from exporter.state.days import DayAccount
from exporter.state.schema import FILE, OTHER_VERSION, SCHEMA_VERSION, StateUnusable, for_reading


def stored_account(directory: Path, month: Month, now: float) -> list[ProbeAccount]:
    """The accounts in a state directory that another process may be using. Raises StateUnusable."""
    file = directory / FILE
    if not file.is_file():
        raise StateUnusable(f"{file} does not exist: give the state directory of mailtrip serve")
    try:
        with closing(for_reading(directory)) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version != SCHEMA_VERSION:
                raise StateUnusable(f"cannot read {file}: {OTHER_VERSION} (schema {version})")
            return account(connection, month, now)
    except sqlite3.Error as error:
        raise StateUnusable(f"cannot read {file}: {error}") from None


def account(connection: Connection, month: Month, now: float) -> list[ProbeAccount]:
    """The accounts of all probes that made trips in this month, until `now` at most."""
    end = min(month.end, now)
    kept = days.between(connection, month.start, end)
    touching: dict[ProbeKey, list[Outage]] = {}
    for outage in outages.between(connection, month.start, end):
        touching.setdefault(outage.probe, []).append(outage)
    before = days.probes_before(connection, month.start)
    return [
        _of_probe(probe, list(of_probe), touching.get(probe, []), month, end, probe in before)
        for probe, of_probe in groupby(kept, key=lambda one: one.probe)
    ]


def _of_probe(
    probe: ProbeKey,
    counted: list[DayAccount],
    touching: list[Outage],
    month: Month,
    end: float,
    known_before: bool,
) -> ProbeAccount:
    since = month.start if known_before else min(counted[0].first, end)
    parts = list(_parts(touching, since, end))
    return ProbeAccount(
        probe,
        since,
        end,
        trips=sum(one.trips for one in counted),
        failures=sum(one.failures for one in counted),
        planned_trips=sum(one.planned_trips for one in counted),
        planned_failures=sum(one.planned_failures for one in counted),
        late=sum(one.late for one in counted),
        lost=sum(one.lost for one in counted),
        outages=tuple(touching),
        down=sum(down for down, _ in parts),
        planned=sum(planned for _, planned in parts),
        delays=tuple(map(sum, zip(*(one.delays for one in counted), strict=True)))
        or (0,) * (len(BOUNDS) + 1),
    )


def _parts(touching: Iterable[Outage], since: float, end: float) -> Iterator[tuple[float, float]]:
    """Of each outage, the seconds within these bounds that were not planned, and that were. Of one
    that exceeds them, the same share was planned."""
    for outage in touching:
        whole = outage.seconds(end)
        inside = max(min(outage.end or end, end) - max(outage.start, since), 0.0)
        planned = outage.planned_seconds * inside / whole if whole else 0.0
        yield inside - planned, planned
