"""The cache of answers."""

from dataclasses import dataclass

from exporter.blocklists.blocklist import Blocklist
from exporter.blocklists.names import Subject
from exporter.core.model import Listing

MOST_ANSWERS = 50_000
LONGEST = 86400.0  # seconds, also for a longer TTL


@dataclass(frozen=True, slots=True)
class _Known:
    listing: Listing
    age: int
    until: float


class Memory:
    """Keeps answers for their TTL; drops the oldest when full. `age` is the status's: answers from
    before the list became unusable are dropped. Times are seconds of the monotonic clock."""

    def __init__(self, most: int = MOST_ANSWERS) -> None:
        self._most = most
        self._known: dict[tuple[Blocklist, Subject], _Known] = {}

    def recall(
        self, blocklist: Blocklist, subject: Subject, age: int, now: float
    ) -> Listing | None:
        known = self._known.get((blocklist, subject))
        if known and known.age == age and now < known.until:
            return known.listing
        return None

    def keep(
        self, blocklist: Blocklist, subject: Subject, listing: Listing, age: int, until: float
    ) -> None:
        key = blocklist, subject
        self._known.pop(key, None)
        if len(self._known) >= self._most:
            del self._known[next(iter(self._known))]
        self._known[key] = _Known(listing, age, until)
