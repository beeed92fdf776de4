"""Runs one trip: its deadline, the only broad except, and exactly one Outcome in any case."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

from exporter.blocklists.since import with_since
from exporter.core.availability.maintenance import Maintenance
from exporter.core.availability.outage import Standing
from exporter.core.logs import about
from exporter.core.model import Failure, Outcome, ProbeError
from exporter.core.phases import Phase
from exporter.core.trace.identity import trace_id
from exporter.core.trace.run import Run
from exporter.probing.bugs import contained
from exporter.probing.comparisons import Comparisons
from exporter.probing.ledger import Ledger
from exporter.probing.log_lines import log_outcome
from exporter.probing.observer import Observer, TraceObserver
from exporter.probing.probe import Probe
from exporter.state.commit_callbacks import Once

log = logging.getLogger(__name__)


class Flight:
    """One trip of a probe. `verdict` is its outcome from before a restart, which remains valid; a
    `recheck` follows a failure."""

    def __init__(
        self,
        probe: Probe,
        trip: str,
        run: Run,
        ledger: Ledger,
        observer: Observer,
        maintenance: Maintenance,
        comparisons: Comparisons | None = None,
        traces: TraceObserver | None = None,
        verdict: Outcome | None = None,
        *,
        recheck: bool = False,
    ) -> None:
        self._probe = probe
        self._trip = trip
        self._run = run
        self._ledger = ledger
        self._observer = observer
        self._maintenance = maintenance
        self._comparisons = comparisons
        self._traces = traces
        self._verdict = verdict
        self._recheck = recheck

    async def run(self, course: Callable[[], Awaitable[None]], timeout: float) -> Outcome:
        """Runs the whole trip within its deadline and the broad except. If cancelled, it ends
        without an outcome, and a restart continues it."""
        run, failure = self._run, None
        try:
            async with run.deadline(timeout):
                await course()
        except ProbeError as error:
            failure = run.failure(error)
            run.learn(error)
        except asyncio.CancelledError as error:
            if _is_meant_for_us():
                self._ledger.leave(self._trip)
                raise
            failure = self._bug(error)
        except Exception as error:
            failure = self._bug(error)
        outcome = self._outcome(failure)
        # After a failed deletion the message may be seen again, and must not be taken for a
        # duplicate then.
        self._conclude(outcome, arrived=failure is None or failure.phase is Phase.VERIFY)
        return outcome

    def _bug(self, error: BaseException) -> Failure:
        log.error(
            "trip %s of %s: a bug in mailtrip",
            self._trip,
            self._probe.key,
            exc_info=error,
            extra=about(self._trip, self._probe.key),
        )
        return self._run.failure(error)

    def _outcome(self, failure: Failure | None) -> Outcome:
        trip, probe, run = self._trip, self._probe.key, self._run
        outcome = self._verdict
        with contained(trip, probe):
            outcome = outcome or replace(run.outcome(trip, probe, failure), recheck=self._recheck)
            if self._probe.blocklists:
                outcome = with_since(outcome, self._probe.newest)
            outcome = self._probe.way.explained(outcome)
            planned = self._maintenance.lasts(self._probe.called, outcome.finished_at)
            traced = self._traces and self._traces.covers(success=outcome.success)
            trace = trace_id(trip).hex() if traced else None
            return replace(outcome, planned=bool(planned), trace_id=trace)
        return outcome or Outcome(
            trip, probe, run.started_at, run.now() - run.started, failure=failure
        )

    def _conclude(self, outcome: Outcome, *, arrived: bool) -> None:
        """Notifies every observer, even if one of them fails; logs the outcome when it is on
        disk."""
        probe, run = self._probe, self._run
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


def _is_meant_for_us() -> bool:
    """Whether the task of this trip itself was cancelled, not only an operation that it awaits."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
