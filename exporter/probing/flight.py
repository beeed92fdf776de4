"""Runs one trip: its deadline, the only broad except, and exactly one Outcome in any case."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

from exporter.core.logs import about
from exporter.core.model import Failure, Outcome, ProbeError
from exporter.core.phases import Phase
from exporter.core.trace.run import Run
from exporter.probing.bugs import contained
from exporter.probing.conclusions import Conclusions
from exporter.probing.ledger import Ledger
from exporter.probing.probe import Probe

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
        conclusions: Conclusions,
        verdict: Outcome | None = None,
        *,
        recheck: bool = False,
    ) -> None:
        self._probe = probe
        self._trip = trip
        self._run = run
        self._ledger = ledger
        self._conclusions = conclusions
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
        arrived = failure is None or failure.phase is Phase.VERIFY
        self._conclusions.finished(outcome, self._probe, run, arrived=arrived)
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
            if outcome and not outcome.transcript:  # that from before the restart is lost
                outcome = replace(outcome, transcript=run.transcript)
            outcome = outcome or replace(run.outcome(trip, probe, failure), recheck=self._recheck)
            return self._conclusions.completed(outcome, self._probe)
        return outcome or Outcome(
            trip, probe, run.started_at, run.now() - run.started, failure=failure
        )


def _is_meant_for_us() -> bool:
    """Whether the task of this trip itself was cancelled, not only an operation that it awaits."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
