"""A sparkline: the newest trips of a probe as bars, the oldest left. Bars of OK trips rise from a
base line, failed ones hang below it, so that their form tells them apart too. Sizes in units of the
drawing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

from exporter.state.history import TripSummary

ABOVE, BELOW = 14.0, 6.0  # of the base line
STEP, THICK = 4.0, 3.0
LEAST = 2.0  # of a bar, so that it can be seen


@dataclass(frozen=True, slots=True)
class Bar:
    """One trip."""

    x: float
    height: float  # above the base line; negative if it failed


@dataclass(frozen=True, slots=True)
class Sparkline:
    """The bars, and a text alternative."""

    bars: tuple[Bar, ...]
    width: float
    label: str

    height = ABOVE + BELOW

    @property
    def succeeded(self) -> str:
        """The bars of successful trips, as one path of SVG: a tenth of the bytes of as many
        rectangles."""
        return _path((bar for bar in self.bars if bar.height > 0), THICK)

    @property
    def failed(self) -> str:
        """The bars of failed trips, as one path of SVG: side by side they are one block."""
        return _path((bar for bar in self.bars if bar.height < 0), STEP)

    @property
    def base(self) -> str:
        """The base line."""
        return f"M0 {ABOVE:g}h{self.width:g}"


def sparkline(history: Sequence[TripSummary]) -> Sparkline | None:
    """The sparkline; None for a single trip."""
    if len(history) < 2:
        return None
    slowest = max((summary.seconds for summary in history if summary.success), default=0.0)
    bars = tuple(Bar(place * STEP, _height(one, slowest)) for place, one in enumerate(history))
    failed = sum(not summary.success for summary in history)
    words = "all" if failed == len(bars) else f"{failed}" if failed else "none"
    label = f"the newest {len(bars)} trips: {words} failed"
    if failed < len(bars):
        label += f", slowest successful trip {slowest:.2f} s"
    return Sparkline(bars, len(bars) * STEP, label)


def _height(summary: TripSummary, slowest: float) -> float:
    """Its square root shows usual trips beside one that took much longer, such as the first."""
    if not summary.success:
        return -BELOW
    share = sqrt(summary.seconds / slowest) if slowest else 0.0
    return round(max(LEAST, ABOVE * share), 1)


def _path(bars: Iterable[Bar], width: float) -> str:
    """The outlines, each drawn from the base line."""
    return "".join(f"M{bar.x:g} {ABOVE:g}v{-bar.height:g}h{width:g}V{ABOVE:g}z" for bar in bars)
