"""Series as text for Prometheus; the only importer of prometheus_client."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from functools import cache
from itertools import accumulate

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    Exemplar,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from exporter.core.fairness import in_turns
from exporter.metrics.definitions import Definition
from exporter.metrics.series import Histogram, Labels, Series

PIECE = 200
"""Series that are written at a time: two or three milliseconds of work."""

PARTS = 5000  # of a text that are gathered at a time
LARGE = 2 << 20  # bytes; to copy more takes some milliseconds

Lines = Mapping[str, bytes]
"""What is written of some families, by name."""


class Format(Enum):
    """The exposition formats; the value is the content type."""

    TEXT = "text/plain; version=0.0.4; charset=utf-8"  # which every Prometheus reads
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"  # with exemplars

    @property
    def end(self) -> bytes:
        """The end marker of the text."""
        return b"# EOF\n" if self is Format.OPENMETRICS else b""


class _Families:
    """Adapts families for the library's renderer."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        yield from self._families


def pieces(
    definition: Definition, series: Series, form: Format, probe: str | None = None
) -> Iterator[bytes]:
    """The lines of one family, in pieces; with the label `probe` if that is not empty."""
    lines_of_one = len(definition.buckets) + 3 if definition.kind == "histogram" else 1
    many = list(series.of(definition.name).items())
    step = max(PIECE // lines_of_one, 1)
    for start in range(0, len(many), step):
        text = _rendered([_family(definition, many[start : start + step], probe)], form)
        yield text.removeprefix(_head(definition, form))


def page(definitions: Iterable[Definition], many: Sequence[Lines], form: Format) -> Iterator[bytes]:
    """The whole page in parts: each family under its header. Families without series are left
    out."""
    for definition in definitions:
        lines = [one[definition.name] for one in many if definition.name in one]
        if lines:
            yield _head(definition, form)
            yield from lines


def process_page(form: Format) -> bytes:
    """The series of the process."""
    return _rendered(_PROCESS.collect(), form)


@cache
def _head(definition: Definition, form: Format) -> bytes:
    return _rendered([_family(definition, (), None)], form)


def _rendered(families: Iterable[Metric], form: Format) -> bytes:
    """The output of the library, without the end marker."""
    if form is Format.OPENMETRICS:
        text: str | bytes = generate_openmetrics(_Families(families))  # type: ignore[no-untyped-call]
        return (text if isinstance(text, bytes) else text.encode()).removesuffix(form.end)
    return generate_latest(_Families(families))


def _family(
    definition: Definition, many: Iterable[tuple[Labels, float | Histogram]], probe: str | None
) -> Metric:
    name, prefix = definition.name, [] if probe is None else [probe]
    labels = [*(() if probe is None else ("probe",)), *definition.labels]
    if definition.kind == "histogram":
        histograms = HistogramMetricFamily(name, definition.help, labels=labels)
        for values, value in many:
            assert isinstance(value, Histogram)  # noqa: S101 - so says its definition
            histograms.add_metric([*prefix, *values], _cumulative(value), value.sum)
        return histograms
    kind = CounterMetricFamily if definition.kind == "counter" else GaugeMetricFamily
    numbers = kind(name, definition.help, labels=labels)
    for values, value in many:
        assert isinstance(value, int | float)  # noqa: S101
        numbers.add_metric([*prefix, *values], value)
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


async def joined(pieces: Iterable[bytes]) -> bytes:
    """Joins large texts in a thread: Python releases the GIL when it joins 1 MiB or more."""
    parts = [piece async for piece in in_turns(pieces, PARTS)]
    large = sum(map(len, parts)) > LARGE
    return await asyncio.to_thread(b"".join, parts) if large else b"".join(parts)
