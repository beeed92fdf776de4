"""What is known of a folder, over all sessions: how far its changes were read, and since when.

Messages that the last round of changes did not have are new, and came in between. The first round
begins a short time ago; what is older is looked through once, the newest first.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from exporter.mailboxes.graph.worth import is_worth_reading
from exporter.net.graph.messages import Listed, Page, iso

# Seconds before now that the first round of changes covers: more than the clocks of two of their
# servers differ, and few enough messages in a busy mailbox.
MARGIN = 600.0
SWEEP = 1000  # so many older messages are looked at when the folder is opened for the first time
MOST_KNOWN = 10_000  # ids
MOST_UNREAD = 10_000  # messages that are worth reading
MOST_OTHERS = 1000
LONGEST_ROUND = 1000  # pages: of messages of some minutes, or of the time without a look
# Seconds: a message that came in a longer time without a look was awaited by no trip. Thousands
# may have come then.
FRESH = 300.0


@dataclass(frozen=True, slots=True)
class Unread:
    """A message to be looked at. A new one came up to `lag` seconds before `seen_at`, monotonic."""

    listed: Listed
    seen_at: float
    watched: bool
    lag: float = 0.0

    @property
    def fresh(self) -> bool:
        """Whether it came while a trip may have awaited it."""
        return self.watched and self.lag <= FRESH


class Folder:
    """A folder by its well-known name or id. `title` is how people call it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.title = name
        self.messages = 0
        self.since = ""  # ISO 8601, by the server's clock: what the changes cover
        self.link = ""  # to the next changes; empty before the first round
        self.older_link: str | None = ""  # to more of the older messages; None if all were listed
        self.unread: list[Unread] = []  # those that are worth reading
        self.others: list[Unread] = []
        self.asked: float | None = None  # when the last complete round began
        self._began: float | None = None  # the round in progress
        self._pages = 0  # of it
        self._known: dict[str, None] = {}
        self._first_since = ""  # messages from then on are in the changes
        self._listed = 0  # older messages

    @property
    def is_junk(self) -> bool:
        return self.name.lower() == "junkemail"

    @property
    def midway(self) -> bool:
        """Whether the round is not complete: there are more pages."""
        return self._began is not None

    @property
    def has_no_end(self) -> bool:
        """Whether the round has more pages than any has: the server repeats itself."""
        return self._pages > LONGEST_ROUND

    def opened(self, title: str, messages: int, date: float) -> None:
        """Takes its status; `date` is the server's time."""
        self.title, self.messages = title, messages
        self.since = self.since or iso(date - MARGIN)
        self._first_since = self._first_since or self.since

    def asking(self, now: float) -> None:
        """A page of changes is asked for, the first of a round or another one."""
        if self._began is None:
            self._began, self._pages = now, 0
        self._pages += 1

    def start_over(self) -> None:
        """The server has forgotten the state. The next round covers the time since the last one
        again; messages that are known are not new."""
        self.link, self._began = "", None

    def changed(self, page: Page, now: float) -> bool:
        """Takes a page of changes. True if there was a message in it that is new to us."""
        found = [*self._unknown(page.messages)]
        watched = self.asked is not None
        lag = now - self.asked if self.asked is not None else 0.0
        self._add(Unread(listed, now, watched, lag) for listed in found)
        self.link = page.delta_link or page.next_link
        if page.delta_link:
            self.asked, self._began = self._began, None
            if page.date is not None:
                self.since = iso(page.date - MARGIN)
        return bool(found)

    def listed_older(self, page: Page, now: float) -> None:
        """Takes a page of older messages."""
        self._listed += len(page.messages)
        older = [one for one in page.messages if one.received < self._first_since]
        self._add(Unread(one, now, False) for one in self._unknown(older))
        self.older_link = page.next_link if page.next_link and self._listed < SWEEP else None

    def forget(self, unread: list[Unread]) -> None:
        """Removes messages that were handed out."""
        gone = {one.listed.id for one in unread}
        self.unread = [one for one in self.unread if one.listed.id not in gone]
        self.others = [one for one in self.others if one.listed.id not in gone]

    def _add(self, found: Iterable[Unread]) -> None:
        for one in found:
            worth = is_worth_reading(one.listed, new=one.fresh)
            place, most = (self.unread, MOST_UNREAD) if worth else (self.others, MOST_OTHERS)
            if len(place) < most:
                place.append(one)

    def _unknown(self, messages: list[Listed]) -> Iterator[Listed]:
        for listed in messages:
            if listed.id not in self._known:
                self._known[listed.id] = None
                yield listed
        for one in [*islice(self._known, max(len(self._known) - MOST_KNOWN, 0))]:
            del self._known[one]
