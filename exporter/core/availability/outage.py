"""An outage of a probe: the time in which its trips fail."""

from dataclasses import dataclass, field

from exporter.core.model import ProbeKey
from exporter.core.phases import Leg
from exporter.core.reasons import Reason

MOST_REASONS = 10


@dataclass(frozen=True, slots=True)
class Outage:
    """From the start of the first failed trip to the start of the first that succeeded after it.
    Times in seconds since the epoch."""

    id: str  # the trip whose failure was known first: it stays when an earlier one becomes known
    probe: ProbeKey
    start: float
    last_start: float  # of the last failed trip
    end: float | None  # None while it lasts
    failures: int  # trips that failed
    first_trip: str
    last_trip: str
    leg: Leg | None  # to blame for the first failure; None if unknown
    reasons: tuple[str, ...]  # `phase/reason` in the order of the first trips with them
    planned_seconds: float  # that its trips ended in maintenance windows
    planned: bool  # all of its trips did

    @property
    def lasts(self) -> bool:
        return self.end is None

    def seconds(self, now: float) -> float:
        """How long it lasted, or has lasted by now."""
        return max((now if self.end is None else self.end) - self.start, 0.0)


def reason_of(word: str) -> Reason | None:
    """The reason in an outage's `phase/reason`; None if another version wrote one that we do not
    know."""
    return Reason.named(word.rpartition("/")[2])


@dataclass(frozen=True, slots=True)
class Standing:
    """How a probe stands after a trip, with all trips before it."""

    newest: bool = True  # no trip that started later has finished
    failures: int = 0  # trips that failed since the newest success
    outage_start: float | None = None  # of the outage that lasts, in seconds since the epoch
    # Outages that have ended, and their seconds: those that were not planned, and that were.
    ended: tuple[int, int] = (0, 0)
    seconds: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True, order=True)
class Result:
    """How a trip ended. Ordered by its start."""

    started: float  # monotonic, seconds
    known: int = field(compare=False)  # how many results were known before this one
    trip: str = field(compare=False)
    started_at: float = field(compare=False)  # seconds since the epoch
    failure: str = field(compare=False)  # `phase/reason`; empty after success
    leg: Leg | None = field(compare=False)
    planned: bool = field(compare=False)  # the trip ended in a maintenance window


@dataclass(frozen=True, slots=True)
class Unsettled:
    """What may still change, of the outages of a probe."""

    base: Outage | None = None  # of trips that are final, if it lasts
    base_known: int = -1  # the least `known` of its results
    results: tuple[Result, ...] = ()  # of trips that are not, sorted
