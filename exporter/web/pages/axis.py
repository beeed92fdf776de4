"""Round numbers beside a drawing."""

from dataclasses import dataclass
from itertools import takewhile

from exporter.core.timing.durations import in_units

MOST = 4  # marks on an axis, beside that at 0
_STEPS = (
    *(factor * 10.0**power for power in range(-5, 1) for factor in (1, 2, 5)),
    *(10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0),
    *(hours * 3600.0 for hours in (1, 2, 4, 8, 12, 24, 48)),
)
"""Seconds between two marks."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A round number on an axis, and its place, from 0 to 1."""

    text: str
    place: float


def marks(seconds: float) -> list[Mark]:
    """The marks on an axis from 0 to that time."""
    if seconds <= 0:
        return [Mark("0", 0.0)]
    step = next((one for one in _STEPS if seconds / one < MOST + 1), seconds)
    times = takewhile(lambda time: time <= seconds, (step * number for number in range(MOST + 1)))
    return [Mark(round_time(time), time / seconds) for time in times]


def round_time(seconds: float) -> str:
    """A time that is a round number, without more digits than it has."""
    if seconds >= 60:
        return in_units(seconds)
    if 0 < seconds < 0.1:
        return f"{seconds * 1000:.3g} ms"
    return f"{seconds:.3g} s" if seconds else "0"
