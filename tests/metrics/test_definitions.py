"""The table of all series: what Prometheus expects of names, types and labels."""

import re

import pytest

from exporter.metrics import definitions
from exporter.metrics.definitions import Definition

ALL = [
    one
    for value in vars(definitions).values()
    for one in (value if isinstance(value, tuple) else (value,))
    if isinstance(one, Definition)
]
EACH: list[Definition] = sorted(set[Definition](ALL), key=lambda one: one.name)


def test_there_is_a_series_once() -> None:
    by_name: dict[str, set[Definition]] = {}
    for one in ALL:
        by_name.setdefault(one.name, set()).add(one)
    assert len(by_name) > 50
    assert [name for name, found in by_name.items() if len(found) > 1] == []


@pytest.mark.parametrize("one", EACH, ids=lambda one: one.name)
def test_names_and_labels_are_as_usual(one: Definition) -> None:
    assert re.fullmatch(r"(mailtrip|probe)_[a-z0-9_]+", one.name)
    assert one.name.endswith("_total") is (one.kind == "counter")
    assert one.help
    assert not one.help.endswith(".")
    assert all(re.fullmatch("[a-z][a-z0-9_]*", label) for label in one.labels)
    assert len({*one.labels}) == len(one.labels)
    assert not {"le", "quantile", "job", "instance"} & {*one.labels}
    assert all(len(values) == len(one.labels) for values in one.start)


@pytest.mark.parametrize("one", EACH, ids=lambda one: one.name)
def test_a_histogram_has_buckets_and_a_unit(one: Definition) -> None:
    assert bool(one.buckets) is (one.kind == "histogram")
    assert list(one.buckets) == sorted({*one.buckets})
    assert one.kind != "histogram" or one.name.endswith(("_seconds", "_bytes"))
