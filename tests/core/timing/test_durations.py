"""Durations, as people read them."""

import pytest

from exporter.core.timing.durations import duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 s"),
        (0.0123, "12.3 ms"),
        (0.0999, "0.10 s"),
        (1.5, "1.50 s"),
        (44.06, "44.1 s"),
        (99.6, "1 min 40 s"),
        (600, "10 min"),
        (7260, "2 h 1 min"),
        (90000, "1 d 1 h"),
    ],
)
def test_durations_read_well(seconds: float, text: str) -> None:
    assert duration(seconds) == text
