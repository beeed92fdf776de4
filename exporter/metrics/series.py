"""Values by family and label values; compact, since there may be ten thousand probes."""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache

from exporter.metrics.definitions import Definition

Labels = tuple[str, ...]
Exemplar = tuple[str, float, float, bool]
"""A trip that an observation is of: its name, the value, when it was made, in seconds since the
epoch, and whether it is sent as a trace."""
Foreseen = Mapping[str, tuple[Labels, ...]]
"""Label values that exist before anything was counted, by family."""

_NO_EXEMPLARS: Mapping[int, Exemplar] = {}


class Histogram:
    """Observations by bucket. `counts` are not cumulative; the last one is for observations above
    every bound."""

    __slots__ = ("bounds", "counts", "exemplars", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = (0,) * (len(bounds) + 1)
        self.sum = 0.0
        self.exemplars = _NO_EXEMPLARS  # the newest of each bucket

    def observe(
        self, value: float, trip: str = "", at: float = 0.0, *, traced: bool = False
    ) -> None:
        bucket = bisect_left(self.bounds, value)
        self.counts = (*self.counts[:bucket], self.counts[bucket] + 1, *self.counts[bucket + 1 :])
        self.sum += value
        if trip:
            self.exemplars = {**self.exemplars, bucket: (trip, value, at, traced)}

    def copy(self) -> "Histogram":
        made = Histogram(self.bounds)
        made.counts, made.sum, made.exemplars = self.counts, self.sum, self.exemplars
        return made


Value = float | Histogram
_NO_HISTOGRAMS: Mapping[str, dict[Labels, Histogram]] = {}


class Series:
    """The values of some families. Those that are foreseen are at 0, and take no memory, until they
    have counted something."""

    __slots__ = (
        "_foreseen",
        "_histograms",
        "_numbers",
        "_places",
        "_plain",
        "_version",
        "_versions",
        "definitions",
    )

    def __init__(self, definitions: Iterable[Definition]) -> None:
        self.definitions, self._places, self._foreseen = _tables(tuple(definitions))
        self._plain: dict[str, float] = {}  # of families without labels
        self._numbers: dict[str, dict[Labels, float]] = {}  # of those with labels
        self._histograms = _NO_HISTOGRAMS
        self._version = 0
        # After the newest change of each family.
        self._versions = array("Q", bytes(8 * len(self.definitions)))

    @property
    def version(self) -> int:
        """Differs after each change."""
        return self._version

    def changes(self, version: int) -> list[tuple[Definition, list[tuple[Labels, Value]]]]:
        """A snapshot of the families that have changed since that version."""
        return [
            (definition, self._snapshot(definition))
            for definition, changed in zip(self.definitions.values(), self._versions, strict=True)
            if changed > version
        ]

    def _snapshot(self, definition: Definition) -> list[tuple[Labels, Value]]:
        if definition.kind != "histogram":
            return [*self.numbers(definition.name).items()]
        foreseen = self._foreseen.get(definition.name, ())
        shown = {labels: Histogram(definition.buckets) for labels in foreseen}
        observed = self._histograms.get(definition.name, {})
        return [*(shown | {labels: one.copy() for labels, one in observed.items()}).items()]

    def numbers(self, name: str) -> dict[Labels, float]:
        """The values of a gauge or counter."""
        values = dict.fromkeys(self._foreseen.get(name, ()), 0.0)
        if name in self._plain:
            values[()] = self._plain[name]
        return values | self._numbers.get(name, {})

    def foresee(self, foreseen: Foreseen) -> None:
        """Makes series exist, at 0, instead of those that were foreseen before."""
        for name in self.definitions:
            if foreseen.get(name, ()) != self._foreseen.get(name, ()):
                self._changed(name)
        self._foreseen = foreseen

    def leave_out(self, name: str, gone: Callable[[Labels], bool] = lambda _: True) -> None:
        """Removes values of a family, whatever they are."""
        if name in self._plain and gone(()):
            del self._plain[name]
            self._changed(name)
        for values in (self._numbers.get(name, {}), self._histograms.get(name, {})):
            for labels in [labels for labels in values if gone(labels)]:
                del values[labels]
                self._changed(name)

    def set(self, name: str, value: float, *labels: str) -> None:
        if labels:
            self._numbers.setdefault(name, {})[_shared(labels)] = value
        else:
            self._plain[name] = value
        self._changed(name)

    def update(self, name: str, value: float, *labels: str) -> None:
        """Sets a value if it differs: one that is foreseen at 0 stays without memory of its own."""
        if value != self._value(name, labels):
            self.set(name, value, *labels)

    def ensure(self, name: str, value: float | None = None, *labels: str) -> None:
        """Sets a value if it differs or does not exist yet; None stands for 0, or for the value
        that it has."""
        known = self._numbers.get(name, {}).get(labels) if labels else self._plain.get(name)
        if known is None or (value is not None and known != value):
            self.set(name, value or 0.0, *labels)

    def replace(self, name: str, values: dict[Labels, float]) -> None:
        """Replaces all values of a gauge with labels."""
        if values != self._numbers.get(name, {}):
            self._numbers.pop(name, None)
            for labels, value in values.items():
                self.set(name, value, *labels)
            self._changed(name)

    def add(self, name: str, amount: float, *labels: str) -> None:
        self.set(name, self._value(name, labels) + amount, *labels)

    def _value(self, name: str, labels: Labels) -> float:
        return self._numbers.get(name, {}).get(labels, 0) if labels else self._plain.get(name, 0)

    def observe(
        self,
        name: str,
        value: float,
        *labels: str,
        trip: str = "",
        at: float = 0.0,
        traced: bool = False,
    ) -> None:
        """`trip` becomes its exemplar, with the time `at`, in seconds since the epoch, and with its
        trace if it is `traced`."""
        if name not in self._histograms:
            self._histograms = {**self._histograms, name: {}}
        histograms = self._histograms[name]
        if labels not in histograms:
            histograms[_shared(labels)] = Histogram(self.definitions[name].buckets)
        histograms[labels].observe(value, trip, at, traced=traced)
        self._changed(name)

    def _changed(self, name: str) -> None:
        """Notes a change, for the texts of this family."""
        self._version += 1
        self._versions[self._places[name]] = self._version


@cache
def _tables(
    definitions: tuple[Definition, ...],
) -> tuple[Mapping[str, Definition], Mapping[str, int], Foreseen]:
    """The definitions and their places by name, and what exists from the start; the same ones for
    all probes of a kind."""
    by_name = {definition.name: definition for definition in definitions}
    places = {name: place for place, name in enumerate(by_name)}
    return by_name, places, {name: one.start for name, one in by_name.items() if one.start}


@lru_cache(maxsize=1000)
def _shared(labels: Labels) -> Labels:
    """Values of labels, which thousands of probes share. A plain string is nothing for the garbage
    collector to look at, but a member of an enumeration is."""
    return tuple(map(str, labels))
