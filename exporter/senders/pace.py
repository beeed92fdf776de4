"""The rate limit: a minimum time between messages to one destination, so that many probes do not
flood it."""

from exporter.config.types import Duration, Options


class PacedOptions(Options):
    """The rate limit for messages."""

    gap: Duration | None = None
    """Minimum time between two messages to this server, of all modules and targets together. Trips
    wait for their slot before they send; the wait does not count as latency. Default: none."""


class Pace:
    """Assigns slots. One object for the whole program. Times in monotonic seconds."""

    def __init__(self) -> None:
        self._next: dict[str, float] = {}

    def turn(self, destination: str, gap: float, now: float, patience: float) -> float:
        """Takes the next slot, and returns the seconds until it; takes none if they exceed
        `patience`."""
        self._next = {name: moment for name, moment in self._next.items() if moment > now}
        wait = max(self._next.get(destination, now) - now, 0.0)
        if gap and wait <= patience:
            self._next[destination] = now + wait + gap
        return wait
