"""The files of a Maildir (https://cr.yp.to/proto/maildir.html) and of its subfolders, laid out as
in Maildir++.

Call it in a thread: it may block for long on a network file system. It keeps no state; the state of
a folder is passed in and returned as a value, so an abandoned call has changed only files. Symbolic
links below the Maildir are never followed.
"""

import errno
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.mailboxes.junk import is_junk
from exporter.mailboxes.maildir.folder import (
    SUBDIRECTORIES,
    DirectoryListing,
    Folder,
    Ref,
    unique_name,
)
from exporter.mailboxes.maildir.message import (
    begins_with,
    counted_size,
    read_message,
    settle_quota,
)
from exporter.mailboxes.maildir.packing import Unreadable
from exporter.mailboxes.maildir.stored_message import StoredMessage, UnreadableMessage, read_next
from exporter.net.exceptions import map_exceptions
from exporter.net.imap.names import decode_folder

INBOX = "."  # the directory of the main folder, seen from the Maildir
# seconds; a directory that changes twice within less may keep its time stamp (FAT counts in 2 s)
SETTLED = 2.0
# seconds until a directory is read again though its time stamp says that nothing has changed
CERTAIN_EVERY = 10.0
FIND_AGAIN = 5  # times; a reader that renames a file can hide it for a moment
_READ = os.O_RDONLY | os.O_CLOEXEC
_NOT_ALLOWED = "{user} must be allowed to read this directory and to delete in it"
_CURES = {
    errno.ENOENT: (
        Reason.UNAVAILABLE,
        "a Maildir is a directory that holds new and cur; is it mounted?",
    ),
    errno.ENOTDIR: (Reason.REJECTED, "a Maildir is a directory that holds new and cur"),
    errno.ELOOP: (Reason.REJECTED, "symbolic links below a Maildir are not followed"),
    errno.EACCES: (Reason.REJECTED, _NOT_ALLOWED),
    errno.EPERM: (Reason.REJECTED, _NOT_ALLOWED),
    errno.EROFS: (Reason.REJECTED, _NOT_ALLOWED),
}


class MaildirFiles:
    """A Maildir and the wanted folders. `now` returns monotonic seconds. Raises only ProbeError."""

    def __init__(self, path: str, wanted: Iterable[str], now: Callable[[], float]) -> None:
        self.path = path
        self._wanted = tuple(wanted)
        self._now = now

    def place(self, directory: str, *below: str) -> str:
        """The path of a folder, or of a directory in it."""
        return os.path.join(self.path, *(() if directory == INBOX else (directory,)), *below)

    def survey(self, before: Mapping[str, Folder]) -> dict[str, Folder]:
        """The current folders, by directory, the main one first. Cheap if nothing has changed."""
        with self._system_errors(), _opened(self.path) as root:
            folders: dict[str, Folder] = {}
            for directory, (title, demanded) in self._directories(root).items():
                folder = before.get(directory, Folder(title))
                with _nothing_if_absent(demanded), self._folder(root, directory) as (new, cur):
                    folders[directory] = folder.listed(
                        _listing(new, folder.new, self._now), _listing(cur, folder.cur, self._now)
                    )
            if not folders:
                raise ProbeError(
                    Reason.UNAVAILABLE,
                    f"{self.path} has none of the folders {', '.join(self._wanted)}",
                )
            return folders

    def check_access(self, folders: Iterable[str]) -> None:
        """Raises ProbeError if messages could be read but not deleted."""
        with self._system_errors(), _opened(self.path) as root:
            for directory in folders:
                with self._folder(root, directory) as descriptors:
                    for descriptor, sub in zip(descriptors, SUBDIRECTORIES, strict=True):
                        if not os.access(
                            ".", os.W_OK | os.X_OK, dir_fd=descriptor, effective_ids=True
                        ):
                            raise PermissionError(
                                errno.EACCES, "no permission to delete", self.place(directory, sub)
                            )

    def read(
        self, folders: Mapping[str, Folder]
    ) -> tuple[dict[str, Folder], list[StoredMessage], list[UnreadableMessage]]:
        """Returns the folders, the next messages of each, new ones first, and the unreadable
        ones."""
        after: dict[str, Folder] = {}
        messages: list[StoredMessage] = []
        unreadable: list[UnreadableMessage] = []
        with self._system_errors(), _opened(self.path) as root:
            for directory, folder in folders.items():
                after[directory] = folder
                if folder.fresh or folder.older:
                    with (
                        _nothing_if_absent(directory == INBOX),
                        self._folder(root, directory) as descriptors,
                    ):
                        after[directory] = read_next(
                            directory, folder, descriptors, messages, unreadable
                        )
        return after, messages, unreadable

    def whole(self, ref: Ref, limit: int) -> bytes:
        """A message, or `limit` bytes of it; empty if it is gone or cannot be read."""
        with (
            self._system_errors(),
            _opened(self.path) as root,
            self._folder(root, ref.directory) as descriptors,
        ):
            for descriptor in descriptors:
                for file in os.listdir(descriptor):
                    if unique_name(file) == ref.unique:
                        with suppress(FileNotFoundError, Unreadable):
                            return read_message(descriptor, file, limit)
        return b""

    def remove(self, wanted: Mapping[Ref, bytes]) -> list[str]:
        """Deletes messages with this content. A missing one is not an error; returns those that
        have changed."""
        left, changed, freed = dict(wanted), set[Ref](), list[tuple[str, int]]()
        with self._system_errors(), _opened(self.path) as root:
            try:
                self._remove(root, left, changed, freed)
            finally:
                if freed:
                    settle_quota(root, freed)
        return [
            f"{ref.directory}/{ref.unique} has changed since it was seen; not deleted"
            for ref in changed & left.keys()
        ]

    def _remove(
        self, root: int, left: dict[Ref, bytes], changed: set[Ref], freed: list[tuple[str, int]]
    ) -> None:
        for _ in range(FIND_AGAIN):
            for directory in {ref.directory for ref in left}:
                with (
                    _nothing_if_absent(directory == INBOX),
                    self._folder(root, directory) as descriptors,
                ):
                    for descriptor in descriptors:
                        _remove_from(descriptor, directory, left, changed, freed)
            if not left:
                break

    def _directories(self, root: int) -> dict[str, tuple[str, bool]]:
        """The wanted folders: the title, and whether the folder is required."""
        there = {name: _title(name) for name in sorted(os.listdir(root)) if name.startswith(".")}
        found: dict[str, tuple[str, bool]] = {}
        for wanted in self._wanted:
            if wanted.upper() == "INBOX":
                found[INBOX] = ("INBOX", True)
            elif wanted.startswith("\\"):
                found |= {name: (title, False) for name, title in there.items() if is_junk(title)}
            elif matching := {
                name: (title, True) for name, title in there.items() if title == _plain(wanted)
            }:
                found |= matching
            else:
                raise ProbeError(
                    Reason.UNAVAILABLE,
                    f"{self.path} has no folder {wanted}: make it or change `folders`",
                )
        return found

    @contextmanager
    def _folder(self, root: int, directory: str) -> Iterator[tuple[int, int]]:
        """The open directories new and cur of a folder."""
        with ExitStack() as stack:
            folder = stack.enter_context(_opened(self.place(directory), directory, root))
            new, cur = (
                stack.enter_context(_opened(self.place(directory, sub), sub, folder))
                for sub in SUBDIRECTORIES
            )
            yield new, cur

    def _system_errors(self) -> AbstractContextManager[None]:
        return map_exceptions({OSError: self._probe_error})

    def _probe_error(self, error: OSError) -> ProbeError:
        """The error for a refusal of the system, with the cure."""
        number = error.errno or 0
        reason, cure = _CURES.get(number, (Reason.UNAVAILABLE, "check the file system"))
        place, user = error.filename or self.path, f"the user with the id {os.geteuid()}"
        words = (error.strerror or "unknown error").lower()
        detail = f"{place}: {words}; {cure.format(user=user)}"
        return ProbeError(reason, detail, code=errno.errorcode.get(number, ""))


@contextmanager
def _opened(path: str, name: str | None = None, at: int | None = None) -> Iterator[int]:
    """Opens a directory. Below the Maildir, opens `name` in the directory `at`, and refuses a
    link."""
    flags = _READ | os.O_DIRECTORY | (os.O_NOFOLLOW if at is not None else 0)
    try:
        descriptor = os.open(name or path, flags, dir_fd=at)
    except OSError as error:
        error.filename = path
        raise
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _nothing_if_absent(demanded: bool) -> AbstractContextManager[None]:
    """Ignores an optional folder that is missing, incomplete or a link."""
    return nullcontext() if demanded else suppress(FileNotFoundError, NotADirectoryError)


def _title(directory: str) -> str:
    return _plain(decode_folder(directory[1:]))


def _plain(name: str) -> str:
    """The name of a folder. Dots separate folders; with some servers all are below INBOX."""
    name = name.replace("/", ".")
    return name[6:] if name[:6].upper() == "INBOX." else name


def _listing(
    descriptor: int, before: DirectoryListing | None, now: Callable[[], float]
) -> DirectoryListing:
    """The content of a directory; the one `before` if it has certainly not changed since."""
    about = os.fstat(descriptor)
    identity, moment = (about.st_dev, about.st_ino, about.st_mtime_ns), now()
    same = before is not None and before.identity == identity
    lag = 0.0
    if before and same and before.listed_at - before.same_since >= SETTLED:
        lag = moment - before.listed_at
        if lag < CERTAIN_EVERY:
            return before
    names = frozenset(file for file in os.listdir(descriptor) if not file.startswith("."))
    since = before.same_since if before and same else moment
    return DirectoryListing(identity, since, now(), lag, names).compared_with(before)


def _remove_from(
    descriptor: int,
    directory: str,
    left: dict[Ref, bytes],
    changed: set[Ref],
    freed: list[tuple[str, int]],
) -> None:
    wanted = tuple(ref.unique for ref in left if ref.directory == directory)
    for file in os.listdir(descriptor) if wanted else ():
        if file.startswith(wanted) and (ref := Ref(directory, unique_name(file))) in left:
            with suppress(FileNotFoundError):  # it is moving, or gone: the next round tells
                if begins_with(descriptor, file, left[ref]):
                    freed.append((directory, counted_size(descriptor, file)))
                    os.unlink(file, dir_fd=descriptor)
                    del left[ref]
                else:
                    changed.add(ref)
