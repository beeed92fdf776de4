"""Numbers by family and label values; as many as a probe needs, and no more, since there may be ten thousand probes."""

from bisect import bisect_left
from collections.abc import Iterable

from exporter.metrics.definitions import Definition

Labels = tuple[str, ...]


class Histogram:
    """Observations by bucket. `counts` are not cumulative; the last one is for what exceeds every bound."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value


class Series:
    """The values of some families. `changed` tells that something changed since it was last set to False."""

    def __init__(self, definitions: Iterable[Definition]) -> None:
        self.definitions = {definition.name: definition for definition in definitions}
        self.numbers: dict[str, dict[Labels, float]] = {}
        self.histograms: dict[str, dict[Labels, Histogram]] = {}
        self.changed = True
        for name, definition in self.definitions.items():
            if definition.kind == "histogram":
                self.histograms[name] = {labels: Histogram(definition.buckets) for labels in definition.start}
            else:
                self.numbers[name] = dict.fromkeys(definition.start, 0)

    def set(self, name: str, value: float, *labels: str) -> None:
        self.numbers[name][labels] = value
        self.changed = True

    def replace(self, name: str, values: dict[Labels, float]) -> None:
        """These are all the values that a gauge has from now on."""
        self.numbers[name] = dict(values)
        self.changed = True

    def add(self, name: str, amount: float, *labels: str) -> None:
        values = self.numbers[name]
        values[labels] = values.get(labels, 0) + amount
        self.changed = True

    def observe(self, name: str, value: float, *labels: str) -> None:
        histograms = self.histograms[name]
        if labels not in histograms:
            histograms[labels] = Histogram(self.definitions[name].buckets)
        histograms[labels].observe(value)
        self.changed = True
