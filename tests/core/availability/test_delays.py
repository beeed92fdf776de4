"""Quantiles of delays."""

import math

import pytest

from exporter.core.availability.delays import BOUNDS, quantile


def counts(**by_bound: int) -> list[int]:
    """`_15=3` are three messages up to 15 s and above the bound before."""
    made = [0] * (len(BOUNDS) + 1)
    for bound, number in by_bound.items():
        made[BOUNDS.index(float(bound[1:])) if bound != "more" else -1] = number
    return made


@pytest.mark.parametrize(
    ("share", "made", "expected"),
    [
        (0.5, counts(_1=10), 0.1 + 0.9 * 0.5),
        (0.5, counts(_1=5, _15=5), 1.0),
        (0.9, counts(_1=5, _15=5), 4 + 11 * 0.8),
        (1.0, counts(_1=5, _15=5), 15.0),
        (0.99, counts(_1=1, more=99), 3600.0),  # as PromQL: the largest bound
    ],
)
def test_a_quantile_is_estimated_as_promql_does(
    share: float, made: list[int], expected: float
) -> None:
    assert quantile(share, made) == pytest.approx(expected)


def test_without_messages_there_is_none() -> None:
    assert math.isnan(quantile(0.5, counts()))
