"""Outcome → series. The series of every probe."""

from collections.abc import Iterable

from exporter.core.model import Outcome
from exporter.metrics.definitions import OF_EVERY_PROBE, ONLY_ON_PROBE, Definition
from exporter.metrics.series import Histogram, Labels, Series


class ProbeSeries(Series):
    """The series of one probe: those of every kind of probe, and the `definitions` of its kind."""

    def __init__(
        self, definitions: Iterable[Definition] = (), failures: Iterable[Labels] = ()
    ) -> None:
        super().__init__((*ONLY_ON_PROBE, *OF_EVERY_PROBE, *definitions))
        for labels in failures:
            self.add("mailtrip_failures_total", 0, *labels)

    def foresee(self, name: str, foreseen: Iterable[Labels]) -> None:
        """Makes series of a counter or a histogram exist, at 0. Others that have counted nothing
        are removed."""
        if name in self.histograms:
            before = self.histograms[name]
            counted = {labels: one for labels, one in before.items() if any(one.counts)}
            bounds = self.definitions[name].buckets
            fresh = {labels: Histogram(bounds) for labels in foreseen}
            self.histograms[name] = fresh | counted
        else:
            counts = {labels: count for labels, count in self.numbers[name].items() if count}
            self.numbers[name] = dict.fromkeys(foreseen, 0.0) | counts
        self._changed(name)

    def leave_out(self, histogram: str) -> None:
        """Removes all series of a histogram, whatever they have counted."""
        self.histograms[histogram] = {}
        self._changed(histogram)

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
