"""A sparkline: the newest trips of a probe as bars, the oldest left. Sizes in units of the
drawing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from exporter.state.history import TripSummary

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
class Sparkline:
    """The bars, and a text alternative."""

    bars: tuple[Bar, ...]
    width: float
    label: str

    @property
    def succeeded(self) -> str:
        """The bars of successful trips, as one path of SVG: a tenth of the bytes of as many
        rectangles."""
        return _path(bar for bar in self.bars if not bar.failed)

    @property
    def failed(self) -> str:
        """The bars of failed trips, as one path of SVG."""
        return _path(bar for bar in self.bars if bar.failed)


def sparkline(history: Sequence[TripSummary]) -> Sparkline | None:
    """The sparkline; None for a single trip."""
    if len(history) < 2:
        return None
    slowest = max((summary.seconds for summary in history if summary.success), default=0.0)
    bars = tuple(_bar(place * STEP, summary, slowest) for place, summary in enumerate(history))
    failed = sum(not summary.success for summary in history)
    label = (
        f"the newest {len(bars)} trips: {failed} failed, slowest successful trip {slowest:.2f} s"
    )
    return Sparkline(bars, len(bars) * STEP, label)


def _bar(x: float, summary: TripSummary, slowest: float) -> Bar:
    height = (
        HEIGHT
        if not summary.success or not slowest
        else max(LEAST, HEIGHT * summary.seconds / slowest)
    )
    return Bar(x, round(HEIGHT - height, 1), round(height, 1), not summary.success)


def _path(bars: Iterable[Bar]) -> str:
    """The outlines, each drawn upwards from the base line."""
    return "".join(f"M{bar.x:g} {HEIGHT:g}v-{bar.height:g}h{THICK:g}V{HEIGHT:g}z" for bar in bars)
