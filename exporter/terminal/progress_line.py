"""The progress of a trip, in one line that is redrawn while it runs."""

from rich.text import Text

from exporter.core.model import Span
from exporter.core.timing.clock import Clock


class ProgressLine:
    """Shows the current step, the elapsed time and the time left. Drawn at every refresh."""

    def __init__(self, clock: Clock, timeout: float) -> None:
        self._clock = clock
        self._timeout = timeout
        self._started = clock.monotonic()
        self._doing = ""
        self._limited = True

    def now(self, doing: str, *, limited: bool = True) -> "ProgressLine":
        """Sets the text, and the time limit if the trip has one."""
        self._doing, self._limited = doing, limited
        return self

    def began(self, span: Span) -> None:
        """Notes that a span begins now, which determines the start of the trip."""
        self._started = self._clock.monotonic() - span.start

    def __rich__(self) -> Text:
        elapsed = self._clock.monotonic() - self._started
        left = f", {max(self._timeout - elapsed, 0.0):.0f} s left" if self._limited else ""
        return Text(f"{self._doing} …  {elapsed:.0f} s{left}", no_wrap=True, overflow="ellipsis")
