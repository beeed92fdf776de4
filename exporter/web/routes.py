"""The routes of the HTTP server, and their handlers."""

import asyncio
import contextlib
import json
import re
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from http import HTTPStatus
from typing import Any

from aiohttp import hdrs, web

from exporter.config.mistakes import Mistakes
from exporter.core.model import ProbeKey, ProbeRefused
from exporter.core.one_line import one_line
from exporter.core.threads import off_the_loop
from exporter.core.timing.fairness import in_turns
from exporter.metrics.exposition import Format
from exporter.metrics.text import Text
from exporter.probing.probe import Probe
from exporter.probing.probes import ProbeTable
from exporter.settings import Settings
from exporter.state.schema import StateUnusable
from exporter.web.api.errors import ADMIN_API_IS_OFF, ApiError
from exporter.web.api.fields import read_fields, text_of
from exporter.web.bodies import SMALL, Body, PiecewisePayload
from exporter.web.coalescer import Coalescer
from exporter.web.compression import Compression
from exporter.web.external_url import ExternalUrl
from exporter.web.negotiation import form_for, takes_gzip, trip_format
from exporter.web.pages import outages
from exporter.web.pages.appearance import ICONS, STYLE
from exporter.web.pages.outages import OutageQuery
from exporter.web.pages.pages import Pages, UnknownName
from exporter.web.pages.probe_list import PARAMETERS, Query
from exporter.web.pages.report import PARAMETERS as REPORT
from exporter.web.parameters import (
    page_number,
    pair_key,
    perhaps_probe_key,
    probe_key,
    renews,
    single,
)
from exporter.web.resources import Exposition, Resources
from exporter.web.trips_now import TripsNow

DEFAULT_TIMEOUT = 10.0  # seconds; Prometheus' default scrape timeout
MAX_TIMEOUT = 120.0
GROUPS = 200  # of service discovery that are written at a time: a millisecond of work
MARGIN = 0.5  # seconds before the scrape timeout by which the response is sent
_PAGE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
_PLAIN_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_FILES = {"csv": "text/csv; charset=utf-8", "json": "application/json; charset=utf-8"}
RETRY_AFTER = "10"  # seconds
_OF_ERRORS = frozenset({hdrs.ALLOW, hdrs.RETRY_AFTER})  # headers that an error keeps as a page
_YES = ("true", "1", "yes", "on")
TIMEOUT_HEADER = "X-Prometheus-Scrape-Timeout-Seconds"


Answer = Callable[[web.Request], Coroutine[Any, Any, web.Response]]


class _NotKept(Exception):
    """There is no record of a trip or an outage: its text is the page that says so."""


class Routes:
    """The handlers. `cross_site` returns the foreign page that made a browser send a request, empty
    for our own pages; `client` returns whose request it is."""

    def __init__(
        self,
        resources: Resources,
        external_url: ExternalUrl,
        cross_site: Callable[[web.Request], str],
        client: Callable[[web.Request], str],
    ) -> None:
        self._probes = resources.probes
        self._exposition = resources.exposition
        self._pages = resources.pages
        self._admin = resources.admin
        self._trips_now = TripsNow(self._probes)
        self._lookups = resources.lookups if self._admin else None
        self._reload = resources.reload
        self._external_url = external_url
        self._cross_site = cross_site
        self._compression = Compression(cross_site)
        self._client = client
        # Separate, so that none delays another.
        self._everything, self._series = Coalescer(), Coalescer()
        self._from_disk, self._reported, self._discovered = (
            Coalescer(one_at_a_time=True) for _ in range(3)
        )
        # The settings, and their text.
        self._shown: tuple[object, asyncio.Future[Body]] | None = None
        self._style = Body(Text([STYLE.encode()]))
        self._icons = {name: Body(Text([text.encode()])) for name, text in ICONS.items()}
        self._waits: set[asyncio.Timeout] = set()
        self._is_stopping = False

    def table(self) -> list[web.RouteDef]:
        prefix = self._external_url.prefix
        reloading = [web.post(f"{prefix}/-/reload", self.reload)] if self._reload else []
        gets = {
            "/": self.index,
            "/trips": _with_state(self.trips),
            "/trips/{trip:[0-9a-f]{14}}": _with_state(self.trip),
            "/outages": _with_state(self.outages),
            "/outages/{outage:[0-9a-f]{14}}": _with_state(self.outage),
            "/mailboxes": self.mailboxes,
            "/matrices": self.matrices,
            "/mailboxes/{name}": self.mailbox,
            "/blocklists/{name}": self.blocklist,
            "/report": _with_state(self.report),
            "/lookup": self.lookup_form,
            "/style.css": self.style,
            f"/{{icon:{'|'.join(map(re.escape, ICONS))}}}": self.icon,
            "/probe": self.probe,
            "/metrics": self.metrics,
            "/sd": self.sd,
            "/config": self.config,
            "/-/healthy": self.healthy,
            "/-/ready": self.ready,
        }
        home = [web.get(path, self.home) for path in ("/", prefix)] if prefix else []
        return [
            *reloading,
            web.post(f"{prefix}/trips", self.trip_now),
            web.post(f"{prefix}/lookup", self.lookup),
            *(web.get(prefix + path, answer) for path, answer in gets.items()),
            *home,
        ]

    async def probe(self, request: web.Request) -> web.Response:
        """One probe's series: always 200 for an allowed probe, always before Prometheus' timeout.

        With `debug=true`, as in blackbox_exporter, its evidence instead. Neither this nor HEAD
        makes a trip.
        """
        debug = any(value.lower() in _YES for value in request.query.getall("debug", ()))
        read_only = debug or request.method == hdrs.METH_HEAD
        try:
            key = pair_key(request, self._probes, read_only=read_only)
            if not read_only and (stranger := self._cross_site(request)):
                cure = "open this address yourself, or add &debug=true, which sends nothing"
                raise ProbeRefused(
                    403,
                    "foreign_page",
                    f"{stranger} requested a probe, which sends a message; {cure}",
                )
        except ProbeRefused as refusal:
            self._exposition.refused(refusal.kind)
            return _refused(refusal)
        if debug:
            page = await self._from_disk.get(
                ("debug", key),
                lambda: _debug_page(self._probes, key, self._exposition, self._pages),
                client=self._client(request),
            )
            headers = _PLAIN_HEADERS | {"Content-Type": "text/plain; charset=utf-8"}
            return await self._compression.response(request, page, headers)
        if not read_only:
            await self._wait(key, wait_limit(request.headers.get(TIMEOUT_HEADER)))
        form = form_for(request.headers.get("Accept", ""))
        compressed = takes_gzip(request.headers.get("Accept-Encoding", ""))
        series = await self._series.get(
            (key, form),
            lambda: self._exposition.probe(key, form),
            compressed=compressed,
            client=self._client(request),
        )
        return await _series(series, form, compressed=compressed)

    def stop_waiting(self) -> None:
        """Makes all scrapes return the known values at once, without waiting for their trip."""
        self._is_stopping = True
        for waiting in self._waits:
            waiting.reschedule(asyncio.get_running_loop().time())

    async def _wait(self, key: ProbeKey, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None) as waiting:
                self._waits.add(waiting)
                try:
                    await self._probes.scrape(key, 0.0 if self._is_stopping else seconds)
                finally:
                    self._waits.discard(waiting)

    async def metrics(self, request: web.Request) -> web.Response:
        form = form_for(request.headers.get("Accept", ""))
        compressed = takes_gzip(request.headers.get("Accept-Encoding", ""))
        series = await self._everything.get(
            form,
            lambda: self._exposition.everything(form),
            compressed=compressed,
            client=self._client(request),
        )
        return await _series(series, form, compressed=compressed)

    async def sd(self, request: web.Request) -> web.Response:
        """The configured probes in the format of Prometheus' http_sd_configs: only /probe for
        each."""
        scheme, host, path = self._external_url.probe_location(request.scheme, request.host)
        common = {"__scheme__": scheme, "__metrics_path__": path}
        body = await self._discovered.get(
            (host, tuple(common.items())),
            lambda: self._groups(host, common),
            compressed=takes_gzip(request.headers.get("Accept-Encoding", "")),
            client=self._client(request),
        )
        headers = _PLAIN_HEADERS | {"Content-Type": "application/json; charset=utf-8"}
        return await self._compression.response(request, body, headers)

    async def _groups(self, host: str, common: dict[str, str]) -> str:
        """Written in pieces, since there may be ten thousand."""
        groups = [
            json.dumps({"targets": [host], "labels": common | _labels(probe)})
            async for probe in in_turns(self._probes.named, GROUPS)
        ]
        return f"[{', '.join(groups)}]"

    async def config(self, request: web.Request) -> web.Response:
        """The current configuration with its defaults, without secrets: a page for browsers, text
        for other clients, or with format=text."""
        settings = self._probes.settings
        if self._shown is None or self._shown[0] is not settings:
            self._shown = (settings, asyncio.ensure_future(_shown(settings)))
        shown = await asyncio.shield(self._shown[1])
        as_text = request.query.get("format") == "text"
        if not as_text and "text/html" in request.headers.get(hdrs.ACCEPT, ""):
            page = await self._reported.get(
                ("configuration", id(settings)),
                lambda: self._pages.configuration(settings, shown.plain.decode()),
                client=self._client(request),
            )
            response = await self._page(request, page)
        else:
            headers = _PLAIN_HEADERS | {"Content-Type": "text/plain; charset=utf-8"}
            response = await self._compression.response(request, shown, headers)
        response.headers[hdrs.VARY] = "Accept, Accept-Encoding"
        return response

    async def home(self, request: web.Request) -> web.Response:
        raise web.HTTPFound(f"{self._external_url.prefix}/")

    async def index(self, request: web.Request) -> web.Response:
        """The overview: of the probes those that search=, state= and page= ask for."""
        try:
            query = Query.parse({name: single(request, name) for name in PARAMETERS})
        except ValueError as error:
            return _refused(error)
        page = await self._from_disk.get(
            ("overview", query), lambda: self._pages.overview(query), client=self._client(request)
        )
        return await self._page(request, page)

    async def trips(self, request: web.Request) -> web.Response:
        """The trips of one probe, by its name (probe=) or by module and target. Makes no trip."""
        try:
            key = probe_key(request, self._probes)
            number = page_number(single(request, "page"))
            refresh = renews(single(request, "refresh"))
        except (ProbeRefused, ValueError) as error:
            return _refused(error)
        page = await self._from_disk.get(
            ("trips", key, number, refresh),
            lambda: self._pages.trips(key, number, may_start=self._admin, refresh=refresh),
            client=self._client(request),
        )
        return await self._page(request, page)

    async def trip_now(self, request: web.Request) -> web.Response:
        """Makes a trip by hand, and leads to its page: the button on the page of a probe."""
        if not self._admin:
            return web.Response(status=HTTPStatus.FORBIDDEN, text=f"{ADMIN_API_IS_OFF}\n")
        try:
            fields = await read_fields(request)
            key = self._probes.key(text_of(fields, "module"), text_of(fields, "target"))
            made = await self._trips_now.start(key)
        except (ApiError, ProbeRefused) as refusal:
            return _refused(refusal)
        location = {"Location": f"trips/{made.trip}"}
        return web.Response(status=HTTPStatus.SEE_OTHER, headers=location)

    async def lookup_form(self, request: web.Request) -> web.Response:
        """The form for a look-up, on a page of its own. Sends no query."""
        if not self._lookups:
            return web.Response(status=HTTPStatus.FORBIDDEN, text=f"{ADMIN_API_IS_OFF}\n")
        return await self._page(request, await self._pages.lookup())

    async def lookup(self, request: web.Request) -> web.Response:
        """Looks up an address, a domain or a host on blocklists: the form of the start page. The
        answer is not kept."""
        if not self._lookups:
            return web.Response(status=HTTPStatus.FORBIDDEN, text=f"{ADMIN_API_IS_OFF}\n")
        what = ""
        try:
            what = text_of(await read_fields(request), "what")
            found = await self._lookups.run(what)
        except ApiError as refusal:
            page = await self._pages.lookup(what, refusal=str(refusal))
            response = await self._page(request, page, refusal.status)
            response.headers.update(refusal.headers)
            return response
        return await self._page(request, await self._pages.lookup(what, found))

    async def trip(self, request: web.Request) -> web.Response:
        """One trip: a page; with format=text or format=json for tickets and programs."""
        trip = request.match_info["trip"]
        try:
            refresh = renews(single(request, "refresh"))
            form = trip_format(single(request, "format"), request.headers.get(hdrs.ACCEPT, ""))
        except ValueError as error:
            return _refused(error)
        if form == "json":
            raise web.HTTPFound(f"../api/v1/trips/{trip}", headers={hdrs.VARY: hdrs.ACCEPT})
        if form == "text":
            return await self._trip_text(request, trip)
        page = partial(self._pages.trip, trip, refresh=refresh)
        response = await self._kept(request, "trip", trip, page, refresh=refresh)
        response.headers[hdrs.VARY] = "Accept, Accept-Encoding"
        return response

    async def _trip_text(self, request: web.Request, trip: str) -> web.Response:
        try:
            text = await self._from_disk.get(
                ("trip as text", trip),
                lambda: _trip_text(self._pages, trip),
                client=self._client(request),
            )
        except _NotKept as missing:
            return web.Response(status=HTTPStatus.NOT_FOUND, text=f"{missing}\n")
        headers = _PLAIN_HEADERS | {"Content-Type": "text/plain; charset=utf-8"}
        return await self._compression.response(request, text, headers)

    async def outages(self, request: web.Request) -> web.Response:
        """The outages of all probes, or of one: lasting=true, page=."""
        try:
            stated = {name: single(request, name) for name in outages.PARAMETERS}
            query = OutageQuery.parse(perhaps_probe_key(request, self._probes), stated)
        except (ProbeRefused, ValueError) as error:
            return _refused(error)
        page = await self._from_disk.get(
            ("outages", query), lambda: self._pages.outages(query), client=self._client(request)
        )
        return await self._page(request, page)

    async def outage(self, request: web.Request) -> web.Response:
        outage = request.match_info["outage"]
        return await self._kept(request, "outage", outage, partial(self._pages.outage, outage))

    async def _kept(
        self,
        request: web.Request,
        what: str,
        identity: str,
        page_of: Callable[[], Awaitable[str | None]],
        *,
        refresh: bool = True,
    ) -> web.Response:
        """The page of a trip or an outage, or the one that says that it is not kept."""

        async def made() -> str:
            if page := await page_of():
                return page
            raise _NotKept(await self._pages.missing(what, identity))

        try:
            page = await self._from_disk.get(
                (what, identity, refresh), made, client=self._client(request)
            )
        except _NotKept as missing:
            return await self._page(request, str(missing), HTTPStatus.NOT_FOUND)
        return await self._page(request, page)

    async def mailboxes(self, request: web.Request) -> web.Response:
        """All mailboxes: page=."""
        try:
            number = page_number(single(request, "page"))
        except ValueError as error:
            return _refused(error)
        page = await self._from_disk.get(
            ("mailboxes", number),
            lambda: self._pages.mailboxes(number),
            client=self._client(request),
        )
        return await self._page(request, page)

    async def matrices(self, request: web.Request) -> web.Response:
        """All matrices of senders and recipients."""
        try:
            refresh = renews(single(request, "refresh"))
        except ValueError as error:
            return _refused(error)
        page = await self._from_disk.get(
            ("matrices", refresh),
            lambda: self._pages.matrices(refresh=refresh),
            client=self._client(request),
        )
        return await self._page(request, page)

    async def mailbox(self, request: web.Request) -> web.Response:
        """One mailbox."""
        return await self._named(request, "mailbox", self._pages.mailbox)

    async def blocklist(self, request: web.Request) -> web.Response:
        """One blocklist."""
        return await self._named(request, "blocklist", self._pages.blocklist)

    async def _named(
        self, request: web.Request, what: str, page_of: Callable[[str], Awaitable[str]]
    ) -> web.Response:
        name = request.match_info["name"]
        try:
            page = await self._from_disk.get(
                (what, name), lambda: page_of(name), client=self._client(request)
            )
        except UnknownName as error:
            return web.Response(status=HTTPStatus.NOT_FOUND, text=f"{error}\n")
        return await self._page(request, page)

    async def report(self, request: web.Request) -> web.Response:
        """The account of month=: a page of it (page=), or the whole as a file (format=)."""
        try:
            query = self._pages.report_query({name: single(request, name) for name in REPORT})
        except ValueError as error:
            return _refused(error)
        report = await self._reported.get(
            query, lambda: self._pages.report(query), client=self._client(request)
        )
        if not query.format:
            return await self._page(request, report)
        headers = _PLAIN_HEADERS | {
            "Content-Type": _FILES[query.format],
            "Content-Disposition": f'attachment; filename="mailtrip-{query.month}.{query.format}"',
        }
        return await self._compression.response(request, report, headers)

    async def for_people(self, request: web.Request, response: web.Response) -> web.Response:
        """An error as a page, for browsers; other clients get its line of text."""
        if response.status < HTTPStatus.BAD_REQUEST or response.content_type != "text/plain":
            return response
        if "text/html" not in request.headers.get(hdrs.ACCEPT, ""):
            return response
        root = self._external_url.root_from(request.rel_url.raw_path)
        page = await self._pages.error(response.status, (response.text or "").strip(), root)
        shown = await self._page(request, page, response.status)
        for header in _OF_ERRORS & response.headers.keys():
            shown.headers[header] = response.headers[header]
        return shown

    async def style(self, request: web.Request) -> web.Response:
        """The style sheet. Its URL changes with the content, so that browsers may cache it."""
        headers = {
            "Cache-Control": "public, max-age=31536000, immutable",
            "Content-Type": "text/css; charset=utf-8",
            "X-Content-Type-Options": "nosniff",
        }
        return await self._compression.response(request, self._style, headers)

    async def icon(self, request: web.Request) -> web.Response:
        """An icon of a tab."""
        headers = {
            "Cache-Control": "public, max-age=86400",
            "Content-Type": "image/svg+xml",
            "X-Content-Type-Options": "nosniff",
        }
        icon = self._icons[request.match_info["icon"]]
        return await self._compression.response(request, icon, headers)

    async def _page(
        self, request: web.Request, page: Body | str, status: int = HTTPStatus.OK
    ) -> web.Response:
        """A page that loads only our own style and icon, and cannot be framed, since it shows text
        from external senders."""
        headers = _PAGE_HEADERS | {"Content-Type": "text/html; charset=utf-8"}
        body = Body(Text([page.encode()])) if isinstance(page, str) else page
        return await self._compression.response(request, body, headers, status)

    async def reload(self, request: web.Request) -> web.Response:
        """Reloads the configuration. The router refuses GET: a link must not reload."""
        assert self._reload is not None  # noqa: S101 - else there is no such route
        try:
            await asyncio.shield(self._reload())
        except Mistakes as mistakes:
            return web.Response(
                status=500, text=f"reload failed, keeping the previous configuration:\n{mistakes}\n"
            )
        return web.Response(text="configuration reloaded\n")

    async def healthy(self, request: web.Request) -> web.Response:
        return web.Response(text="mailtrip is up\n")

    async def ready(self, request: web.Request) -> web.Response:
        """Not ready only during shutdown: the server listens only once all parts run."""
        if self._is_stopping:
            return web.Response(
                text="mailtrip is stopping\n", status=HTTPStatus.SERVICE_UNAVAILABLE
            )
        return web.Response(text="mailtrip is ready\n")


def wait_limit(header: str | None) -> float:
    """The time that a scrape may wait for its trip, in seconds, from Prometheus' timeout header."""
    try:
        seconds = float(header or DEFAULT_TIMEOUT)
    except ValueError:
        seconds = DEFAULT_TIMEOUT
    if not 0 < seconds <= MAX_TIMEOUT:  # also false for what is not a number
        seconds = MAX_TIMEOUT if seconds > MAX_TIMEOUT else DEFAULT_TIMEOUT
    return max(seconds - MARGIN, 0.0)


def _refused(error: ApiError | ProbeRefused | ValueError) -> web.Response:
    """The answer to a request that is wrong, as a line of text."""
    if isinstance(error, ValueError):
        return web.Response(status=HTTPStatus.BAD_REQUEST, text=f"{one_line(str(error))}\n")
    return web.Response(status=error.status, text=f"{error}\n")


def _labels(probe: Probe) -> dict[str, str]:
    return {
        "__param_module": probe.key.module,
        "__param_target": probe.key.target,
        "instance": probe.key.target,
        "probe": probe.name or "",
    }


async def _shown(settings: Settings) -> Body:
    return Body(Text([(await asyncio.to_thread(settings.shown)).encode()]))


async def _debug_page(
    probes: ProbeTable, key: ProbeKey, exposition: Exposition, pages: Pages
) -> str:
    # It takes 3 MiB, and is seldom asked for.
    from exporter.web.debug import debug_page

    probe, series = probes.find(key), (await exposition.probe(key)).decode()
    newest = await pages.newest(probe)
    return debug_page(probe, newest, probes.configuration(key), series)


async def _trip_text(pages: Pages, trip: str) -> str:
    from exporter.web.debug import trip_text  # as above

    if not (found := await pages.found(trip)):
        raise _NotKept(f"there is no record of trip {trip}")
    outcome, under_way = found
    return await off_the_loop(partial(trip_text, outcome, under_way=under_way))


def _with_state(answer: Answer) -> Answer:
    """A page about stored trips, or the error if the state cannot be read."""

    async def answered(request: web.Request) -> web.Response:
        try:
            return await answer(request)
        except StateUnusable as error:
            text = (
                f"{error}\nProbes continue. /metrics, /probe, and /probe with debug=true"
                " still work.\n"
            )
            headers = _PLAIN_HEADERS | {"Retry-After": RETRY_AFTER}
            return web.Response(text=text, status=HTTPStatus.SERVICE_UNAVAILABLE, headers=headers)

    return answered


async def _series(body: Body, form: Format, *, compressed: bool) -> web.Response:
    headers = {
        "Content-Type": form.value,
        "Cache-Control": "no-store",
        "Vary": "Accept, Accept-Encoding",
    }
    if not compressed or len(body.plain) <= SMALL:
        return web.Response(body=PiecewisePayload(body.plain), headers=headers)
    packed = PiecewisePayload(await body.compressed())
    return web.Response(body=packed, headers=headers | {"Content-Encoding": "gzip"})
