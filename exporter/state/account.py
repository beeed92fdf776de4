"""Makes accounts from the tables of days and outages: that of a month, and of the last days. Prunes
both."""

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from sqlite3 import Connection

from exporter.core.availability.account import Month, ProbeAccount
from exporter.core.availability.downtime import Downtime
from exporter.core.availability.outage import Outage
from exporter.core.model import ProbeKey
from exporter.state import days, outages
from exporter.state.days import Counts
from exporter.state.schema import FILE, OTHER_VERSION, SCHEMA_VERSION, StateUnusable, for_reading


def stored_account(directory: Path, month: Month, now: float) -> list[ProbeAccount]:
    """The accounts in a state directory that another process may be using. Raises StateUnusable."""
    file = directory / FILE
    if not file.is_file():
        raise StateUnusable(
            f"{file} does not exist: give the directory of mailtrip serve, with --state.dir"
        )
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
    touching = _by_probe(outages.between(connection, month.start, end))
    return [
        _of_probe(connection, counts, touching.get(counts.probe, []), month.start, end)
        for counts in days.between(connection, month.start, end)
    ]


def downtimes(
    connection: Connection, probes: Iterable[ProbeKey], spans: Sequence[float], now: float
) -> dict[ProbeKey, list[Downtime]]:
    """The downtime of these probes in the last so many seconds until `now`, for each of the
    `spans`."""
    probes = list(probes)
    touching = _by_probe(outages.between(connection, now - max(spans), now, probes))
    return {
        probe: [
            Downtime.of(touching.get(probe, []), *_watched(connection, probe, now - span, now))
            for span in spans
        ]
        for probe in probes
    }


def availabilities(connection: Connection, span: float, now: float) -> dict[ProbeKey, float]:
    """The availability in the last `span` seconds until `now` of each probe with an outage in this
    time."""
    start, found = now - span, dict[ProbeKey, float]()
    for probe, touching in _by_probe(outages.between(connection, start, now)).items():
        downtime = Downtime.of(touching, *_watched(connection, probe, start, now))
        if downtime.availability is not None:
            found[probe] = downtime.availability
    return found


def prune(connection: Connection, now: float, most_outages: int = outages.MOST) -> None:
    """Drops what is too old or too much at `now`, in seconds since the epoch. Where an outage is
    too much, the account of its probe begins after it: else it would count as time without one."""
    for probe, end in outages.prune(connection, now, most_outages):
        days.forget(connection, probe, end)
    days.prune(connection, now)


def _of_probe(
    connection: Connection, counts: Counts, touching: list[Outage], start: float, end: float
) -> ProbeAccount:
    since, until = _watched(connection, counts.probe, start, end)
    return ProbeAccount(
        counts.probe,
        since,
        until,
        counts.trips,
        counts.failures,
        counts.planned_trips,
        counts.planned_failures,
        counts.late,
        counts.lost,
        tuple(touching),
        Downtime.of(touching, since, until),
        counts.delays,
    )


def _watched(
    connection: Connection, probe: ProbeKey, start: float, end: float
) -> tuple[float, float]:
    """From when to when of this time a probe made trips. After the last one, what it would have
    found is unknown."""
    first, last = days.watched(connection, probe) or (end, end)
    since = min(max(start, first), end)
    return since, max(min(end, last), since)


def _by_probe(found: Iterable[Outage]) -> dict[ProbeKey, list[Outage]]:
    by_probe = dict[ProbeKey, list[Outage]]()
    for outage in found:
        by_probe.setdefault(outage.probe, []).append(outage)
    return by_probe
