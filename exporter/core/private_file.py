"""Files that only mailtrip's user may read: the key, and transcripts of trips. Disables core
files."""

import logging
import os
import resource
import stat
from pathlib import Path

log = logging.getLogger(__name__)

PRIVATE = 0o600


def open_private(path: Path, flags: int) -> int:
    """Opens one of our files, or creates it, readable only by us whatever the umask. Raises
    OSError."""
    descriptor = os.open(path, flags | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
    if stat.S_IMODE(os.fstat(descriptor).st_mode) != PRIVATE:
        _make_private(descriptor, path)
    return descriptor


def keep_private(path: Path) -> None:
    """Removes the permissions of others from a file of an older version or another program."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    # Missing, a link to a mounted secret, or unreadable: its reader will report that.
    except OSError:
        return
    if os.fstat(descriptor).st_mode & 0o077:
        _make_private(descriptor, path)
    os.close(descriptor)


def _make_private(descriptor: int, path: Path) -> None:
    """Logs a failure, on a file system that is read-only or has no permissions."""
    try:
        os.fchmod(descriptor, PRIVATE)
    except OSError as error:
        log.warning(
            "%s is accessible to other users, and its mode cannot be changed: %s",
            path,
            error.strerror,
        )


def write_no_core_file() -> None:
    """Disables core files (core(5)): they would hold all our memory, passwords included.

    If the kernel pipes core files to a program, that has to respect the limit; systemd-coredump
    does. The hard limit is unchanged, so that the limit can be raised again for debugging.
    """
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))
