"""inotify: the kernel reports new files at once. On a network file system, only those of this
machine."""

import asyncio
import contextlib
from collections.abc import Callable

from inotify_simple import INotify, flags

_APPEARS = flags.CREATE | flags.MOVED_TO
_ENDS = flags.DELETE_SELF | flags.MOVE_SELF | flags.UNMOUNT | flags.IGNORED
_MASK = (
    flags.CREATE
    | flags.MOVED_TO
    | flags.DELETE_SELF
    | flags.MOVE_SELF
    | flags.ONLYDIR
    | flags.DONT_FOLLOW
)


class DirectoryEvents:
    """Calls `appeared` with the directory and name of a new entry, and `ended` when a directory is
    removed."""

    def __init__(self, appeared: Callable[[str, str], None], ended: Callable[[], None]) -> None:
        """Raises OSError if the kernel has no instance left."""
        self._appeared = appeared
        self._ended = ended
        self._watched: dict[int, str] = {}
        self._inotify = INotify(nonblocking=True)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._inotify.fileno(), self._read)

    def watch(self, path: str) -> None:
        """Watches a directory. May block, so it may be called in a thread. Raises OSError."""
        self._watched[self._inotify.add_watch(path, _MASK)] = path

    def close(self) -> None:
        if not self._inotify.closed:
            self._loop.remove_reader(self._inotify.fileno())
            self._inotify.close()

    def _read(self) -> None:
        for event in self._inotify.read(timeout=0):
            if event.mask & _ENDS:
                self._ended()
            elif event.mask & flags.Q_OVERFLOW:
                self._appeared("", "")
            elif event.mask & _APPEARS and event.wd in self._watched:
                self._appeared(self._watched[event.wd], event.name)


def directory_events(
    appeared: Callable[[str, str], None], ended: Callable[[], None]
) -> DirectoryEvents | None:
    """The events; None without inotify (not Linux), or without a free instance
    (fs.inotify.max_user_instances)."""
    with contextlib.suppress(OSError, AttributeError):
        return DirectoryEvents(appeared, ended)
    return None
