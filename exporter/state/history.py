"""How the newest trips of a probe ended, for a picture of many."""

from dataclasses import dataclass

from exporter.core.facts import Arrival
from exporter.core.model import Outcome

MOST_BEATS = 40  # that are remembered of a probe


@dataclass(frozen=True, slots=True)
class Beat:
    """One trip: for a message its delay, else how long it took, in seconds."""

    success: bool
    seconds: float


def beat_of(outcome: Outcome) -> Beat:
    delays = (
        fact.delay for fact in outcome.facts if isinstance(fact, Arrival) and fact.delay is not None
    )
    return Beat(outcome.success, next(delays, outcome.duration))
