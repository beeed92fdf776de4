"""All resources of the API."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from aiohttp import web

from exporter.core.timing.clock import Clock
from exporter.mailboxes.watcher.watcher import Watcher
from exporter.metrics.text import Text
from exporter.probing.probes import ProbeTable
from exporter.probing.started_windows import StartedWindows
from exporter.web.api.blocklists import Blocklists
from exporter.web.api.frame import Delete, Frame, Get, Post
from exporter.web.api.lookups import LookupRequests
from exporter.web.api.mailboxes import Mailboxes
from exporter.web.api.maintenance import MaintenanceWindows
from exporter.web.api.outages import Outages
from exporter.web.api.probes import Downtimes, Probes
from exporter.web.api.trip_requests import TripRequests
from exporter.web.api.trips import Outcomes, Trips
from exporter.web.lookups_now import LookupsNow
from exporter.web.pages.records import OutageRecords

DESCRIPTION = (Path(__file__).resolve().parent / "openapi.json").read_bytes()


class Records(Outcomes, OutageRecords, Downtimes, Protocol):
    """What the store keeps."""


def api(
    probes: ProbeTable,
    records: Records,
    watchers: Mapping[str, Watcher],
    clock: Clock,
    started: StartedWindows,
    lookups: LookupsNow,
    prefix: str = "",
    *,
    admin: bool = False,
) -> Frame:
    """Everything below `prefix`/api/v1. What changes something, or queries blocklists, is
    refused unless `admin`."""
    trips, outages = Trips(probes, records), Outages(probes, records, clock)
    windows = MaintenanceWindows(started, probes, clock)
    gets: dict[str, Get] = {
        "/probes": Probes(probes, records, started.maintenance, clock).get,
        "/trips": trips.get,
        "/trips/{trip:[0-9a-f]{14}}": trips.get_one,
        "/outages": outages.get,
        "/outages/{outage:[0-9a-f]{14}}": outages.get_one,
        "/mailboxes": Mailboxes(watchers).get,
        "/blocklists": Blocklists(probes).get,
        "/maintenance": windows.get,
        "/openapi.json": _description,
    }
    posts: dict[str, Post] = {
        "/trips": TripRequests(probes, prefix).post,
        "/maintenance": windows.post,
        "/blocklists/lookups": LookupRequests(lookups).post,
    }
    deletes: dict[str, Delete] = {"/maintenance/{window}": windows.delete}
    return Frame(gets, posts, deletes, admin=admin)


async def _description(request: web.Request) -> Text:
    """All of it, as OpenAPI 3.1."""
    return Text([DESCRIPTION])
