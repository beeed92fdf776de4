"""Series as text for Prometheus; the only importer of prometheus_client."""

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from itertools import accumulate

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, Exemplar, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from exporter.metrics.definitions import Definition
from exporter.metrics.series import Histogram, Labels, Series

Families = list[Metric]


class Format(Enum):
    """How series are written; the value is the content type."""

    TEXT = "text/plain; version=0.0.4; charset=utf-8"  # which every Prometheus reads
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"  # with exemplars


class _Families:
    """Something that the library can render."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        yield from self._families


def families(series: Series) -> Families:
    """Those of one probe, as `/probe` shows them."""
    return [_family(definition, [((), series)]) for definition in series.definitions.values()]


def families_of_many(definitions: Iterable[Definition], many: Sequence[tuple[str, Series]]) -> Families:
    """Those of several probes, each with its name in the label `probe`."""
    named = [((name,), series) for name, series in many]
    return [_family(definition, named, "probe") for definition in definitions]


def process_families() -> Families:
    """What the process says of itself."""
    return list(_PROCESS.collect())


def render(families: Families, form: Format) -> bytes:
    """As text. Families without series are left out."""
    filled = _Families([family for family in families if family.samples])
    if form is Format.OPENMETRICS:
        text: str | bytes = generate_openmetrics(filled)  # type: ignore[no-untyped-call]
        return text if isinstance(text, bytes) else text.encode()
    return generate_latest(filled)


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


def _cumulative(histogram: Histogram) -> list[tuple[str, float] | tuple[str, float, Exemplar]]:
    bounds = [*map(str, histogram.bounds), "+Inf"]
    buckets: list[tuple[str, float] | tuple[str, float, Exemplar]] = []
    for place, (bound, count) in enumerate(zip(bounds, accumulate(histogram.counts), strict=True)):
        if place in histogram.exemplars:
            trip, value, at = histogram.exemplars[place]
            buckets.append((bound, float(count), Exemplar({"trip_id": trip}, value, at)))
        else:
            buckets.append((bound, float(count)))
    return buckets


_PROCESS = CollectorRegistry()
ProcessCollector(registry=_PROCESS)
PlatformCollector(registry=_PROCESS)
