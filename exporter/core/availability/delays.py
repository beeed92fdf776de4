"""How delays are counted: by bounds, as in a histogram of Prometheus."""

from collections.abc import Sequence
from math import inf, nan

BOUNDS = (0.1, 1.0, 4.0, 15.0, 60.0, 300.0, 900.0, 3600.0)
"""Upper bounds in seconds; docs/metrics.md has the reasons."""


def quantile(share: float, counts: Sequence[int]) -> float:
    """The delay that this share of messages did not exceed, in seconds; NaN without messages.

    `counts` are those up to each bound, the last one of those above all; not cumulative. Estimated
    as PromQL's histogram_quantile does, so that both say the same.
    """
    total, below = sum(counts), 0
    if not total:
        return nan
    rank = share * total
    for number, count in enumerate(counts):
        if count and below + count >= rank:
            if number == len(BOUNDS):
                return BOUNDS[-1]
            lower = BOUNDS[number - 1] if number else 0.0
            return lower + (BOUNDS[number] - lower) * max(rank - below, 0.0) / count
        below += count
    return inf
