"""The judgement on a probe after one trip: for `mailtrip probe --format nagios`."""

from collections.abc import Iterable

from exporter.commands.status.judgement import Judgement, Thresholds, judge
from exporter.commands.status.probe_status import Newest, ProbeStatus
from exporter.core.availability.maintenance import Maintenance
from exporter.core.availability.window import Window
from exporter.core.json_output import summary
from exporter.core.model import Outcome


def judgement_of(
    outcome: Outcome, name: str, windows: Iterable[Window], thresholds: Thresholds
) -> Judgement:
    """The judgement on the probe with this name, or on a pair without one, when the trip has
    ended."""
    now, key = outcome.finished_at, outcome.probe
    maintenance = Maintenance(windows)
    called = name or key.target
    planned = maintenance.planned(called, now)[:1] if maintenance.lasts(called, now) else []
    probe = ProbeStatus(
        name,
        key.module,
        key.target,
        Newest.read(summary(outcome)),
        maintenance=planned[0].window if planned else "",
        maintenance_ends_at=planned[0].occurrence.end if planned else None,
    )
    return judge(probe, now, thresholds)
