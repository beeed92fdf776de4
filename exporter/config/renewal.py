"""Objects made from files, and made again when these change."""

import errno
import logging
import os
import stat
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from exporter.config.mistakes import Mistakes
from exporter.core.model import ProbeError
from exporter.core.one_line import one_line

log = logging.getLogger(__name__)

Made = TypeVar("Made")


class FromFiles(Generic[Made]):
    """`make` raises Mistakes or ProbeError: the first time to the caller; later it is logged once,
    and the previous object stays in use.

    The files are not watched: they are checked when their result is requested.
    """

    def __init__(self, name: str, files: Iterable[str], make: Callable[[], Made]) -> None:
        self._name = name
        self._files = tuple(files)
        self._make = make
        self._seen = self._state()
        self._made = make()
        self._problem = ""

    def current(self) -> Made:
        state = self._state()
        # The error may also have been fixed in another file.
        if state != self._seen or self._problem:
            self._renew(state)
        return self._made

    def _renew(self, state: tuple[object, ...]) -> None:
        try:
            self._made = self._make()
        except Exception as error:  # of any kind: the caller keeps the previous object
            problem = _in_one_line(error)
            if problem != self._problem:
                log.error("cannot reload %s, keeping the previous version: %s", self._name, problem)
            self._problem = problem
        else:
            self._seen, self._problem = state, ""
            log.info("reloaded %s", self._name)

    def _state(self) -> tuple[object, ...]:
        return tuple(map(state_of, self._files))


def _in_one_line(error: Exception) -> str:
    if isinstance(error, ProbeError):
        return error.detail
    if isinstance(error, Mistakes):
        return "; ".join(str(error).splitlines())
    return f"a bug in mailtrip: {one_line(f'{type(error).__name__}: {error}')}"


def unreadable(file: str) -> str | None:
    """Why a file cannot be read; None if it can. Never blocks, even on a FIFO without a writer."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:  # ValueError: a null byte, or what no file name can hold
        return error.strerror if isinstance(error, OSError) else "not a valid file name"
    try:
        mode = os.fstat(descriptor).st_mode
    finally:
        os.close(descriptor)
    if stat.S_ISREG(mode):
        return None
    return os.strerror(errno.EISDIR) if stat.S_ISDIR(mode) else "not a regular file"


def state_of(file: str) -> tuple[int, ...] | None:
    """A value that differs after every change; an updated ConfigMap in Kubernetes is a new file."""
    try:
        found = os.stat(file)
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
