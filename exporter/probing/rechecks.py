"""Which failing probes are checked again before their interval is over.

If a server fails that a thousand probes share, a thousand messages each minute would tell no more
than a few, and all of them would have to be deleted later.
"""

from math import inf

SPACING = 1.0  # seconds between two of all probes, at least


class RecheckSlots:
    """Assigns moments. One object for the whole program. Times in monotonic seconds."""

    def __init__(self) -> None:
        self._next = -inf

    def take(self, earliest: float, latest: float) -> float:
        """Takes the next free moment from `earliest` on, and returns it; takes none, and returns
        infinity, if it is after `latest`."""
        slot = max(earliest, self._next)
        if slot > latest:
            return inf
        self._next = slot + SPACING
        return slot
