"""Results of the newest trips of a probe, for its sparkline."""

from dataclasses import dataclass

from exporter.core.facts import Arrival
from exporter.core.model import Outcome

HISTORY_LENGTH = 40  # that are remembered of a probe


@dataclass(frozen=True, slots=True)
class TripSummary:
    """One trip: the delay of its message, otherwise its duration, in seconds."""

    success: bool
    seconds: float


def summary_of(outcome: Outcome) -> TripSummary:
    delays = (
        fact.delay for fact in outcome.facts if isinstance(fact, Arrival) and fact.delay is not None
    )
    return TripSummary(outcome.success, next(delays, outcome.duration))
