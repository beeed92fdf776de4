"""Deletions that the server has confirmed, and messages that are there nevertheless: it confirms
them even where the account must not delete (Dovecot with an ACL), or keeps everything (`recent:` of
Gmail)."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.mailboxes.session import Sighting

LEAST = 2  # confirmed deletions of a message that is there again
LONGEST = 60.0  # seconds from the first of them, after which no server is merely slow
MOST = 1000  # messages that are known


@dataclass(frozen=True, slots=True)
class _Confirmed:
    header: bytes  # hashed: an id may be reused for another message
    first_at: float  # monotonic
    times: int


class ConfirmedDeletions:
    """By unique id. Times are monotonic, in seconds."""

    def __init__(self) -> None:
        self._known: dict[str, _Confirmed] = {}

    def add(self, sightings: Iterable[Sighting], now: float) -> None:
        """The server has confirmed the deletion of these messages."""
        for one in sightings:
            before = self._before(one)
            first_at, times = (before.first_at, before.times) if before else (now, 0)
            self._known[one.ref] = _Confirmed(_header(one.raw), first_at, times + 1)
        for oldest in [*islice(self._known, max(len(self._known) - MOST, 0))]:
            del self._known[oldest]

    def forget_unlisted(self, listed: Collection[str]) -> None:
        """Forgets what is no longer there."""
        self._known = {uid: one for uid, one in self._known.items() if uid in listed}

    def in_vain(self, sightings: Iterable[Sighting], now: float) -> ProbeError | None:
        """What is wrong if the deletion of one of these messages was confirmed again and again, and
        it is still there."""
        for one in sightings:
            before = self._before(one)
            if before and before.times >= LEAST and now - before.first_at >= LONGEST:
                return ProbeError(
                    Reason.REJECTED,
                    f"the server confirmed the deletion of our message {before.times} times, but"
                    " still lists it: check whether this account may delete messages",
                )
        return None

    def _before(self, sighting: Sighting) -> _Confirmed | None:
        known = self._known.get(sighting.ref)
        return known if known and known.header == _header(sighting.raw) else None


def _header(raw: bytes) -> bytes:
    return sha256(raw.partition(b"\r\n\r\n")[0]).digest()
