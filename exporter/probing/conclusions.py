"""What follows from the end of a trip."""

from dataclasses import replace
from functools import partial

from exporter.blocklists.since import with_since
from exporter.core.availability.maintenance import Maintenance
from exporter.core.availability.outage import Standing
from exporter.core.model import Outcome
from exporter.core.trace.identity import trace_id
from exporter.core.trace.run import Run
from exporter.probing.bugs import contained
from exporter.probing.comparisons import Comparisons
from exporter.probing.ledger import Ledger
from exporter.probing.log_lines import log_outcome
from exporter.probing.observer import Observer, TraceObserver
from exporter.probing.probe import Probe
from exporter.state.commit_callbacks import Once


class Conclusions:
    """Completes each outcome by what is known beside its trip, keeps and logs it, and notifies who
    has to know it."""

    def __init__(
        self,
        ledger: Ledger,
        observer: Observer,
        maintenance: Maintenance,
        comparisons: Comparisons | None,
        traces: TraceObserver | None,
    ) -> None:
        self._ledger = ledger
        self._observer = observer
        self._maintenance = maintenance
        self._comparisons = comparisons
        self._traces = traces

    def completed(self, outcome: Outcome, probe: Probe) -> Outcome:
        """The outcome with what its trip alone does not know: since when, why, whether that was
        planned, and whether it becomes a trace."""
        if probe.blocklists:
            outcome = with_since(outcome, probe.newest)
        outcome = probe.way.explained(outcome)
        planned = self._maintenance.lasts(probe.called, outcome.finished_at)
        traced = self._traces and self._traces.covers(success=outcome.success)
        trace = trace_id(outcome.trip).hex() if traced else None
        return replace(outcome, planned=bool(planned), trace_id=trace)

    def finished(self, outcome: Outcome, probe: Probe, run: Run, *, arrived: bool) -> None:
        """Notifies every observer, even if one of them fails; logs the outcome when it is on
        disk."""
        newest, standing = probe.is_newest(run.started), Standing()
        tell = Once(partial(log_outcome, outcome))
        with contained(outcome.trip, probe.key, otherwise=tell):
            written = self._ledger.end(outcome, run, arrived=arrived, newest=newest, tell=tell)
            written.add_done_callback(partial(probe.forget_evidence, outcome))
        with contained(outcome.trip, probe.key):
            if self._traces:
                after = probe.newest.trip if outcome.recheck and probe.newest else ""
                self._traces.finished(outcome, after)
        with contained(outcome.trip, probe.key):
            probe.show(outcome, run.started)
        with contained(outcome.trip, probe.key):
            before = probe.outages.kept
            for outage in probe.outages.add(outcome, run.started, probe.oldest(outcome.trip)):
                self._ledger.keep_outage(outage)
            if (unsettled := probe.outages.kept) != before:
                self._ledger.keep_unsettled(probe.key, unsettled)
            standing = probe.outages.standing(newest=newest)
        with contained(outcome.trip, probe.key):
            if not probe.removed:
                self._observer.finished(outcome, standing)
        with contained(outcome.trip, probe.key):
            if self._comparisons and not probe.removed:
                self._comparisons.finished(probe, outcome)
