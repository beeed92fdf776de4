"""The state of a folder in a session: how far it was read, and what has arrived since, and when.
Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from exporter.net.imap.names import decode_folder
from exporter.net.imap.reader import Response, number

# Seconds without news until a folder is selected again; the same, later on.
FIRST_RECHECK, LONGEST_RECHECK = (5.0, 60.0)
# Seconds until a message that cannot be read yet is read again; the same, later on.
AGAIN, LONGEST_AGAIN = (0.25, 15.0)
MOST_TRIES = 12  # two minutes
MOST_NAMELESS = 4  # tries to read a message whose UID the server does not tell: 4 s
MOST_GROWTH = 100  # times that a folder's growth is remembered for
SWEEP = 1000  # so many older messages are looked at when a folder is opened for the first time


class Ref(NamedTuple):
    """The identity of a message: a UID is only valid together with its UIDVALIDITY."""

    validity: int
    uid: int


@dataclass(frozen=True, slots=True)
class Bookmark:
    """How far a folder was read. It outlives the session."""

    validity: int  # UIDVALIDITY, beyond which a UID means nothing
    next_uid: int  # the first UID that has not been looked at
    # Messages that were there before us and have still to be looked at, the newest first.
    older: tuple[int, ...] = ()
    nameless: bool = False  # the session ended since the server did not tell the UIDs of messages
    refused: int = 0  # times that the server would not show what is new, session after session
    # From next_uid on, what has been looked at before what could not be read.
    handed: frozenset[int] = frozenset()


UNKNOWN = Bookmark(-1, 1)


class Announcements:
    """Whether the server announces every new message. After a while without announcements this is
    doubted.

    Microsoft 365, Exchange 2007 and others sometimes show new messages only after a new SELECT.
    """

    def __init__(self, first: float) -> None:
        self.proven = False  # it has told of a message, and was not caught
        self.caught = False  # it has not told of one, in this session
        self._first = self._gap = first
        self._at = 0.0  # when it was doubted last, or told something

    def reset_timer(self, now: float) -> None:
        self._at = now

    def announced(self, now: float) -> None:
        """Notes that the server announced a message."""
        self._at, self.proven = now, not self.caught
        if self.proven:
            self._gap = LONGEST_RECHECK

    def due(self, now: float) -> bool:
        return now - self._at >= self._gap

    def tried(self, now: float, *, caught: bool) -> None:
        """Notes a reliable poll; `caught` if it found a message that was not announced."""
        self._at, self._gap = now, self._first if caught else min(self._gap * 2, LONGEST_RECHECK)
        self.caught = self.caught or caught
        self.proven = self.proven and not caught


class Folder:
    """A folder. Message sequence numbers are valid while it is selected."""

    def __init__(
        self,
        name: str,
        bookmark: Bookmark = UNKNOWN,
        *,
        junk: bool = False,
        optional: bool = False,
        recheck: float = FIRST_RECHECK,
    ) -> None:
        self.name = name  # as the server spells it
        self.title = decode_folder(name)
        self.junk = junk  # it is the one for spam
        self.optional = optional  # not a configured name: it is read if that is possible
        self.announcements = Announcements(recheck)
        self.closed_until = 0.0  # it could not be selected, and is left alone
        self.bookmark = bookmark
        self.watched_from = 0  # the first UID that came under our eyes
        self.checked_at = 0.0  # when it was last looked into for certain
        self.flagged: set[int] = set()  # UIDs that we flagged as deleted and could not expunge
        self.exists = 0
        self.validity = 0
        self.uidnext = 0  # 0: the server did not tell
        self.uidnext_is_told = True
        self.announced_uidnext = 0  # the same, as it was told without selecting the folder
        self.missing = 0  # messages that were announced and could not be read yet
        self.again_at = 0.0  # when that is tried again
        self.tries = 0  # how many times that was tried
        self.nameless = False  # the server sends messages without their UIDs
        self._announced = 0  # messages since the last look
        self._watched_validity = -1
        self._looked = 0  # so many messages, from the first on, have been looked at
        self._growth: list[tuple[int, float]] = []  # so many there were, since then

    @property
    def unseen(self) -> int:
        """The number of new messages that were not read."""
        return self.exists - self._looked

    def opened(self, responses: Iterable[Response]) -> None:
        """Processes the server's data about the selected folder. No message counts as read yet."""
        known = self.validity
        self.exists = self.validity = self.uidnext = self._looked = 0
        self._growth = []
        for response in responses:
            self.observe(response)
        self._announced = 0
        if self.validity != known:
            self.flagged.clear()

    def observe(self, response: Response) -> bool:
        """Processes a response about the selected folder. True if a message has arrived."""
        if response.name == "EXISTS":
            return self._count(response.number, response.received_at)
        if response.name == "EXPUNGE":
            self._close_up(response.number)
        elif response.name == "OK" and response.code == "UIDVALIDITY":
            self.validity = number(response.argument.encode())
        elif response.name == "OK" and response.code == "UIDNEXT":
            self.uidnext = number(response.argument.encode())
        return False

    def seen_at(self, message: int) -> float | None:
        """When the server first announced so many messages; None if it did not."""
        return next((since for size, since in self._growth if size >= message), None)

    def _count(self, count: int, now: float) -> bool:
        grown = count - self.exists
        if grown < 0:
            self._growth = [(size, since) for size, since in self._growth if size <= count]
        elif grown and len(self._growth) < MOST_GROWTH:  # beyond, a message is seen when it is read
            self._growth.append((count, now))
        self._announced = max(self._announced + grown, 0)
        self.exists, self._looked = count, min(self._looked, count)
        return grown > 0

    def _close_up(self, message: int) -> None:
        """Notes an EXPUNGE: later messages move up by one."""
        if 0 < message <= self.exists:
            self.exists -= 1
            if message <= self._looked:
                self._looked -= 1
            else:
                self._announced = max(self._announced - 1, 0)
            self._growth = [(size - (message <= size), since) for size, since in self._growth]

    def watch(self, validity: int, uidnext: int) -> None:
        """Marks the folder as watched from now on, unless it already was."""
        if validity != self._watched_validity:
            self._watched_validity, self.watched_from = validity, uidnext

    def behind(self, validity: int, uidnext: int) -> bool:
        """Whether these values of STATUS mean that there is something to read."""
        mark = self.bookmark
        return mark.validity != validity or mark.next_uid != uidnext or bool(mark.older)

    @property
    def unfamiliar(self) -> bool:
        """Whether the bookmark is unusable: missing, of another UIDVALIDITY, too old, or the server
        was restored to an earlier state, in which it assigns the same UIDs again."""
        return (
            self.bookmark.validity != self.validity
            or not 0 <= self.uidnext - self.bookmark.next_uid <= SWEEP
        )

    def last_message_is(self, uid: int) -> None:
        """Replaces a missing UIDNEXT by the last message's UID; 0 if there is no message."""
        known, self.uidnext_is_told = (
            self.bookmark.next_uid if self.bookmark.validity == self.validity else 1,
            False,
        )
        self.uidnext = max(uid + 1, known)

    def start_over(self, uids: Iterable[int]) -> None:
        """Starts without a bookmark: messages that arrived while watched are new, all others in
        `uids` are older."""
        older = sorted((uid for uid in uids if uid < self.watched_from), reverse=True)
        self.bookmark = replace(
            self.bookmark,
            validity=self.validity,
            next_uid=self.watched_from,
            older=tuple(older[:SWEEP]),
            handed=frozenset(),
        )
        self.flagged.clear()

    def count_unseen(self, exists: int) -> None:
        """Continues from the bookmark: as many existing messages are unread as UIDs were assigned
        since."""
        self._looked = max(exists - max(self.uidnext - self.bookmark.next_uid, 0), 0)

    def begin_poll(self) -> int:
        """Begins a poll of all current messages. Those that arrive during it are unread.

        Returns the number of messages that the server announced.
        """
        promised, self._announced = self.missing + self._announced, 0
        self._looked = self.exists
        return promised

    def end_poll(self, left: int) -> None:
        """Ends a poll: all messages from its beginning were read, except the last `left`."""
        self._looked = max(self._looked - left, 0)
        if not self.missing:
            self._growth = [(size, since) for size, since in self._growth if size > self._looked]

    def lacks(self, missing: int, handed: Iterable[int], now: float) -> bool:
        """Notes that so many messages could not be read. False if this is permanent, or if there
        are none."""
        if self.missing and now < self.again_at:
            self.tries -= 1  # something else was looked for
        if not missing or self.tries >= MOST_TRIES:
            self.missing = self.tries = 0
            self.bookmark = replace(self.bookmark, handed=frozenset())
            return False
        self.missing = missing
        self.again_at = now + min(AGAIN * 2**self.tries, LONGEST_AGAIN)
        self.tries += 1
        self.bookmark = replace(self.bookmark, handed=self.bookmark.handed.union(handed))
        return True

    @property
    def reading_again(self) -> bool:
        """Whether some messages after the bookmark were already read, or cannot be read."""
        return bool(self.missing or self.bookmark.handed)

    @property
    def hopeless(self) -> bool:
        """Whether the server has failed for too long to return the UIDs of its messages."""
        return self.nameless and (self.bookmark.nameless or self.tries >= MOST_NAMELESS)

    def advance(self, next_uid: int) -> None:
        """Moves the bookmark, never backwards."""
        self.bookmark = replace(self.bookmark, next_uid=max(self.bookmark.next_uid, next_uid))
