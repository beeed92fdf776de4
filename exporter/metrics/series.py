"""Values by family and label values; compact, since there may be ten thousand probes."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping

from exporter.metrics.definitions import Definition

Labels = tuple[str, ...]
Exemplar = tuple[str, float, float]
"""A trip that an observation is of: its name, the value, and when it was made, in seconds since the
epoch."""


class Histogram:
    """Observations by bucket. `counts` are not cumulative; the last one is for observations above
    every bound."""

    __slots__ = ("bounds", "counts", "exemplars", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0
        self.exemplars: dict[int, Exemplar] = {}  # the newest of each bucket

    def observe(self, value: float, trip: str = "", at: float = 0.0) -> None:
        bucket = bisect_left(self.bounds, value)
        self.counts[bucket] += 1
        self.sum += value
        if trip:
            self.exemplars[bucket] = trip, value, at

    def copy(self) -> "Histogram":
        made = Histogram(self.bounds)
        made.counts, made.sum, made.exemplars = [*self.counts], self.sum, dict(self.exemplars)
        return made


class Series:
    """The values of some families. `version` differs after each change."""

    def __init__(self, definitions: Iterable[Definition]) -> None:
        self.definitions = {definition.name: definition for definition in definitions}
        self.numbers: dict[str, dict[Labels, float]] = {}
        self.histograms: dict[str, dict[Labels, Histogram]] = {}
        self.version = 0
        for name, definition in self.definitions.items():
            if definition.kind == "histogram":
                self.histograms[name] = {
                    labels: Histogram(definition.buckets) for labels in definition.start
                }
            else:
                self.numbers[name] = dict.fromkeys(definition.start, 0)

    def of(self, name: str) -> Mapping[Labels, float | Histogram]:
        """The values of one family."""
        return self.histograms[name] if name in self.histograms else self.numbers[name]

    def copy(self) -> "Series":
        """A snapshot."""
        made = Series(())
        made.definitions = self.definitions
        made.numbers = {name: dict(values) for name, values in self.numbers.items()}
        made.histograms = {
            name: {labels: histogram.copy() for labels, histogram in values.items()}
            for name, values in self.histograms.items()
        }
        return made

    def set(self, name: str, value: float, *labels: str) -> None:
        self.numbers[name][labels] = value
        self.version += 1

    def replace(self, name: str, values: dict[Labels, float]) -> None:
        """Replaces all values of a gauge."""
        self.numbers[name] = dict(values)
        self.version += 1

    def add(self, name: str, amount: float, *labels: str) -> None:
        values = self.numbers[name]
        values[labels] = values.get(labels, 0) + amount
        self.version += 1

    def observe(
        self, name: str, value: float, *labels: str, trip: str = "", at: float = 0.0
    ) -> None:
        """`trip` becomes its exemplar, with the time `at`, in seconds since the epoch."""
        histograms = self.histograms[name]
        if labels not in histograms:
            histograms[labels] = Histogram(self.definitions[name].buckets)
        histograms[labels].observe(value, trip, at)
        self.version += 1
