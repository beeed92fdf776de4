"""The series for Prometheus: the only place where outcomes become series."""

from collections.abc import Callable, Mapping
from itertools import chain

from exporter.core.model import Outcome, ProbeKey
from exporter.mailboxes.watcher.statistics import Statistics
from exporter.metrics.blocklists import BlocklistSeries
from exporter.metrics.definitions import OF_A_PROBE
from exporter.metrics.exporter import ExporterSeries
from exporter.metrics.exposition import Format, joined, page, process_page
from exporter.metrics.outcome import ProbeSeries
from exporter.metrics.rendered import Rendered
from exporter.metrics.round_trip import RoundTripSeries
from exporter.net.oauth2 import AccountStatus


class Metrics:
    """Counts the reports of probes, and reads the state of mailboxes at a scrape."""

    def __init__(
        self,
        mailboxes: Callable[[], Mapping[str, Statistics]],
        accounts: Callable[[], Mapping[str, AccountStatus]] = dict,
    ) -> None:
        self._mailboxes = mailboxes
        self._accounts = accounts
        self._probes: dict[ProbeKey, ProbeSeries] = {}
        self._names: dict[ProbeKey, str] = {}
        self._texts: dict[ProbeKey, Rendered] = {}
        self.exporter = ExporterSeries()

    def known(
        self,
        probe: ProbeKey,
        name: str | None,
        blocklists: tuple[str, ...] = (),
        falls_back: bool = False,
    ) -> None:
        """Adds a probe: one that queries these blocklists, or else one that makes round trips,
        whose messages may be sent in plain text if it `falls_back`."""
        series = self._probes.setdefault(
            probe, BlocklistSeries(blocklists) if blocklists else RoundTripSeries()
        )
        if isinstance(series, RoundTripSeries):
            series.can_fall_back(falls_back)
        if name is None:
            self._names.pop(probe, None)
        else:
            self._names[probe] = name

    def forgotten(self, probe: ProbeKey) -> None:
        for table in (self._probes, self._names, self._texts):
            table.pop(probe, None)

    def started(self, probe: ProbeKey) -> None:
        self._of(probe).add("mailtrip_trips_in_flight", 1)

    def finished(self, outcome: Outcome) -> None:
        series = self._of(outcome.probe)
        series.add("mailtrip_trips_in_flight", -1)
        series.finished(outcome)

    def restored(self, outcome: Outcome, last_success: float | None = None) -> None:
        """Restores the newest outcome from before a restart, and the Unix time of the newest
        success."""
        series = self._of(outcome.probe)
        series.show(outcome)
        if last_success is not None:
            series.set("mailtrip_last_success_timestamp_seconds", last_success)

    def late(self, probe: ProbeKey, delay: float | None) -> None:
        self._mail_of(probe).late(delay)

    def bounced(self, probe: ProbeKey) -> None:
        """Counts a bounce that arrived after its trip had failed."""
        self._mail_of(probe).add("mailtrip_bounces_total", 1)

    def unclear(self, probe: ProbeKey) -> None:
        self._mail_of(probe).add("mailtrip_unclear_total", 1)

    def lost(self, probe: ProbeKey) -> None:
        self._mail_of(probe).add("mailtrip_lost_total", 1)

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

    async def probe(self, probe: ProbeKey, form: Format = Format.TEXT) -> bytes:
        """The series of one probe, a consistent snapshot."""
        return b"".join((*await self._text(probe).page(form), form.end))

    async def everything(self, form: Format = Format.TEXT) -> bytes:
        """The series of every named probe, of the mailboxes, the exporter and the process."""
        now = list(self._names.items())
        named = [
            await self._text(key).lines(form, name)
            for key, name in now
            if self._names.get(key) == name
        ]
        self.exporter.show_mailboxes(self._mailboxes())
        self.exporter.show_accounts(self._accounts())
        own = await Rendered(self.exporter).page(form)
        text = chain(page(OF_A_PROBE, named, form), own, (process_page(form), form.end))
        return await joined(text)

    def _text(self, probe: ProbeKey) -> Rendered:
        if probe not in self._probes:
            return Rendered(ProbeSeries())
        return self._texts.setdefault(probe, Rendered(self._probes[probe]))
