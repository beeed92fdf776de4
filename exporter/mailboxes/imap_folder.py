"""What a session knows of a folder: how far it has looked, what has come since, and when. Pure: nothing waits here."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from exporter.net.imap_names import decode_folder
from exporter.net.imap_reader import Response, number

SWEEP = 1000  # so many older messages are looked at when a folder is opened for the first time


class Ref(NamedTuple):
    """The name of a message: a UID means nothing without the UIDVALIDITY that it was given under."""

    validity: int
    uid: int


@dataclass(frozen=True, slots=True)
class Bookmark:
    """How far a folder has been looked through. It outlives the session."""

    validity: int  # UIDVALIDITY, beyond which a UID means nothing
    next_uid: int  # the first UID that has not been looked at
    older: tuple[int, ...] = ()  # messages that were there before us and have still to be looked at, the newest first


UNKNOWN = Bookmark(-1, 1)


class Folder:
    """A folder. What it says of messages and their numbers holds while it is selected."""

    def __init__(self, name: str, bookmark: Bookmark = UNKNOWN, *, junk: bool = False) -> None:
        self.name = name  # as the server spells it
        self.title = decode_folder(name)
        self.junk = junk  # it is the one for spam
        self.bookmark = bookmark
        self.watched_from = 0  # the first UID that came under our eyes
        self.checked_at = 0.0  # when it was last looked into for certain
        self.flagged: set[int] = set()  # UIDs that we flagged as deleted and could not expunge
        self.exists = 0
        self.validity = 0
        self.uidnext = 0  # 0: the server did not tell
        self._watched_validity = -1
        self._looked = 0  # so many messages, from the first on, have been looked at
        self._growth: list[tuple[int, float]] = []  # so many there were, since then

    @property
    def unseen(self) -> int:
        """How many messages have come and were not looked at."""
        return self.exists - self._looked

    # ---------------------------------------------------------------- what the server tells

    def opened(self, responses: Iterable[Response]) -> None:
        """Takes what the server tells when the folder is selected. Nothing counts as looked at yet."""
        known = self.validity
        self.exists = self.validity = self.uidnext = self._looked = 0
        self._growth = []
        for response in responses:
            self.observe(response)
        if self.validity != known:
            self.flagged.clear()

    def observe(self, response: Response) -> bool:
        """Takes what the server tells about the selected folder. True if a message has come."""
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
        """When the server first told that there are so many messages; None if it did not."""
        return next((since for size, since in self._growth if size >= message), None)

    def _count(self, count: int, now: float) -> bool:
        grown = count > self.exists
        self._growth = [(size, since) for size, since in self._growth if size <= count]
        if grown:
            self._growth.append((count, now))
        self.exists, self._looked = count, min(self._looked, count)
        return grown

    def _close_up(self, message: int) -> None:
        """A message is gone, and all behind it have moved up by one."""
        if 0 < message <= self.exists:
            self.exists -= 1
            self._looked -= message <= self._looked
            self._growth = [(size - (message <= size), since) for size, since in self._growth]

    # ---------------------------------------------------------------- how far we have looked

    def watch(self, validity: int, uidnext: int) -> None:
        """From now on it is watched, unless it was already."""
        if validity != self._watched_validity:
            self._watched_validity, self.watched_from = validity, uidnext

    def behind(self, validity: int, uidnext: int) -> bool:
        """True if there is something to look at in a folder of which the server tells this."""
        mark = self.bookmark
        return mark.validity != validity or mark.next_uid != uidnext or bool(mark.older)

    @property
    def unfamiliar(self) -> bool:
        """The bookmark is of no use: none, of another UIDVALIDITY, too much has come since, or the server was put back
        to an older state, where it gives the same UIDs once more."""
        return self.bookmark.validity != self.validity or not 0 <= self.uidnext - self.bookmark.next_uid <= SWEEP

    def last_message_is(self, uid: int) -> None:
        """Makes up for a UIDNEXT that the server does not tell; 0 if there is no message."""
        known = self.bookmark.next_uid if self.bookmark.validity == self.validity else 1
        self.uidnext = max(uid + 1, known)

    def start_over(self, uids: Iterable[int]) -> None:
        """New is what came under our eyes; of `uids`, which are in the folder, all others are older."""
        older = sorted((uid for uid in uids if uid < self.watched_from), reverse=True)
        self.bookmark = Bookmark(self.validity, self.watched_from, tuple(older[:SWEEP]))
        self.flagged.clear()

    def resume(self, exists: int) -> None:
        """Of the messages that existed when the folder was selected, as many are unseen as UIDs were given since."""
        self._looked = max(exists - max(self.uidnext - self.bookmark.next_uid, 0), 0)

    def begin_look(self) -> None:
        """Whatever is there now is going to be looked at. What comes meanwhile is unseen again."""
        self._looked = self.exists

    def end_look(self, left: int) -> None:
        """All has been looked at but the last `left` messages of those that were there when the look began."""
        self._looked = max(self._looked - left, 0)
        self._growth = [(size, since) for size, since in self._growth if size > self._looked]

    def advance(self, next_uid: int) -> None:
        """Moves the bookmark, never backwards."""
        self.bookmark = replace(self.bookmark, next_uid=max(self.bookmark.next_uid, next_uid))
