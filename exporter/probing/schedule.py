"""When the trips of a probe start."""

from dataclasses import dataclass, field
from math import inf

from exporter.core.timing.wake import Wake
from exporter.probing.rechecks import RecheckSlots

# of the interval: a scrape that comes a little early still starts the trip that it is meant to
# start
SLACK = 0.05
MOST_SLACK = 0.5  # seconds


@dataclass(slots=True)
class Schedule:
    """The intervals of a probe, and the starts of its trips. Times in seconds, moments
    monotonic."""

    interval: float
    interval_after_failure: float = inf  # while the newest trip is a failure, if it is shorter
    gap: float = 1.0  # between the starts of two trips, at least, also by hand
    slots: RecheckSlots = field(default_factory=RecheckSlots)
    last_start: float = -inf
    last_regular: float = -inf  # start of its newest trip that is not a recheck
    requested: bool = False  # a trip by hand, which has not started yet
    changed: Wake = field(default_factory=Wake)  # rung when another interval applies
    is_failing: bool = False  # the newest trip failed, and not because of ourselves
    _recheck: tuple[float, float] = (-inf, inf)  # of the trip that started then: when it follows

    def configure(self, other: "Schedule") -> None:
        """Takes the intervals of another schedule, and continues."""
        self.interval, self.gap = other.interval, other.gap
        self.interval_after_failure = other.interval_after_failure

    def judge(self, *, failing: bool) -> None:
        """Notes whether the newest trip of the probe failed."""
        if self.is_failing != failing:
            self.is_failing = failing
            self.changed.ring()

    def start(self, now: float) -> bool:
        """Notes that a trip starts now. Returns whether it is a recheck."""
        recheck, self.requested = self.is_recheck(now), False
        self.last_start = now
        if not recheck:
            self.last_regular = now
        return recheck

    def resume(self, started: float) -> None:
        """Continues after a trip that started then, unless a newer one is known."""
        self.last_start = max(self.last_start, started)

    @property
    def following(self) -> float:
        """An interval after the last start: when the next trip is due if that one did not fail."""
        return self.last_start + self.interval

    @property
    def due_at(self) -> float:
        """When the next trip is due."""
        return min(self.following, self.recheck_at())

    @property
    def next_start(self) -> float:
        """The earliest start of the next trip."""
        return self.due_at - self._slack

    def recheck_at(self) -> float:
        """When a trip follows the last one because that failed; infinite otherwise."""
        start, interval = self.last_start, self.interval_after_failure
        if not self.is_failing or interval >= self.interval:
            return inf
        if self._recheck[0] != start:
            self._recheck = start, self.slots.take(start + interval, start + self.interval)
        return self._recheck[1]

    def is_recheck(self, now: float) -> bool:
        """Whether a trip that starts now follows a failure before the interval is over."""
        return self.is_failing and now < self.last_regular + self.interval - self._slack

    @property
    def _slack(self) -> float:
        return min(self.interval * SLACK, MOST_SLACK)

    def request(self, now: float, *, busy: bool) -> bool:
        """Asks for a trip by hand. Returns whether one may start: the probe is not `busy` with
        another one, and the last one did not start within the gap."""
        self.requested = not busy and now >= self.last_start + self.gap
        return self.requested

    def due(self, now: float) -> bool:
        return now >= self.next_start or (self.requested and now >= self.last_start + self.gap)
