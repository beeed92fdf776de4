"""Outcome → series. The series of every probe."""

from collections.abc import Iterable

from exporter.core.model import Outcome
from exporter.metrics.definitions import OF_EVERY_PROBE, ONLY_ON_PROBE, Definition
from exporter.metrics.series import Labels, Series


class ProbeSeries(Series):
    """The series of one probe: those of every kind of probe, and the `definitions` of its kind."""

    __slots__ = ()

    def __init__(
        self, definitions: tuple[Definition, ...] = (), failures: Iterable[Labels] = ()
    ) -> None:
        super().__init__((*ONLY_ON_PROBE, *OF_EVERY_PROBE, *definitions))
        for labels in failures:
            self.add("mailtrip_failures_total", 0, *labels)

    def finished(self, outcome: Outcome) -> None:
        """Counts a trip, and shows it as the newest."""
        self.add("mailtrip_trips_total", 1)
        if outcome.failure:
            self.add("mailtrip_failures_total", 1, outcome.failure.phase, outcome.failure.reason)
        self.show(outcome)

    def show(self, outcome: Outcome) -> None:
        """Sets only the gauges: what is known about the newest trip after a restart."""
        self.set("probe_success", float(outcome.success))
        self.set("probe_duration_seconds", outcome.duration)
        self.set("mailtrip_success", float(outcome.success))
        self.set("mailtrip_last_trip_timestamp_seconds", outcome.finished_at)
        if outcome.success:
            self.set("mailtrip_last_success_timestamp_seconds", outcome.finished_at)
        failure = outcome.failure
        info: dict[Labels, float] = {}
        if failure:
            info[failure.phase, failure.step or "", failure.reason, failure.code] = 1.0
        self.replace("mailtrip_last_failure_info", info)
