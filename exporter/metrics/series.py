"""Values by family and label values; compact, since there may be ten thousand probes."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from functools import cache

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


Value = float | Histogram


class Series:
    """The values of some families."""

    def __init__(self, definitions: Iterable[Definition]) -> None:
        self.definitions = _by_name(tuple(definitions))
        self.numbers: dict[str, dict[Labels, float]] = {}
        self.histograms: dict[str, dict[Labels, Histogram]] = {}
        self._version = 0
        self._versions: dict[str, int] = {}  # after the newest change of a family
        for name, definition in self.definitions.items():
            if definition.kind == "histogram":
                self.histograms[name] = {
                    labels: Histogram(definition.buckets) for labels in definition.start
                }
            else:
                self.numbers[name] = dict.fromkeys(definition.start, 0)

    @property
    def version(self) -> int:
        """Differs after each change."""
        return self._version

    def changes(self, version: int) -> list[tuple[Definition, list[tuple[Labels, Value]]]]:
        """A snapshot of the families that have changed since that version."""
        return [
            (definition, self._snapshot(name))
            for name, definition in self.definitions.items()
            if self._versions.get(name, 0) > version
        ]

    def _snapshot(self, name: str) -> list[tuple[Labels, Value]]:
        if name in self.numbers:
            return [*self.numbers[name].items()]
        return [(labels, one.copy()) for labels, one in self.histograms[name].items()]

    def set(self, name: str, value: float, *labels: str) -> None:
        self.numbers[name][labels] = value
        self._changed(name)

    def replace(self, name: str, values: dict[Labels, float]) -> None:
        """Replaces all values of a gauge."""
        if values != self.numbers[name]:
            self.numbers[name] = dict(values)
            self._changed(name)

    def add(self, name: str, amount: float, *labels: str) -> None:
        values = self.numbers[name]
        values[labels] = values.get(labels, 0) + amount
        self._changed(name)

    def observe(
        self, name: str, value: float, *labels: str, trip: str = "", at: float = 0.0
    ) -> None:
        """`trip` becomes its exemplar, with the time `at`, in seconds since the epoch."""
        histograms = self.histograms[name]
        if labels not in histograms:
            histograms[labels] = Histogram(self.definitions[name].buckets)
        histograms[labels].observe(value, trip, at)
        self._changed(name)

    def _changed(self, name: str) -> None:
        """Notes a change, for the texts of this family."""
        self._version += 1
        self._versions[name] = self._version


@cache
def _by_name(definitions: tuple[Definition, ...]) -> Mapping[str, Definition]:
    """One for all probes of a kind."""
    return {definition.name: definition for definition in definitions}
