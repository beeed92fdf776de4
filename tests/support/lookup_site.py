"""The HTTP side of a mailtrip with one module that asks blocklists, as `serve` puts it together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from exporter.app import App
from exporter.config.types import Listen
from exporter.web.api.routes import api
from exporter.web.lookups_now import LookupsNow
from exporter.web.pages.pages import Pages, PageSettings
from exporter.web.resources import Resources
from exporter.web.server import Server
from tests.support.blocklist_app import app


@dataclass
class LookupSite:
    app: App
    lookups: LookupsNow
    pages: Pages
    address: str
    http: aiohttp.ClientSession

    async def post(self, path: str, **options: Any) -> tuple[int, dict[str, str], str]:
        async with self.http.post(f"{self.address}{path}", **options) as answer:
            return answer.status, dict(answer.headers), await answer.text()

    async def get(self, path: str) -> tuple[int, str]:
        async with self.http.get(f"{self.address}{path}") as answer:
            return answer.status, await answer.text()

    async def look_up(self, what: str) -> dict[str, Any]:
        url = f"{self.address}/api/v1/blocklists/lookups"
        async with self.http.post(url, json={"what": what}) as answer:
            assert answer.status == 200, await answer.text()
            found: dict[str, Any] = await answer.json()
            return found


@asynccontextmanager
async def lookup_site(
    dns: str,
    options: str,
    target: str = "192.0.2.1",
    *,
    admin: bool = True,
    **more: Any,
) -> AsyncIterator[LookupSite]:
    async with app(dns, options, target, **more) as made:
        lookups = LookupsNow(made.lookups, made.probes, made.store, made.clock)
        wall, windows = made.clock.wall, made.windows
        pages = Pages(made.probes, made.store, made.watchers, wall, settings=PageSettings(admin))
        frame = api(
            made.probes, made.store, made.watchers, made.clock, windows, lookups, admin=admin
        )
        listeners = [Listen("127.0.0.1:0")]
        async with (
            Server(
                Resources(made.probes, made.metrics, pages, frame, lookups), listeners
            ) as server,
            aiohttp.ClientSession() as http,
        ):
            host, port = server.addresses[0]
            yield LookupSite(made, lookups, pages, f"http://{host}:{port}", http)
