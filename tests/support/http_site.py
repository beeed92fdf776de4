"""The HTTP side on a real socket, in front of a prober with a pretended mailbox, in real time."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from html import unescape

import aiohttp
from aiohttp import web_app

from exporter.blocklists.blocklists import Blocklists
from exporter.blocklists.lookups import Lookups
from exporter.config.types import Listen
from exporter.core.availability.maintenance import Maintenance
from exporter.core.model import ProbeKey
from exporter.core.timing.clock import Clock
from exporter.net.dns.resolver import Resolver
from exporter.probing.probe import Probe
from exporter.probing.probes import ProbeTable
from exporter.probing.schedule import Schedule
from exporter.probing.started_windows import StartedWindows
from exporter.settings import Settings
from exporter.state.store import Store
from exporter.web.api.routes import api
from exporter.web.limits import LIMITS, Limits
from exporter.web.lookups_now import LookupsNow
from exporter.web.middleware import Middleware
from exporter.web.pages.pages import Pages, PageSettings
from exporter.web.resources import Resources
from exporter.web.server import Server
from tests.probing.test_probes import SETTINGS
from tests.support.prober_rig import ProberRig

GOOD = "/probe?module=submission&target=a@example.org"


class Site:
    """A server on a free port, and what stands behind it."""

    def __init__(
        self,
        rig: ProberRig,
        probes: ProbeTable,
        pages: Pages,
        server: Server,
        http: aiohttp.ClientSession,
    ) -> None:
        self.rig, self.probes, self.pages, self.server, self.http = (
            rig,
            probes,
            pages,
            server,
            http,
        )
        self.host, self.port = server.addresses[0]

    async def get(self, path: str, *, method: str = "GET", **headers: str) -> tuple[int, str]:
        url = f"http://{self.host}:{self.port}{path}"
        async with self.http.request(
            method, url, headers={k.replace("_", "-"): v for k, v in headers.items()}
        ) as answer:
            return answer.status, await answer.text()

    async def raw(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(self.host, self.port)


def words_of(page: str) -> str:
    """What a reader sees of the main part of a page."""
    text = re.sub("<[^>]*>", " ", page.partition("<main")[2].partition(">")[2])
    return " ".join(unescape(text).split())


@asynccontextmanager
async def site(
    limits: Limits = LIMITS,
    delay: float | None = 0.0,
    middleware: Middleware | None = None,
    store: Store | None = None,
    *,
    admin: bool = False,
    maintenance: Maintenance | None = None,
    demonstration: str = "",
    settings: Settings = SETTINGS,
) -> AsyncIterator[Site]:
    maintenance = maintenance or Maintenance()
    rig = ProberRig(clock=Clock(), store=store, maintenance=maintenance)
    rig.mailbox.greeting, rig.mailbox.pushes = 0.0, True
    rig.sender.delay, rig.sender.effort = delay, 0.01

    def make(key: ProbeKey, name: str | None, interval: float | None) -> Probe:
        return Probe(key, rig.probe.check, Schedule(300), 600, 30, name)

    probes = ProbeTable(settings, rig.prober, rig.metrics, rig.clock, make)
    pages = Pages(
        probes,
        rig.store,
        rig.watchers,
        rig.clock.wall,
        maintenance,
        PageSettings(admin, demonstration=demonstration),
    )
    resolver = Resolver(["127.0.0.1:1"])
    blocklists = Blocklists(resolver, rig.clock)
    lookups = LookupsNow(Lookups(blocklists, resolver, rig.clock), probes, rig.store, rig.clock)
    started = StartedWindows(maintenance, rig.store, rig.clock)
    frame = api(probes, rig.store, rig.watchers, rig.clock, started, lookups, admin=admin)
    async with (
        Server(
            Resources(probes, rig.metrics, pages, frame, lookups),
            [Listen("127.0.0.1:0")],
            limits,
            middleware,
        ) as server,
        aiohttp.ClientSession() as http,
    ):
        yield Site(rig, probes, pages, server, http)
    await blocklists.close()
    for probe in probes:
        await rig.prober.abandon(probe)
    await rig.close()
    # This cache keeps applications alive, with all their probes.
    web_app._cached_build_middleware.cache_clear()


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.01)
