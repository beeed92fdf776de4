"""What a JMAP mailbox remembers between sessions: how far its messages were read. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from exporter.net.jmap.errors import Pause

MOST = 10_000  # ids of each kind that are remembered


@dataclass(frozen=True, slots=True)
class Arrival:
    """When a message was first seen, monotonic, and by how many seconds that may be late."""

    seen_at: float
    watched: bool
    lag: float


@dataclass(slots=True)
class Bookmark:
    """Ids are those of the server. A message keeps its own when it is moved."""

    account: str = ""
    state: str = ""  # of all messages (RFC 8620 section 5.2); empty before the first look
    new: dict[str, Arrival] = field(default_factory=dict)
    """To be read, in the order of their arrival."""

    older: list[str] = field(default_factory=list)
    """To be read, the newest first: they were there at the first look."""

    elsewhere: dict[str, None] = field(default_factory=dict)
    """They arrived outside of our folders, and may be moved there."""

    read: dict[str, None] = field(default_factory=dict)
    """What was read, if all is read again."""

    pause: Pause = field(default_factory=Pause)

    def arrived(self, ids: Iterable[str], arrival: Arrival) -> None:
        """Takes ids of messages that were created since the last look. Cyrus makes the id of a
        message of its content, so it may come again."""
        for one in ids:
            self.new.setdefault(one, arrival)
        if self.older:
            self.older = [one for one in self.older if one not in self.new]
        _limit(self.new)

    def moved(self, ids: Iterable[str], arrival: Arrival) -> None:
        """Takes ids of messages that were changed: those from elsewhere may be in our folders
        now."""
        self.arrived([one for one in ids if self.elsewhere.pop(one, 0) is None], arrival)

    def gone(self, ids: Iterable[str]) -> None:
        for one in ids:
            self.new.pop(one, None)
            self.elsewhere.pop(one, None)

    def look_through(self, ids: Iterable[str]) -> None:
        """Takes the ids of all messages that are there."""
        known = self.new.keys() | self.read.keys()
        self.older = [one for one in dict.fromkeys(ids) if one not in known][:MOST]

    def is_read(self, ids: Iterable[str]) -> None:
        for one in ids:
            self.new.pop(one, None)
            self.read[one] = None
        _limit(self.read)

    def is_elsewhere(self, one: str) -> None:
        self.new.pop(one, None)
        self.elsewhere[one] = None
        _limit(self.elsewhere)


def _limit(ids: dict[str, Any]) -> None:
    for one in [*islice(ids, max(len(ids) - MOST, 0))]:
        del ids[one]
