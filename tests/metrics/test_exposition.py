"""The text for Prometheus, against what prometheus_client writes of the same values."""

from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from typing import Literal, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.core import (
    CounterMetricFamily,
    Exemplar,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from exporter.core.trace.identity import trace_id
from exporter.metrics.definitions import Definition
from exporter.metrics.exposition import Format, layout
from exporter.metrics.series import Histogram, Labels, Value

Kind = Literal["gauge", "counter", "histogram"]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
NUMBERS = st.one_of(
    st.floats(),
    st.integers(-(2**1000), 2**1000),
    st.sampled_from([0.0, -0.0, 1e6, 999_999.0, 1_234_567.0, 1e15, 1e16, 123_456.789, 1e-7, True]),
)
NAMES = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,20}", fullmatch=True)
LABELS = NAMES.filter(lambda name: name not in ("le", "probe") and not name.startswith("__"))
BOUNDS = st.lists(st.floats(1e-9, 1e12, allow_nan=False), max_size=5, unique=True)


class Families:
    """Values as prometheus_client takes them from a collector."""

    def __init__(self, *families: Metric) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        yield from self._families


WRITERS: dict[Format, Callable[[Families], bytes]] = {
    Format.TEXT: generate_latest,
    Format.OPENMETRICS: generate_openmetrics,
}


def family(
    definition: Definition, values: Iterable[tuple[Labels, Value]], probe: str | None
) -> Metric:
    name, prefix = definition.name, [] if probe is None else [probe]
    labels = [*(() if probe is None else ("probe",)), *definition.labels]
    if definition.kind == "histogram":
        histograms = HistogramMetricFamily(name, definition.help, labels=labels)
        for given, value in values:
            assert isinstance(value, Histogram)
            histograms.add_metric([*prefix, *given], buckets(value), value.sum)
        return histograms
    kind = CounterMetricFamily if definition.kind == "counter" else GaugeMetricFamily
    numbers = kind(name, definition.help, labels=labels)
    for given, value in values:
        assert isinstance(value, int | float)
        numbers.add_metric([*prefix, *given], value)
    return numbers


def buckets(histogram: Histogram) -> list[tuple[str, float] | tuple[str, float, Exemplar]]:
    bounds = [*map(str, histogram.bounds), "+Inf"]
    made: list[tuple[str, float] | tuple[str, float, Exemplar]] = []
    for place, (bound, count) in enumerate(zip(bounds, accumulate(histogram.counts), strict=True)):
        if place in histogram.exemplars:
            trip, value, at, traced = histogram.exemplars[place]
            trace = {"trace_id": trace_id(trip).hex()} if traced else {}
            made.append((bound, float(count), Exemplar(trace | {"trip_id": trip}, value, at)))
        else:
            made.append((bound, float(count)))
    return made


@st.composite
def definitions(draw: st.DrawFn) -> Definition:
    kind: Kind = draw(st.sampled_from(get_args(Kind)))
    name = draw(NAMES) + ("_total" if kind == "counter" else "")
    labels = draw(st.lists(LABELS, max_size=4, unique=True))
    bounds = sorted(draw(BOUNDS)) if kind == "histogram" else ()
    return Definition(name, kind, draw(TEXTS), tuple(labels), tuple(bounds))


@st.composite
def histograms(draw: st.DrawFn, bounds: tuple[float, ...]) -> Histogram:
    made = Histogram(bounds)
    observations = st.tuples(st.floats(), TEXTS, st.floats(0, 1e12), st.booleans())
    for value, trip, at, traced in draw(st.lists(observations, max_size=5)):
        made.observe(value, trip, at, traced=traced)
    return made


@given(data=st.data(), definition=definitions(), probe=st.none() | TEXTS)
@pytest.mark.parametrize("form", Format)
def test_whatever_the_values_are_each_byte_is_what_the_library_writes(
    form: Format, data: st.DataObject, definition: Definition, probe: str | None
) -> None:
    is_histogram = definition.kind == "histogram"
    numbers = histograms(definition.buckets) if is_histogram else NUMBERS
    labels = st.tuples(*[TEXTS for _ in definition.labels])
    values = list(data.draw(st.dictionaries(labels, numbers, max_size=5)).items())
    how = layout(definition, form, probe is not None)
    library = WRITERS[form](Families(family(definition, values, probe)))
    assert how.head + how.lines(values, probe) + form.end == library


@pytest.mark.parametrize("form", Format)
def test_of_equal_numbers_zero_keeps_its_sign(form: Format) -> None:
    definition = Definition("skew", "gauge", "help", ("hop",))
    text = layout(definition, form, False).lines([(("1",), 0.0), (("2",), -0.0)], None)
    assert text == b'skew{hop="1"} 0.0\nskew{hop="2"} -0.0\n'
