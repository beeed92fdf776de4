"""The journal of one trip, kept by the ledger."""

from dataclasses import dataclass

from exporter.core.model import Failure, Outcome, ProbeError, ProbeKey
from exporter.core.phases import Phase
from exporter.core.trace.run import Run
from exporter.probing.bugs import contained
from exporter.probing.ledger import Ledger


@dataclass(frozen=True, slots=True)
class TripJournal:
    """Saves, in the ledger, what a restart needs to know about one trip."""

    ledger: Ledger
    trip: str
    probe: ProbeKey
    earlier: Outcome | None = None  # the verdict from before a restart

    def accepted(self, run: Run) -> None:
        self.ledger.save_acceptance(self.trip, run)

    async def verdict(self, run: Run, judged: ProbeError | None) -> None:
        """The transcript of a good trip is not saved yet: its outcome follows soon."""
        with contained(self.trip, self.probe):
            failure = (
                Failure(
                    judged.phase or Phase.VERIFY,
                    None,
                    judged.reason,
                    judged.code,
                    "found before a restart",
                )
                if judged
                else None
            )
            outcome = self.earlier or run.outcome(
                self.trip, self.probe, failure, transcript=failure is not None
            )
            await self.ledger.save_verdict(outcome)
