"""A sparkline: the newest trips of a probe as bars, the oldest left. Heights and places in the
units of the drawing."""

from collections.abc import Sequence
from dataclasses import dataclass

from exporter.state.history import Beat

HEIGHT, STEP, THICK = 20.0, 4.0, 3.0
LEAST = 2.0  # of a bar, so that it can be seen


@dataclass(frozen=True, slots=True)
class Bar:
    """One trip."""

    x: float
    y: float
    height: float
    failed: bool


@dataclass(frozen=True, slots=True)
class Spark:
    """The bars, and what they say in words, for who cannot see them."""

    bars: tuple[Bar, ...]
    width: float
    label: str


def spark(history: Sequence[Beat]) -> Spark | None:
    """Nothing is drawn of a single trip."""
    if len(history) < 2:
        return None
    slowest = max((beat.seconds for beat in history if beat.success), default=0.0)
    bars = tuple(_bar(place * STEP, beat, slowest) for place, beat in enumerate(history))
    failed = sum(not beat.success for beat in history)
    label = (
        f"the newest {len(bars)} trips: {failed} failed, slowest successful trip {slowest:.2f} s"
    )
    return Spark(bars, len(bars) * STEP, label)


def _bar(x: float, beat: Beat, slowest: float) -> Bar:
    height = (
        HEIGHT if not beat.success or not slowest else max(LEAST, HEIGHT * beat.seconds / slowest)
    )
    return Bar(x, round(HEIGHT - height, 1), round(height, 1), not beat.success)
