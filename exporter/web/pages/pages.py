"""Each page as HTML: gathers what it shows, and renders its template."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus

from exporter import __version__
from exporter.config.mistakes import suggestion
from exporter.core.availability.account import ProbeAccount
from exporter.core.availability.account_output import csv_lines, json_lines
from exporter.core.availability.downtime import MONTH, Downtime
from exporter.core.availability.maintenance import Maintenance
from exporter.core.availability.outage import Outage
from exporter.core.comparison.words import changes_of, sentence
from exporter.core.model import Outcome, ProbeKey
from exporter.core.one_line import one_line
from exporter.core.timing.fairness import in_turns, let_go
from exporter.core.timing.when import ago
from exporter.mail.tokens import without_tokens
from exporter.mailboxes.watcher.watcher import Watcher
from exporter.metrics.text import Text
from exporter.probing.probe import Probe
from exporter.probing.probes import ProbeTable
from exporter.settings import Settings
from exporter.state.history import HISTORY_LENGTH
from exporter.state.schema import StateUnusable
from exporter.state.thinning import FAILURES, NEWEST, SUCCESSES
from exporter.web.blocklist_status import blocklist_statuses
from exporter.web.grafana import NO_GRAFANA, Grafana
from exporter.web.lookups_now import LookupNow
from exporter.web.pages.again import TripAgain
from exporter.web.pages.appearance import STYLE_VERSION, templates
from exporter.web.pages.blocklist import blocklist_page, configured_lists
from exporter.web.pages.configuration import ConfigurationPage
from exporter.web.pages.delay_chart import DelayChart, delay_chart
from exporter.web.pages.documentation import PUBLISHED, Documentation
from exporter.web.pages.failing import failing_now
from exporter.web.pages.lookup import LookupView
from exporter.web.pages.mailbox import mailbox_page
from exporter.web.pages.mailboxes import MOST_MAILBOXES, MailboxRow, mailbox_rows
from exporter.web.pages.matrices import matrix_views
from exporter.web.pages.outages import PER_PAGE, OutageQuery, OutageView
from exporter.web.pages.overview import SPANS, blocklist_rows, probe_rows
from exporter.web.pages.probe_link import probe_query
from exporter.web.pages.probe_list import Query, State, page_of
from exporter.web.pages.probe_order import Order
from exporter.web.pages.records import Records
from exporter.web.pages.report import FIGURES, ReportPage, ReportQuery
from exporter.web.pages.styles import BAD
from exporter.web.pages.time_zone import UTC_ZONE, TimeZone
from exporter.web.pages.trip import LEGS, NextTo, TripView, next_to
from exporter.web.pages.trip_facts import details
from exporter.web.pages.visit import VisitView

MOST_TRIPS = 60  # in a list
MOST_OUTAGES = 10  # on the start page
MOST_MODULES = 100  # to choose from there
MOST_WINDOWS = 20  # of planned maintenance
ALL = Query()
KEPT = {"successes": SUCCESSES, "failures": FAILURES, "newest": NEWEST}
LINES = 20  # of a file that are written at a time: a millisecond of work
WORDS = 500  # texts and values of a page that are written at a time: a millisecond of work
LONGEST_NAME = 100  # characters that an answer repeats
NOTABLE_LAG = 1.0  # seconds by which trips start late


class UnknownName(Exception):
    """Nothing of that kind has this name; its text is a line for people."""

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        shown = one_line(name, LONGEST_NAME)
        hint = suggestion(shown, known) or "; the configuration defines none"
        super().__init__(f"no {what} {shown!r}{hint}")


@dataclass(frozen=True, slots=True)
class PageSettings:
    """What the command line says about all pages."""

    admin: bool = False
    """Whether the start page has a form for look-ups on blocklists."""
    files: Sequence[str] = ()
    """Of the configuration."""
    zone: TimeZone = UTC_ZONE
    """In which times are written."""
    demonstration: str = ""
    """A configuration to begin with, on the start page; empty if this is no demonstration."""
    grafana: Grafana = NO_GRAFANA
    """Where the dashboards are."""
    documentation: Documentation = PUBLISHED
    """Where the links of pages lead to."""


PLAIN = PageSettings()


class Pages:
    """Each page as HTML; None if it does not exist. `now` returns the seconds since the epoch."""

    def __init__(
        self,
        probes: ProbeTable,
        records: Records,
        mailboxes: Mapping[str, Watcher],
        now: Callable[[], float],
        maintenance: Maintenance | None = None,
        settings: PageSettings = PLAIN,
    ) -> None:
        self._probes = probes
        self._records = records
        self._mailboxes = mailboxes
        self._now = now
        self._maintenance = maintenance or Maintenance()
        self._settings = settings
        self._zone = settings.zone
        self._again = TripAgain(settings.files)
        self._templates = templates(settings.zone, settings.documentation)

    async def overview(self, query: Query = ALL) -> str:
        """A page of the probes; with the first page of all of them, also what fails, mailboxes,
        blocklists and the newest outages. Without the state it shows what is known without it."""
        probes, troubles, now = list(self._probes), self._troubles, self._now()
        availabilities, trouble = dict[ProbeKey, float](), ""
        try:
            if query.order is Order.AVAILABILITY:
                availabilities |= await self._records.availabilities(MONTH, now)
        except StateUnusable as error:
            trouble = str(error)
        page = await page_of(probes, query, availabilities)
        beside = not page.query.is_filtered and page.query.page == 1
        shown, spans = [probe.key for probe in page.probes], list(SPANS.values())
        downtimes: Mapping[ProbeKey, Sequence[Downtime]] = dict[ProbeKey, Sequence[Downtime]]()
        outages = list[Outage]()
        try:
            downtimes = await self._records.downtimes(shown, spans, now)
            outages = await self._records.outages(None, MOST_OUTAGES) if beside else []
        except StateUnusable as error:
            trouble = str(error)
        return await self._page(
            "overview.html",
            trouble=trouble,
            root="",
            lag=self._probes.lag if self._probes.lag >= NOTABLE_LAG else None,
            page=page,
            states=State,
            orders=Order,
            spans=SPANS,
            history=HISTORY_LENGTH,
            failing=await failing_now(probes, self._maintenance, now, troubles),
            probes=await probe_rows(
                page.probes,
                self._maintenance,
                downtimes,
                now,
            ),
            planned=self._maintenance.all_planned(now)[:MOST_WINDOWS] if beside else [],
            mailboxes=self._mailbox_rows(now) if beside else [],
            mailboxes_known=len(self._mailboxes),
            blocklists=await blocklist_rows(probes) if beside else [],
            mailboxes_failing=len(troubles),
            outages=[self._viewed(one) for one in outages],
            beside=beside,
            has_matrices=beside and any(probe.cell for probe in probes),
            demonstration=self._settings.demonstration if beside else "",
            open_modules=self._open_modules if beside else (),
        )

    @property
    def _open_modules(self) -> list[str]:
        """Some of the modules that allow targets on `/probe`."""
        modules = self._probes.settings.modules.items()
        return [name for name, module in modules if module.targets][:MOST_MODULES]

    async def matrices(self, *, refresh: bool = True) -> str:
        """All matrices of senders and recipients, as tables. It renews itself if it may."""
        views = await matrix_views(list(self._probes), self._maintenance, self._now())
        return await self._page(
            "matrices.html",
            root="",
            matrices=views,
            failing=sum(one.number(BAD) for one in views),
            refresh=refresh,
        )

    async def trips(
        self, key: ProbeKey, page: int = 1, *, may_start: bool = False, refresh: bool = True
    ) -> str:
        """A page of the trips of one probe: those in progress, and the stored ones; with a button
        that makes one now if readers may do that. The first page renews itself if it may."""
        probe = self._probes.find(key)
        found = await self._records.listed(key, MOST_TRIPS + 1, (page - 1) * MOST_TRIPS)
        kept = [TripView(one.outcome, probe.name, missing=one) for one in found[:MOST_TRIPS]]
        newest = list(probe.runs.items())[-MOST_TRIPS:] if page == 1 else []
        flights = [
            TripView(run.outcome(trip, key), probe.name, under_way=True)
            for trip, run in reversed(newest)
        ]
        trips = [*flights, *kept]
        timeline = await self._records.timeline(key) if page == 1 else []
        of_probe = await self._records.downtimes([key], list(SPANS.values()), self._now())
        downtimes = zip(SPANS, of_probe.get(key, ()), strict=False)
        return await self._page(
            "trips.html",
            root="",
            probe=probe,
            mailbox=self._mailbox_of(key),
            dashboard=self._settings.grafana.dashboard_of(key, probe.name) if probe.mailbox else "",
            trips=trips,
            chart=delay_chart(timeline, zone=self._zone),
            availability=[
                (span, one.availability) for span, one in downtimes if one.availability is not None
            ],
            page=page,
            more=len(found) > MOST_TRIPS,
            query=probe_query(key),
            may_start=may_start,
            refresh=refresh,
            planned=self._maintenance.planned(probe.called, self._now())[:MOST_WINDOWS],
            outage=self._viewed(probe.outages.lasting) if probe.outages.lasting else None,
            newest=TripView(probe.newest, probe.name) if probe.newest else None,
            outages=OutageQuery(key).link,
        )

    async def found(self, trip_id: str) -> tuple[Outcome, bool] | None:
        """What is known of a trip, and whether it is still in progress."""
        if found := await self._probes.run_of(trip_id):
            probe, run = found
            return run.outcome(trip_id, probe.key), True
        kept = await self._records.outcome(trip_id)
        return (kept, False) if kept else None

    async def trip(self, trip_id: str, *, refresh: bool = True) -> str | None:
        """One trip, finished or in progress: then the page renews itself if it may."""
        if not (known := await self.found(trip_id)):
            return None
        kept, under_way = known
        current = self._probes.get(kept.probe)
        if under_way:
            view = TripView(kept, current.name if current else None, under_way=True)
            done = current.newest if current else None
            before = NextTo(done.trip, done.success) if done else None
            return await self._trip_page(view, before, None, refresh=refresh)
        timeline = await self._records.timeline(kept.probe, trip_id)
        before, after = next_to(timeline, trip_id, current.runs if current else ())
        outage = None
        if kept.failure and (found := await self._records.outage_at(kept.probe, kept.started_at)):
            outage = self._viewed(found)
        view = TripView(kept, current.name if current else None)
        chart = delay_chart(timeline, trip_id, self._zone)
        return await self._trip_page(view, before, after, outage=outage, chart=chart)

    async def _trip_page(
        self,
        view: TripView,
        before: NextTo | None,
        after: NextTo | None,
        *,
        outage: OutageView | None = None,
        chart: DelayChart | None = None,
        refresh: bool = True,
    ) -> str:
        return await self._page(
            "trip.html",
            root="../",
            trip=view,
            again=self._again.command(view.outcome.probe, view.name),
            facts=details(view.outcome, self._zone),
            visits=[VisitView(one, self._zone) for one in view.visits],
            visiting=self._is_visiting(view),
            refresh=refresh,
            before=before,
            after=after,
            outage=outage,
            chart=chart,
            mailbox=self._mailbox_of(view.outcome.probe),
        )

    def _is_visiting(self, view: TripView) -> bool:
        """Whether its messages through other exchangers are still in transit."""
        probe = self._probes.get(view.outcome.probe)
        return bool(probe and view.id in probe.visits)

    def _mailbox_of(self, key: ProbeKey) -> str:
        """Where the messages of this probe are awaited; empty if that is unknown."""
        probe = self._probes.get(key)
        return probe.mailbox if probe and probe.mailbox in self._mailboxes else ""

    async def outages(self, query: OutageQuery) -> str:
        """A page of the outages, the newest first."""
        start, lasting = (query.page - 1) * PER_PAGE, True if query.lasting else None
        found = await self._records.outages(query.probe, PER_PAGE + 1, start, lasting=lasting)
        name, probe = "", query.probe
        if probe:
            name = self._probes.name_of(probe) or probe.target
        return await self._page(
            "outages.html",
            root="",
            query=query,
            name=name,
            probe_query=probe_query(probe) if probe else "",
            outages=[self._viewed(one) for one in found[:PER_PAGE]],
            more=len(found) > PER_PAGE,
        )

    async def outage(self, outage_id: str) -> str | None:
        """One outage, with its first and its last failed trip, and the OK ones beside them."""
        outage = await self._records.outage(outage_id)
        if outage is None:
            return None
        first, last = [
            await self._records.outcome(trip) for trip in (outage.first_trip, outage.last_trip)
        ]
        before, after = await self._records.beside(outage)
        compared = changes_of(first) if first else None
        view = self._viewed(outage)
        return await self._page(
            "outage.html",
            root="../",
            view=view,
            first_step=view.first_step(last.failure if last else None),
            first=first,
            changes=sentence(compared) if compared else "",
            last=last,
            chart=delay_chart(
                await self._records.timeline(outage.probe, outage.first_trip),
                outage.first_trip,
                self._zone,
            ),
            leg=f"{outage.leg} ({LEGS[outage.leg]})" if outage.leg else view.leg,
            before=before,
            after=after,
            all_of_probe=OutageQuery(outage.probe).link,
        )

    async def mailboxes(self, page: int = 1) -> str:
        """A page of the mailboxes: that number, or the last one if there are not as many."""
        pages = max(-(-len(self._mailboxes) // MOST_MAILBOXES), 1)
        page = min(page, pages)
        return await self._page(
            "mailboxes.html",
            root="",
            mailboxes=self._mailbox_rows(self._now(), page),
            page=page,
            pages=pages,
            known=len(self._mailboxes),
            failing=len(self._troubles),
        )

    @property
    def _troubles(self) -> dict[str, float]:
        """The mailboxes that fail, and since when."""
        watchers = self._mailboxes.items()
        return {name: one.trouble.since for name, one in watchers if one.trouble}

    def _mailbox_rows(self, now: float, page: int = 1) -> list[MailboxRow]:
        options = self._probes.settings.mailboxes
        return mailbox_rows(self._mailboxes, options, now, self._zone, page)

    async def mailbox(self, name: str) -> str:
        """One mailbox, and the probes that wait for it. Raises UnknownName."""
        if name not in self._mailboxes:
            raise UnknownName("mailbox", name, self._mailboxes)
        settings, probes = self._probes.settings, list(self._probes)
        page = await mailbox_page(self._mailboxes, name, settings, probes, self._now(), self._zone)
        return await self._page("mailbox.html", root="../", page=page)

    async def blocklist(self, name: str) -> str:
        """One blocklist, and what it lists. Raises UnknownName."""
        probes, modules = list(self._probes), self._probes.settings.modules
        statuses = await blocklist_statuses(probes)
        configured = await configured_lists(modules.values())
        if name not in configured and name not in {one.name for one in statuses}:
            known = dict.fromkeys([*configured, *(one.name for one in statuses)])
            raise UnknownName("blocklist", name, known)
        page = await blocklist_page(name, statuses, configured.get(name, ()), probes)
        return await self._page("blocklist.html", root="../", page=page)

    async def configuration(self, settings: Settings, text: str) -> str:
        """The configuration, of which this is the text without secrets."""
        page = ConfigurationPage(settings, text)
        return await self._page("configuration.html", root="", page=page)

    def report_query(self, parameters: Mapping[str, str]) -> ReportQuery:
        """The query of an address. Raises ValueError."""
        return ReportQuery.parse(parameters, self._now())

    async def report(self, query: ReportQuery) -> Text | str:
        """The account of a month: a page, or the whole as a file."""
        accounts = await self._records.account(query.month, self._now())
        try:
            return await self._report_of(accounts, query)
        finally:
            await let_go(accounts)

    async def _report_of(self, accounts: list[ProbeAccount], query: ReportQuery) -> Text | str:
        name = self._probes.name_of
        if query.format:
            lines = (
                csv_lines(accounts, name)
                if query.format == "csv"
                else json_lines(query.month, accounts, name)
            )
            pieces = in_turns(lines, LINES)
            return Text([without_tokens(f"{line}\n").encode() async for line in pieces])
        page = await ReportPage.of(query, accounts, name, self._is_watched, self._now())
        values = {"page": page, "views": page.views, "outages": page.outages} | FIGURES
        return await self._page("report.html", root="", links=True, **values)

    def _viewed(self, outage: Outage) -> OutageView:
        name, watched = self._probes.name_of(outage.probe), self._is_watched(outage.probe)
        return OutageView(outage, name, self._now(), watched=watched)

    def _is_watched(self, key: ProbeKey) -> bool:
        return self._probes.get(key) is not None

    async def newest(self, probe: Probe) -> Outcome | None:
        """The newest finished trip of a probe, in full; None if the state cannot be read."""
        if probe.unwritten or not probe.newest:
            return probe.unwritten
        with suppress(StateUnusable):
            return await self._records.outcome(probe.newest.trip, probe.key)
        return None

    async def lookup(
        self, what: str = "", found: LookupNow | None = None, refusal: str = ""
    ) -> str:
        """The form for look-ups with what a reader wrote there, and the answer or why there is
        none."""
        return await self._page(
            "lookup.html",
            root="",
            what=what,
            found=LookupView(found, self._zone) if found else None,
            refusal=refusal,
            configured=bool(self._probes.settings.blocklists),
        )

    async def missing(self, what: str, identity: str) -> str:
        """The page for a trip or an outage without a record. Outages are kept for longer than the
        trips that they are named after."""
        outage = await self._records.outage(identity) if what == "trip" else None
        view = self._viewed(outage) if outage else None
        return await self._page("missing.html", root="../", what=what, id=identity, view=view)

    async def error(self, status: int, text: str, root: str) -> str:
        """The page for a request that cannot be answered. It has no version: it is shown to
        unknown clients, too."""
        phrase = HTTPStatus(status).phrase
        return await self._page("error.html", root=root, phrase=phrase, text=text, version="")

    async def _page(self, template: str, **values: object) -> str:
        """It shows no tokens: with the token of a trip in progress, a reader could forge its
        message.

        It is rendered in pieces, since there may be ten thousand probes; no value is split across
        pieces.
        """
        now = self._now()
        values = {"version": __version__} | values
        values |= {
            "style": STYLE_VERSION,
            "admin": self._settings.admin,
            "now": now,
            "kept": KEPT,
            "ago": lambda then: ago(now - then),
        }
        words = self._templates.get_template(template).stream(**values)
        words.enable_buffering(WORDS)
        pieces = [without_tokens(piece) async for piece in in_turns(words, 1)]
        return "".join(pieces).replace("<token>", "&lt;token&gt;")
