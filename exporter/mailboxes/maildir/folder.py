"""The state of a Maildir folder: its files, and those still to be read. Pure: it accesses no
file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from heapq import nlargest
from typing import NamedTuple

_BEHIND = re.compile(r"[:,]|[!;](?=2,)")
# Read in this order: a reader moves messages from the one to the other.
SUBDIRECTORIES = ("new", "cur")
SWEEP = 1000  # so many older messages are looked at when a folder is seen for the first time


class Ref(NamedTuple):
    """The identity of a message, in new or cur, with any flags."""

    directory: str
    unique: str


class FirstSeen(NamedTuple):
    """When a message was found, and how many seconds earlier it may have arrived."""

    at: float
    lag: float


@dataclass(frozen=True, slots=True)
class DirectoryListing:
    """The content of one of the directories new and cur."""

    identity: tuple[int, ...]  # device, inode, time of the last change
    same_since: float  # when this identity was first seen, monotonic seconds like all times here
    listed_at: float
    # by how much `listed_at` may be later than what it shows, because the time stamp was trusted
    lag: float
    names: frozenset[str]  # of its files
    files: Mapping[str, str] = field(default_factory=dict)  # by unique name
    # Unique names of files whose names are new, perhaps only by a flag; and those that are gone.
    appeared: frozenset[str] = frozenset()
    vanished: frozenset[str] = frozenset()

    def compared_with(self, before: "DirectoryListing | None") -> "DirectoryListing":
        """With the files by unique name, and what has changed. Looks only at names that differ:
        there may be a hundred thousand. A file that was renamed while the directory was listed may
        be there twice; then all names are looked at."""
        if before is None or len(before.files) < len(before.names):
            files = {unique_name(name): name for name in self.names}
            known = before.files if before else {}
            appeared = {unique for unique, name in files.items() if known.get(unique) != name}
            vanished = known.keys() - files.keys()
            names = self.names
        else:
            gone, come = before.names - self.names, self.names - before.names
            if not gone and not come:  # no copies, which the garbage collector would look through
                return replace(self, names=before.names, files=before.files)
            files = dict(before.files)
            new = {unique_name(name): name for name in come}
            vanished = {unique_name(name) for name in gone} - new.keys()
            for unique in vanished:
                del files[unique]
            files.update(new)
            appeared = {*new}
            # The same texts as before, not equal ones: to free a hundred thousand takes a while.
            names = before.names - gone | come
        return replace(
            self,
            names=names,
            files=files,
            appeared=frozenset(appeared),
            vanished=frozenset(vanished),
        )


@dataclass(frozen=True, slots=True)
class Folder:
    """The state of a folder, and how far it was read. It outlives a session."""

    title: str
    new: DirectoryListing | None = None
    cur: DirectoryListing | None = None
    known: frozenset[str] = frozenset()  # messages that need not be looked at
    # Known ones that the last listing lacked: a rename can hide a file once.
    missing: frozenset[str] = frozenset()
    fresh: Mapping[str, FirstSeen] = field(default_factory=dict)  # messages to be read
    # Messages that were there before us, still to be looked at, the newest first.
    older: tuple[str, ...] = ()

    def file_of(self, unique: str) -> tuple[str, str] | None:
        """The directory and the file of a message: new or cur; None if the last listing lacked
        it."""
        for sub, one in reversed([*zip(SUBDIRECTORIES, (self.new, self.cur), strict=True)]):
            if one and unique in one.files:
                return sub, one.files[unique]
        return None

    @property
    def messages(self) -> int:
        """The number of messages. One that is being moved may count twice."""
        return sum(len(one.files) for one in (self.new, self.cur) if one)

    def listed(self, new: DirectoryListing, cur: DirectoryListing) -> "Folder":
        """The folder after another poll of its directories. Looks only at what has changed: there
        may be a hundred thousand messages."""
        if new is self.new and cur is self.cur:
            return self
        changed = [
            after for after, before in ((new, self.new), (cur, self.cur)) if after is not before
        ]
        vanished = {unique for one in changed for unique in one.vanished if unique in self.known}
        gone = {
            unique
            for unique in (*vanished, *self.missing)
            if unique not in new.files and unique not in cur.files
        }
        noticed = FirstSeen(max(new.listed_at, cur.listed_at), max(new.lag, cur.lag))
        unread = {unique for unique in self.fresh if unique in new.files or unique in cur.files}
        unread.update(
            unique for one in changed for unique in one.appeared if unique not in self.known
        )
        # To sort very many would hold up the event loop, though in another thread.
        by_age = sorted(unread, key=_age) if len(unread) <= SWEEP else unread
        fresh = {unique: self.fresh.get(unique, noticed) for unique in by_age}
        forgotten = gone & self.missing
        known = self.known - forgotten if forgotten else self.known
        missing = frozenset(gone - forgotten)
        return replace(self, new=new, cur=cur, known=known, missing=missing, fresh=fresh)

    def as_found(self) -> "Folder":
        """The folder, seen for the first time: all its messages are older."""
        newest = nlargest(SWEEP, self.fresh, key=_age)
        return replace(self, known=frozenset(self.fresh), fresh={}, older=tuple(newest))


def unique_name(file: str) -> str:
    """The constant part of a file's name: flags follow a colon, sizes a comma, and Dovecot removes
    a wrong size.

    Where names cannot contain a colon (Windows shares, NTFS), offlineimap and isync write `!2,` and
    `;2,`.
    """
    return _BEHIND.split(file, maxsplit=1)[0]


def delivered_at(unique: str) -> float | None:
    """When the message was delivered, as its name says; Unix time."""
    seconds, _ = _age(unique)
    return float(seconds) if seconds else None


def _age(unique: str) -> tuple[int, str]:
    """The age of a message: a name begins with the second of its delivery."""
    seconds = unique.partition(".")[0]
    return (int(seconds) if seconds.isdecimal() and len(seconds) < 20 else 0), unique
