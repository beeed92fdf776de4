"""How far a trip has come, in one line that the terminal draws again while it runs."""

from rich.text import Text

from exporter.core.clock import Clock
from exporter.core.model import Span


class ProgressLine:
    """What is in progress, for how long the trip has been, and how long it may still be. Drawn at
    every refresh."""

    def __init__(self, clock: Clock, timeout: float) -> None:
        self._clock = clock
        self._timeout = timeout
        self._started = clock.monotonic()
        self._doing = ""
        self._limited = True

    def now(self, doing: str, *, limited: bool = True) -> "ProgressLine":
        """From now on this; without a limit if the trip may take as long as it takes."""
        self._doing, self._limited = doing, limited
        return self

    def began(self, span: Span) -> None:
        """A span begins now: that tells when the trip has begun."""
        self._started = self._clock.monotonic() - span.start

    def __rich__(self) -> Text:
        elapsed = self._clock.monotonic() - self._started
        left = f", {max(self._timeout - elapsed, 0.0):.0f} s left" if self._limited else ""
        return Text(f"{self._doing} …  {elapsed:.0f} s{left}", no_wrap=True, overflow="ellipsis")
