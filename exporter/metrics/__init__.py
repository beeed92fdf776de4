"""What Prometheus sees: the only place where outcomes become series."""

import asyncio
import platform
from collections.abc import Callable, Iterable, Mapping
from itertools import chain

from exporter import __version__
from exporter.core.fairness import in_turns
from exporter.core.model import Outcome, ProbeKey
from exporter.mail.tokens import Rejection
from exporter.mailboxes.watcher.statistics import Statistics
from exporter.metrics.blocklists import BlocklistSeries
from exporter.metrics.definitions import OF_A_PROBE, OF_THE_EXPORTER
from exporter.metrics.exposition import Format, page, process_page
from exporter.metrics.outcome import ProbeSeries, RoundTripSeries
from exporter.metrics.rendered import Rendered
from exporter.metrics.series import Labels, Series
from exporter.net.oauth2 import AccountStatus

REFUSALS = (
    "bad_request",
    "unknown_module",
    "bad_target",
    "target_not_allowed",
    "too_many_targets",
    "foreign_page",
)
PARTS = 5000  # of a text that are gathered at a time
LARGE = 2 << 20  # bytes; to copy more takes some milliseconds


class Metrics:
    """Counts what it is told of probes, and queries the mailboxes at a scrape."""

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
        self._exporter = Series(OF_THE_EXPORTER)
        self._exporter.set("mailtrip_build_info", 1, __version__, platform.python_version())
        for kind in REFUSALS:
            self._exporter.add("mailtrip_probe_requests_refused_total", 0, kind)

    # ---------------------------------------------------------------- told by the prober and the
    # ledger

    def known(
        self,
        probe: ProbeKey,
        name: str | None,
        blocklists: tuple[str, ...] = (),
        falls_back: bool = False,
    ) -> None:
        """There is such a probe: one that asks these blocklists, or else one that makes round
        trips, whose messages may leave in plain text if it `falls_back`."""
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
        """The newest outcome from before a restart, and the Unix time of the newest success."""
        series = self._of(outcome.probe)
        series.show(outcome)
        if last_success is not None:
            series.set("mailtrip_last_success_timestamp_seconds", last_success)

    def late(self, probe: ProbeKey, delay: float | None) -> None:
        self._mail_of(probe).late(delay)

    def bounced(self, probe: ProbeKey) -> None:
        """A notification that came when its trip had failed already."""
        self._mail_of(probe).add("mailtrip_bounces_total", 1)

    def unclear(self, probe: ProbeKey) -> None:
        self._mail_of(probe).add("mailtrip_unclear_total", 1)

    def lost(self, probe: ProbeKey) -> None:
        self._mail_of(probe).add("mailtrip_lost_total", 1)

    def duplicate(self, probe: ProbeKey) -> None:
        self._mail_of(probe).add("mailtrip_duplicates_total", 1)

    def _of(self, probe: ProbeKey) -> ProbeSeries:
        """The probe's series; a mere stand-in for one that was forgotten while its message was
        in transit."""
        return self._probes.get(probe) or ProbeSeries()

    def _mail_of(self, probe: ProbeKey) -> RoundTripSeries:
        """The same, of a probe that sends messages; it may be none any more when one of them comes
        late."""
        series = self._probes.get(probe)
        return series if isinstance(series, RoundTripSeries) else RoundTripSeries()

    # ---------------------------------------------------------------- told by the server and the
    # configuration

    def refused(self, kind: str) -> None:
        self._exporter.add("mailtrip_probe_requests_refused_total", 1, kind)

    def configured(self, moment: float) -> None:
        """The configuration was read without a mistake, at that Unix time."""
        self._exporter.set("mailtrip_config_last_reload_successful", 1)
        self._exporter.set("mailtrip_config_last_reload_success_timestamp_seconds", moment)

    def not_configured(self) -> None:
        """A new configuration had mistakes, and the old one stays."""
        self._exporter.set("mailtrip_config_last_reload_successful", 0)

    # ---------------------------------------------------------------- asked by Prometheus

    async def probe(self, probe: ProbeKey, form: Format = Format.TEXT) -> bytes:
        """The series of one probe, all of one moment."""
        return b"".join((*await self._text(probe).page(form), form.end))

    async def everything(self, form: Format = Format.TEXT) -> bytes:
        """Every named probe's series, the mailboxes', the exporter's own and the process's."""
        now = list(self._names.items())
        named = [
            await self._text(key).lines(form, name)
            for key, name in now
            if self._names.get(key) == name
        ]
        self._read_mailboxes()
        self._read_accounts()
        own = await Rendered(self._exporter).page(form)
        text = chain(page(OF_A_PROBE, named, form), own, (process_page(form), form.end))
        return await _joined(text)

    def _text(self, probe: ProbeKey) -> Rendered:
        if probe not in self._probes:
            return Rendered(ProbeSeries())
        return self._texts.setdefault(probe, Rendered(self._probes[probe]))

    def _read_accounts(self) -> None:
        now = self._accounts()
        ends: dict[Labels, float] = {
            (name,): one.expires_at for name, one in now.items() if one.expires_at is not None
        }
        failures: dict[Labels, float]
        failures = {
            (name, reason): float(count)
            for name, one in now.items()
            for reason, count in one.failures.items()
        }
        self._exporter.replace("mailtrip_oauth2_token_expiry_timestamp_seconds", ends)
        self._exporter.replace("mailtrip_oauth2_refresh_failures_total", failures)

    def _read_mailboxes(self) -> None:
        """A mailbox that is no longer configured has no series."""
        now = {(name,): statistics for name, statistics in self._mailboxes().items()}
        replace = self._exporter.replace
        replace(
            "mailtrip_mailbox_connected",
            {label: float(one.connected) for label, one in now.items()},
        )
        replace(
            "mailtrip_mailbox_reconnects_total",
            {label: one.reconnects for label, one in now.items()},
        )
        replace(
            "mailtrip_messages_deleted_total", {label: one.deleted for label, one in now.items()}
        )
        messages: dict[Labels, float]
        messages = {label: one.messages for label, one in now.items() if one.messages is not None}
        replace("mailtrip_mailbox_messages", messages)
        rejected: dict[Labels, float]
        rejected = {
            (*label, why): one.rejected[why] for label, one in now.items() for why in Rejection
        }
        replace("mailtrip_tokens_rejected_total", rejected)


async def _joined(pieces: Iterable[bytes]) -> bytes:
    """Much is copied in a thread, beside us: Python holds its lock only while it joins less than 1
    MiB."""
    parts = [piece async for piece in in_turns(pieces, PARTS)]
    large = sum(map(len, parts)) > LARGE
    return await asyncio.to_thread(b"".join, parts) if large else b"".join(parts)
