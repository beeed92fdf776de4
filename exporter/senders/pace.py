"""A least time between two messages to the same destination, so that many probes do not flood a
server."""

from exporter.config.types import Duration, Options


class PacedOptions(Options):
    """The rate limit for messages."""

    gap: Duration | None = None
    """Minimum time between two messages to this server, of all modules and targets together. Trips
    wait for their slot before they send; the wait does not count as latency. Default: none."""


class Pace:
    """Whose turn it is. One for the whole program. Times in monotonic seconds."""

    def __init__(self) -> None:
        self._next: dict[str, float] = {}

    def turn(self, destination: str, gap: float, now: float, patience: float) -> float:
        """Takes the next turn, and says in how many seconds it comes; more than `patience` takes
        none."""
        self._next = {name: moment for name, moment in self._next.items() if moment > now}
        wait = max(self._next.get(destination, now) - now, 0.0)
        if gap and wait <= patience:
            self._next[destination] = now + wait + gap
        return wait
