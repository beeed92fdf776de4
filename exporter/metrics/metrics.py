"""All series of one exporter, kept between scrapes, and the pages of them."""

from collections.abc import Callable

from exporter.core.availability.maintenance import Maintenance
from exporter.core.availability.outage import Standing
from exporter.core.facts import LateArrival
from exporter.core.matrix import Cell
from exporter.core.model import ExchangerVisit, Fact, Outcome, ProbeKey
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.scope import BlocklistScope, HeartbeatScope, Scope
from exporter.core.timing.clock import Clock
from exporter.core.timing.fairness import Slices
from exporter.metrics.blocklists import BlocklistSeries
from exporter.metrics.definitions import OF_A_PROBE, OF_THE_EXPORTER
from exporter.metrics.exporter import ExporterSeries, Readings
from exporter.metrics.exposition import Format, Lines, add_families, process_text
from exporter.metrics.heartbeat import HeartbeatSeries
from exporter.metrics.outcome import FIRST, ProbeSeries
from exporter.metrics.rendered import Rendered
from exporter.metrics.round_trip import RoundTripSeries
from exporter.metrics.text import Text


class Metrics:
    """Counts the reports of probes, and reads at a scrape what is true of the exporter, and which
    probes are in planned maintenance. `traced` says whether a trip that succeeds, or fails, is sent
    as a trace."""

    def __init__(
        self,
        readings: Readings | None = None,
        clock: Clock | None = None,
        maintenance: Maintenance | None = None,
        traced: Callable[[bool], bool] = lambda success: False,
        *,
        step_histograms: bool = True,
    ) -> None:
        self._readings = readings or Readings()
        self._clock = clock or Clock()
        self._now = self._clock.monotonic
        self._maintenance = maintenance or Maintenance()
        self._maintained = False  # series of planned maintenance were shown
        self._traced = traced
        self._probes: dict[ProbeKey, ProbeSeries] = {}
        self._names: dict[ProbeKey, str] = {}
        self._texts: dict[ProbeKey, Rendered] = {}
        self.step_histograms = step_histograms
        self.exporter = ExporterSeries()
        self._own = Rendered(self.exporter)

    def known(
        self, probe: ProbeKey, name: str | None, scope: Scope, cell: Cell | None = None
    ) -> None:
        """Adds a probe whose trips have this scope, or changes its name and scope, after
        `step_histograms` perhaps."""
        if isinstance(scope, BlocklistScope):
            self._probes.setdefault(probe, BlocklistSeries(scope.blocklists))
        elif isinstance(scope, HeartbeatScope):
            heartbeat = self._probes.setdefault(probe, HeartbeatSeries())
            if isinstance(heartbeat, HeartbeatSeries):
                heartbeat.configure(scope)
        else:
            series = self._probes.setdefault(probe, RoundTripSeries())
            if isinstance(series, RoundTripSeries):
                series.configure(scope, step_histograms=self.step_histograms)
        self._probes[probe].identify(probe)
        self._probes[probe].ensure("probe_timeout_seconds", scope.timeout)
        self._probes[probe].place(cell)
        if name is None:
            self._names.pop(probe, None)
        else:
            self._names[probe] = name

    def forgotten(self, probe: ProbeKey) -> None:
        for table in (self._probes, self._names, self._texts):
            table.pop(probe, None)

    def started(self, probe: ProbeKey) -> None:
        self._of(probe).add("mailtrip_trips_in_flight", 1)

    def finished(self, outcome: Outcome, standing: Standing = FIRST) -> None:
        series = self._of(outcome.probe)
        series.add("mailtrip_trips_in_flight", -1)
        series.finished(outcome, standing, traced=self._traced(outcome.success))

    def restored(
        self, outcome: Outcome, last_success: float | None = None, standing: Standing = FIRST
    ) -> None:
        """Restores the newest outcome from before a restart, the Unix time of the newest success,
        and what all trips together say."""
        series = self._of(outcome.probe)
        series.show(outcome)
        series.stand(standing)
        if last_success is not None:
            series.set("mailtrip_last_success_timestamp_seconds", last_success)

    def late(self, probe: ProbeKey, trip: str, arrival: LateArrival) -> None:
        self._mail_of(probe).late(trip, arrival, traced=self._traced(False))

    def visited(self, probe: ProbeKey, visits: tuple[ExchangerVisit, ...]) -> None:
        self._mail_of(probe).visited(visits)

    def let_through(self, probe: ProbeKey) -> None:
        """Counts a message that a filter let through, after its trip had ended."""
        self._mail_of(probe).add("mailtrip_failures_total", 1, Phase.VERIFY, Reason.ACCEPTED)

    def bounced(self, probe: ProbeKey) -> None:
        """Counts a bounce that arrived after its trip had failed."""
        self._mail_of(probe).add("mailtrip_bounces_total", 1)

    def unclear(self, probe: ProbeKey) -> None:
        self._mail_of(probe).add("mailtrip_unclear_total", 1)

    def lost(self, probe: ProbeKey, sent_at: float = 0.0, facts: tuple[Fact, ...] = ()) -> None:
        """Counts a message that was sent at that Unix time; the facts are those of its sending."""
        self._mail_of(probe).lost(sent_at, facts)

    def duplicate(self, probe: ProbeKey) -> None:
        self._mail_of(probe).add("mailtrip_duplicates_total", 1)

    def _of(self, probe: ProbeKey) -> ProbeSeries:
        """The probe's series; a placeholder if the probe was forgotten while its message was in
        transit."""
        return self._probes.get(probe) or ProbeSeries()

    def _mail_of(self, probe: ProbeKey) -> RoundTripSeries:
        """The series of a probe that sends messages; a late message may come after the probe's kind
        has changed."""
        series = self._probes.get(probe)
        return series if isinstance(series, RoundTripSeries) else RoundTripSeries()

    def refused(self, kind: str) -> None:
        self.exporter.refused(kind)

    async def probe(self, probe: ProbeKey, form: Format = Format.TEXT) -> Text:
        """The series of one probe, a consistent snapshot."""
        text, slices = Text(shared=True), Slices(self._now)
        series = self._probes.get(probe) or ProbeSeries()
        series.maintain(self._in_maintenance(probe, self._clock.wall()))
        lines = await self._text(probe, series).lines(form, slices)
        await add_families(text, series.definitions.values(), [lines], form, slices)
        text.add([form.end])
        return text

    async def everything(self, form: Format = Format.TEXT) -> Text:
        """The series of every named probe, of the mailboxes, the exporter and the process; each
        probe's are a consistent snapshot."""
        text, slices, named = Text(shared=True), Slices(self._now), list[Lines]()
        await self._show_maintenance(slices)
        for key, name in list(self._names.items()):
            if self._names.get(key) == name:
                named.append(await self._text(key, self._probes[key]).lines(form, slices, name))
            await slices.pause()
        await add_families(text, OF_A_PROBE, named, form, slices)
        self.exporter.show(self._readings)
        own = await self._own.lines(form, slices)
        await add_families(text, OF_THE_EXPORTER, [own], form, slices)
        text.add([process_text(form), form.end])
        return text

    async def _show_maintenance(self, slices: Slices) -> None:
        """Shows which probes are in a window, and the mailboxes that only such probes use."""
        if self._maintenance.is_empty and not self._maintained:
            return
        self._maintained, now = not self._maintenance.is_empty, self._clock.wall()
        mailboxes: dict[str, bool | None] = {}  # None: of a probe without a window
        for key, series in list(self._probes.items()):
            lasts = self._in_maintenance(key, now)
            series.maintain(lasts)
            for mailbox in series.mailboxes:
                others = mailboxes.get(mailbox, True)
                unknown = lasts is None or others is None
                mailboxes[mailbox] = None if unknown else bool(lasts and others)
            await slices.pause()
        self.exporter.show_maintenance(
            {name: lasts for name, lasts in mailboxes.items() if lasts is not None}
        )

    def _in_maintenance(self, probe: ProbeKey, now: float) -> bool | None:
        return self._maintenance.lasts(self._names.get(probe) or probe.target, now)

    def _text(self, probe: ProbeKey, series: ProbeSeries) -> Rendered:
        if probe not in self._probes:
            return Rendered(series)
        return self._texts.setdefault(probe, Rendered(series))
