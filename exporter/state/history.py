"""Results of the newest trips of a probe, for its sparkline."""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import copysign

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


class History:
    """The newest trips of a probe, the oldest first. Each takes 8 bytes, since there may be ten
    thousand probes: the sign is the result."""

    __slots__ = ("_signed",)

    def __init__(self, summaries: Iterable[TripSummary] = ()) -> None:
        self._signed = array("d")
        for one in summaries:
            self.append(one)

    def append(self, summary: TripSummary) -> None:
        self._signed.append(copysign(summary.seconds, 1.0 if summary.success else -1.0))
        del self._signed[:-HISTORY_LENGTH]

    def __iter__(self) -> Iterator[TripSummary]:
        return map(_summary, self._signed)

    @property
    def newest(self) -> TripSummary | None:
        return _summary(self._signed[-1]) if self._signed else None

    def __len__(self) -> int:
        return len(self._signed)


def _summary(signed: float) -> TripSummary:
    return TripSummary(copysign(1.0, signed) > 0, abs(signed))
