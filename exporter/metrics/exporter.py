"""The series of the exporter itself: its configuration, mailboxes and logins."""

import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from exporter import __version__
from exporter.core.trace.status import TraceStatus
from exporter.mail.tokens import Rejection
from exporter.mailboxes.watcher.statistics import Statistics
from exporter.metrics.definitions import OF_THE_EXPORTER
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


@dataclass(frozen=True, slots=True)
class Readings:
    """What is read at each scrape about the exporter itself."""

    mailboxes: Callable[[], Mapping[str, Statistics]] = dict
    accounts: Callable[[], Mapping[str, AccountStatus]] = dict
    certificates: Callable[[], Mapping[str, float]] = dict
    """When our own certificates expire, by file, in seconds since the epoch."""

    lag: Callable[[], float] = lambda: 0.0
    """Seconds for which the trip waits that has waited the longest for its start."""

    traces: Callable[[], TraceStatus | None] = lambda: None
    """What has become of traces; None if none are sent."""


class ExporterSeries(Series):
    """The series that do not belong to a probe."""

    def __init__(self) -> None:
        super().__init__(OF_THE_EXPORTER)
        self.set("mailtrip_build_info", 1, __version__, platform.python_version())
        self.show_lag(0.0)
        for kind in REFUSALS:
            self.add("mailtrip_probe_requests_refused_total", 0, kind)

    def show(self, read: Readings) -> None:
        """Shows what is true now."""
        self.show_mailboxes(read.mailboxes())
        self.show_accounts(read.accounts())
        self.show_client_certificates(read.certificates())
        self.show_lag(read.lag())
        self.show_traces(read.traces())

    def refused(self, kind: str) -> None:
        self.add("mailtrip_probe_requests_refused_total", 1, kind)

    def show_external_url(self, url: str) -> None:
        """Shows where browsers find our pages."""
        self.set("mailtrip_external_url_info", 1, url)

    def configured(self, moment: float) -> None:
        """Reports that the configuration was loaded without errors, at that Unix time."""
        self.set("mailtrip_config_last_reload_successful", 1)
        self.set("mailtrip_config_last_reload_success_timestamp_seconds", moment)

    def not_configured(self) -> None:
        """Reports that a reload failed: the previous configuration is kept."""
        self.set("mailtrip_config_last_reload_successful", 0)

    def show_lag(self, seconds: float) -> None:
        """Shows how late the trip is that has waited for its start for the longest time."""
        self.set("mailtrip_scheduler_lag_seconds", seconds)

    def show_traces(self, status: TraceStatus | None) -> None:
        """Shows what has become of traces; nothing if none are sent."""
        dropped: dict[Labels, float]
        dropped = {(why,): float(count) for why, count in status.dropped.items()} if status else {}
        self.replace("mailtrip_traces_dropped_total", dropped)
        if status is None:
            self.leave_out("mailtrip_traces_exported_total")
        else:
            self.ensure("mailtrip_traces_exported_total", float(status.exported))

    def show_accounts(self, now: Mapping[str, AccountStatus]) -> None:
        ends: dict[Labels, float] = {
            (name,): one.expires_at for name, one in now.items() if one.expires_at is not None
        }
        failures: dict[Labels, float]
        failures = {
            (name, reason): float(count)
            for name, one in now.items()
            for reason, count in one.failures.items()
        }
        self.replace("mailtrip_oauth2_token_expiry_timestamp_seconds", ends)
        self.replace("mailtrip_oauth2_refresh_failures_total", failures)

    def show_client_certificates(self, ends: Mapping[str, float]) -> None:
        """Shows when our own certificates expire, by file; one that is no longer configured has no
        series."""
        values: dict[Labels, float] = {(file,): end for file, end in ends.items()}
        self.replace("mailtrip_client_certificate_expiry_timestamp_seconds", values)

    def show_maintenance(self, mailboxes: Mapping[str, bool]) -> None:
        """Shows which mailboxes are only used by probes in planned maintenance."""
        values: dict[Labels, float]
        values = {(name,): float(lasts) for name, lasts in mailboxes.items()}
        self.replace("mailtrip_mailbox_maintenance", values)

    def show_mailboxes(self, mailboxes: Mapping[str, Statistics]) -> None:
        """Shows the mailboxes; one that is no longer configured has no series."""
        now = {(name,): statistics for name, statistics in mailboxes.items()}
        replace = self.replace
        replace(
            "mailtrip_mailbox_connected",
            {label: float(one.connected) for label, one in now.items()},
        )
        failures: dict[Labels, float]
        failures = {
            (*label, *one.failure): 1.0
            for label, one in now.items()
            if not one.connected and one.failure[1]
        }
        replace("mailtrip_mailbox_failure_info", failures)
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
