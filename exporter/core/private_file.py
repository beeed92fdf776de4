"""Keeps files that only mailtrip's user may read: a key, and what servers said in trips. A core
file is not even written."""

import logging
import os
import resource
import stat
from pathlib import Path

log = logging.getLogger(__name__)

PRIVATE = 0o600


def open_private(path: Path, flags: int) -> int:
    """Opens a file of ours, which is made if need be, for us alone whatever the umask. Raises
    OSError."""
    descriptor = os.open(path, flags | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
    if stat.S_IMODE(os.fstat(descriptor).st_mode) != PRIVATE:
        _make_private(descriptor, path)
    return descriptor


def keep_private(path: Path) -> None:
    """Takes from others what they may do with a file, which an older version or another program may
    have left open."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (
        OSError
    ):  # not there, a link to a mounted secret, or not ours to read: its reader will report that
        return
    if os.fstat(descriptor).st_mode & 0o077:
        _make_private(descriptor, path)
    os.close(descriptor)


def _make_private(descriptor: int, path: Path) -> None:
    """What cannot be changed, on a file system that is read-only or knows no permissions, is
    told."""
    try:
        os.fchmod(descriptor, PRIVATE)
    except OSError as error:
        log.warning(
            "%s is accessible to other users, and its mode cannot be changed: %s",
            path,
            error.strerror,
        )


def write_no_core_file() -> None:
    """A crash would leave all of our memory in a file (core(5)), passwords included.

    Where the kernel hands it to a program instead, that is asked to heed the limit;
    systemd-coredump does. The hard limit stays, so that this one can be raised again to hunt
    a bug.
    """
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))
