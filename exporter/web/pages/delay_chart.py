"""A chart of the delays of a probe over time: with a logarithmic scale, and failures above it."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from statistics import median

from exporter.core.timing.durations import duration
from exporter.state.timeline import TimelineTrip
from exporter.web.pages.axis import Mark
from exporter.web.pages.time_zone import UTC_ZONE, TimeZone

FEWEST = 3  # trips that make a chart
LEAST = 1e-3  # seconds; shorter delays are drawn as this
TOP, BOTTOM = 30.0, 150.0  # of the scale, in pixels; failures are above it, times below
FAILURES = 12.0  # where they are
FEW_SECONDS = 600.0  # trips within this time are told apart by seconds
EDGE = 1.0  # per cent of the width, so that points at the edge can be seen whole


@dataclass(frozen=True, slots=True)
class Point:
    """A trip: `x` in per cent of the width, `y` in pixels from above."""

    x: float
    y: float


class DelayChart:
    """The chart of these trips; one of them may be marked."""

    def __init__(self, trips: Sequence[TimelineTrip], marked: str, zone: TimeZone) -> None:
        self._trips = sorted(trips, key=lambda one: one.started_at)
        self._delays = [one.delay for one in self._trips if one.success and one.delay is not None]
        self.start, self.end = self._trips[0].started_at, self._trips[-1].started_at
        self._low = floor(log10(max(min(self._delays, default=0.1), LEAST)))
        self._high = max(ceil(log10(max([*self._delays, LEAST]))), self._low + 1)
        self._marked = marked
        self._zone = zone

    @property
    def succeeded(self) -> list[Point]:
        """The trips whose delay is known."""
        return [
            Point(self._x(one), self._y(one.delay))
            for one in self._trips
            if one.success and one.delay is not None
        ]

    @property
    def failed(self) -> list[Point]:
        return [Point(self._x(one), FAILURES) for one in self._trips if not one.success]

    @property
    def marked(self) -> float | None:
        """Where the marked trip is."""
        return next((self._x(one) for one in self._trips if one.trip == self._marked), None)

    @property
    def scale(self) -> list[Mark]:
        """The powers of ten, each with its place in pixels from above."""
        powers = range(self._low, self._high + 1)
        return [Mark(_seconds(10.0**power), self._y(10.0**power)) for power in powers]

    @property
    def times(self) -> list[Mark]:
        """The times of the first trip, in the middle, and of the last one: each with its place in
        per cent."""
        length = self.end - self.start
        shown = slice(5, 16) if length > FEW_SECONDS else slice(11, 19)
        return [
            Mark(self._zone.bare(self.start + length * place)[shown], _inside(place))
            for place in (0.0, 0.5, 1.0)
        ]

    @property
    def title(self) -> str:
        return f"Delivery delays of {len(self._trips)} trips"

    @property
    def summary(self) -> str:
        """What the chart shows, in words."""
        period = f"{self._zone.text(self.start)} to {self._zone.text(self.end)}"
        return f"{period}; {self.finding}"

    @property
    def finding(self) -> str:
        """The same without the period."""
        failures = sum(not one.success for one in self._trips)
        words = [f"{failures} of {len(self._trips)} trips failed"]
        if self._delays:
            half, slowest = median(self._delays), max(self._delays)
            words.append(f"median delay {duration(half)}, largest {duration(slowest)}")
        return "; ".join(words)

    def _x(self, one: TimelineTrip) -> float:
        length = self.end - self.start
        return _inside((one.started_at - self.start) / length if length > 0 else 0.5)

    def _y(self, seconds: float) -> float:
        share = (log10(max(seconds, LEAST)) - self._low) / (self._high - self._low)
        return round(BOTTOM - (BOTTOM - TOP) * min(max(share, 0.0), 1.0), 1)


def delay_chart(
    trips: Sequence[TimelineTrip], marked: str = "", zone: TimeZone = UTC_ZONE
) -> DelayChart | None:
    """None for too few trips, or if none of them waited for a message to come back."""
    enough = len(trips) >= FEWEST and any(one.delay is not None for one in trips)
    return DelayChart(trips, marked, zone) if enough else None


def _inside(place: float) -> float:
    return round(EDGE + (100 - 2 * EDGE) * place, 2)


def _seconds(seconds: float) -> str:
    return f"{seconds * 1000:g} ms" if seconds < 0.1 else f"{seconds:g} s"
