"""The state of a Maildir folder: its files, and those still to be read. Pure: it accesses no
file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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
    files: Mapping[str, str]  # by unique name


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

    def files(self) -> dict[str, str]:
        """The messages: `new/FILE` or `cur/FILE` by unique name."""
        both = zip(SUBDIRECTORIES, (self.new, self.cur), strict=True)
        return {
            unique: f"{sub}/{file}"
            for sub, one in both
            if one
            for unique, file in one.files.items()
        }

    @property
    def messages(self) -> int:
        """The number of messages. One that is being moved may count twice."""
        return sum(len(one.files) for one in (self.new, self.cur) if one)

    def listed(self, new: DirectoryListing, cur: DirectoryListing) -> "Folder":
        """The folder after another poll of its directories."""
        if new is self.new and cur is self.cur:
            return self
        there = new.files.keys() | cur.files.keys()
        gone = self.known - there
        noticed = FirstSeen(max(new.listed_at, cur.listed_at), max(new.lag, cur.lag))
        fresh = {
            unique: self.fresh.get(unique, noticed)
            for unique in sorted(there - self.known, key=_age)
        }
        known = self.known - (gone & self.missing)
        return replace(self, new=new, cur=cur, known=known, missing=gone, fresh=fresh)

    def as_found(self) -> "Folder":
        """The folder, seen for the first time: all its messages are older."""
        newest = sorted(self.fresh, key=_age, reverse=True)
        return replace(self, known=frozenset(self.fresh), fresh={}, older=tuple(newest[:SWEEP]))


def unique_name(file: str) -> str:
    """The constant part of a file's name: flags follow a colon, sizes a comma, and Dovecot removes
    a wrong size.

    Where names cannot contain a colon (Windows shares, NTFS), offlineimap and isync write `!2,` and
    `;2,`.
    """
    return _BEHIND.split(file, maxsplit=1)[0]


def _age(unique: str) -> tuple[int, str]:
    """The age of a message: a name begins with the second of its delivery."""
    seconds = unique.partition(".")[0]
    return (int(seconds) if seconds.isdecimal() and len(seconds) < 20 else 0), unique
