"""Values by family and label values: what they take, since there may be ten thousand probes."""

import gc
from collections.abc import Callable
from dataclasses import replace

import pytest

from exporter.core.model import ProbeKey
from exporter.metrics.metrics import Metrics
from tests.metrics.test_outcome import SUCCESS
from tests.support.scopes import SUBMISSION

PROBES = 100


def many() -> tuple[Metrics, list[ProbeKey]]:
    made = Metrics()
    keys = [ProbeKey("submission", f"{number}@example.org") for number in range(PROBES)]
    return made, keys


def objects_of_each(work: Callable[[], None]) -> float:
    """The objects that this leaves for the garbage collector to look at, for each probe."""
    gc.collect()
    before = len(gc.get_objects())
    work()
    gc.collect()
    return (len(gc.get_objects()) - before) / PROBES


@pytest.fixture(autouse=True)
def nothing_else_is_counted() -> None:
    """What is made once, for all probes."""
    made, keys = many()
    made.known(keys[0], "first", SUBMISSION)
    made.started(keys[0])
    made.finished(replace(SUCCESS, probe=keys[0]))


def test_a_probe_without_a_trip_has_its_series_and_takes_almost_nothing() -> None:
    made, keys = many()

    def known() -> None:
        for key in keys:
            made.known(key, key.target, SUBMISSION)

    assert objects_of_each(known) < 5


def test_series_of_a_probe_that_has_made_trips_are_few_objects() -> None:
    made, keys = many()
    for key in keys:
        made.known(key, key.target, SUBMISSION)

    def finished() -> None:
        for key in keys:
            made.started(key)
            made.finished(replace(SUCCESS, probe=key))

    assert objects_of_each(finished) < 30
