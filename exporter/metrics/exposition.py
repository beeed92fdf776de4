"""Series as text for Prometheus; the only importer of prometheus_client."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric

from exporter.metrics.definitions import Definition
from exporter.metrics.series import Histogram, Labels, Series

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"  # which every Prometheus reads


class _Families:
    """Something that the library can render."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        yield from self._families


def text(series: Series) -> bytes:
    """The series of one probe, as `/probe` shows them."""
    return _render(_family(definition, [((), series)]) for definition in series.definitions.values())


def text_of_many(definitions: Iterable[Definition], many: Sequence[tuple[str, Series]]) -> bytes:
    """Some families of several probes, each with its name in the label `probe`."""
    named = [((name,), series) for name, series in many]
    return _render(_family(definition, named, "probe") for definition in definitions)


def process_text() -> bytes:
    """What the process says of itself."""
    return generate_latest(_PROCESS)


def _render(families: Iterable[Metric]) -> bytes:
    filled = [family for family in families if family.samples]
    return generate_latest(_Families(filled))


def _family(definition: Definition, many: Iterable[tuple[Labels, Series]], *more_labels: str) -> Metric:
    name, labels = definition.name, (*more_labels, *definition.labels)
    if definition.kind == "histogram":
        histograms = HistogramMetricFamily(name, definition.help, labels=labels)
        for prefix, series in many:
            for values, histogram in series.histograms.get(name, {}).items():
                histograms.add_metric([*prefix, *values], _cumulative(histogram), histogram.sum)
        return histograms
    kind = CounterMetricFamily if definition.kind == "counter" else GaugeMetricFamily
    numbers = kind(name, definition.help, labels=labels)
    for prefix, series in many:
        for values, number in series.numbers.get(name, {}).items():
            numbers.add_metric([*prefix, *values], number)
    return numbers


def _cumulative(histogram: Histogram) -> list[tuple[str, float]]:
    bounds = [*map(str, histogram.bounds), "+Inf"]
    return list(zip(bounds, map(float, accumulate(histogram.counts)), strict=True))


_PROCESS = CollectorRegistry()
ProcessCollector(registry=_PROCESS)
PlatformCollector(registry=_PROCESS)
