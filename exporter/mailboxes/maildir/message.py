"""One file of a Maildir: reads the message, and its size for the quota. May block."""

import errno
import os
import re
import stat
from collections.abc import Iterable
from contextlib import suppress
from functools import partial

from exporter.mailboxes.maildir.packing import Unreadable, unpacked
from exporter.mailboxes.session import READ_LIMIT

TRASH = ".Trash"
_END_OF_HEADER = re.compile(rb"\r?\n\r?\n")
_TOLD_SIZE = re.compile(r",S=(\d{1,15})(?=[,:]|$)")
_READ = os.O_RDONLY | os.O_CLOEXEC


def header_of(raw: bytes) -> bytes:
    """The header of a message, with the empty line behind it."""
    end = _END_OF_HEADER.search(raw)
    return raw[: end.end()] if end else raw


def read_message(directory: int, file: str, limit: int = READ_LIMIT) -> bytes:
    """The first `limit` bytes of a message, decompressed; empty unless it is a regular file. Raises
    OSError and Unreadable."""
    try:
        descriptor = os.open(file, _READ | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):  # a link, a socket
            return b""
        raise
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return b""
        raw = b""
        while len(raw) < limit and (piece := os.read(descriptor, limit - len(raw))):
            raw += piece
        return unpacked(raw, partial(os.read, descriptor), limit)
    finally:
        os.close(descriptor)


def begins_with(descriptor: int, file: str, raw: bytes) -> bool:
    """Whether the message begins with what was read before. Raises OSError."""
    with suppress(Unreadable):
        return read_message(descriptor, file).startswith(raw)
    return False


def counted_size(descriptor: int, file: str) -> int:
    """The size for quotas: that of the message, from the file's name, also if the file is
    compressed."""
    told = _TOLD_SIZE.search(file)
    return int(told[1]) if told else os.stat(file, dir_fd=descriptor, follow_symlinks=False).st_size


def settle_quota(root: int, freed: Iterable[tuple[str, int]]) -> None:
    """Maildir++: a program that removes messages adds a line to the file `maildirsize`, if it
    exists (maildirquota(7)).

    Messages in Trash do not count. A failed write is harmless: delivery agents recalculate now and
    then.
    """
    lines = "".join(f"-{size} -1\n" for directory, size in freed if directory != TRASH)
    with suppress(OSError):
        descriptor = os.open(
            "maildirsize", os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=root
        )
        try:
            os.write(descriptor, lines.encode())
        finally:
            os.close(descriptor)
