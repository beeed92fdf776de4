"""The axis of a drawing has a few round numbers."""

import pytest

from exporter.web.pages.axis import MOST, marks, round_time


@pytest.mark.parametrize(
    ("seconds", "texts"),
    [
        (1.77, ["0", "0.5 s", "1 s", "1.5 s"]),
        (0.45, ["0", "0.1 s", "0.2 s", "0.3 s", "0.4 s"]),
        (0.03, ["0", "10 ms", "20 ms", "30 ms"]),
        (60.0, ["0", "20 s", "40 s", "1 min"]),
        (600.0, ["0", "5 min", "10 min"]),
        (7500.0, ["0", "30 min", "1 h", "1 h 30 min", "2 h"]),
        (0.0, ["0"]),
        (1e9, ["0", "11574 d 1 h"]),
    ],
)
def test_marks_are_round(seconds: float, texts: list[str]) -> None:
    assert [mark.text for mark in marks(seconds)] == texts


@pytest.mark.parametrize("power", range(-7, 9))
def test_marks_are_few_and_on_the_axis(power: int) -> None:
    for factor in range(1, 100):
        seconds = factor / 10 * 10.0**power
        found = marks(seconds)
        assert 1 <= len(found) <= MOST + 1
        assert all(0 <= mark.place <= 1 for mark in found)


def test_a_round_time_has_no_more_digits_than_it_needs() -> None:
    assert [round_time(one) for one in (0.0, 0.002, 0.5, 2.0, 90.0)] == [
        "0",
        "2 ms",
        "0.5 s",
        "2 s",
        "1 min 30 s",
    ]
