"""A Maildir on this machine, or on a file system that it mounts."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar
from weakref import finalize

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.threads import Worker
from exporter.core.timing.wake import Wake
from exporter.core.trace.trace import Trace
from exporter.mailboxes.junk import is_junk
from exporter.mailboxes.maildir.files import MaildirFiles
from exporter.mailboxes.maildir.folder import SUBDIRECTORIES, Folder, Ref, delivered_at, unique_name
from exporter.mailboxes.maildir.options import MaildirOptions
from exporter.mailboxes.maildir.stored_message import StoredMessage, UnreadableMessage
from exporter.mailboxes.session import (
    READ_LIMIT,
    ReadsInParts,
    ReadsWhole,
    ReportsUnreadable,
    Sighting,
)
from exporter.net.dns.resolver import Resolver
from exporter.net.oauth2 import Accounts

log = logging.getLogger(__name__)
Result = TypeVar("Result")


class MaildirMailbox:
    """A configured Maildir. It keeps, between sessions, how far its folders were read.

    One separate thread accesses its files: a network file system may hang for minutes, and must not
    block other mailboxes. Meanwhile, further calls for this Maildir wait, and their callers time
    out.
    """

    listens = False

    def __init__(
        self, options: MaildirOptions, resolver: Resolver, accounts: Accounts | None = None
    ) -> None:
        self._options = options
        self._folders: dict[str, Folder] = {}
        self._thread = Worker()
        finalize(self, self._thread.stop)

    async def open(self, trace: Trace, wanted: Callable[[bytes], object]) -> "MaildirSession":
        """Opens it with its current content. Raises ProbeError if the Maildir does not exist, or we
        may not delete in it."""
        files = MaildirFiles(self._options.path, self._options.folders, trace.now)
        session = MaildirSession(files, trace, self._folders, self._thread)
        try:
            with trace.step(Step.SELECT):
                await session.open()
        except BaseException:
            session.abort()
            raise
        return session


class MaildirSession(ReportsUnreadable, ReadsWhole, ReadsInParts):
    """An open Maildir (the protocol `Session`). `folders` are the mailbox's, by directory, and
    outlive the session."""

    def __init__(
        self,
        files: MaildirFiles,
        trace: Trace,
        folders: dict[str, Folder],
        thread: Worker,
    ) -> None:
        self.messages: int | None = None
        self._files = files
        self._trace = trace
        self._folders = folders
        self._superseded: list[Folder] = []
        self._thread = thread
        self._before: set[Ref] = set()  # messages that came before this session
        self._appeared: dict[Ref, float] = {}  # when the kernel told of them
        self._unreadable = float("-inf"), ""
        self._news = False  # since the last scan
        self._wake: Wake | None = None  # of who waits
        self._watched: set[str] = set()
        # It needs ctypes, 0.5 MiB that only a Maildir needs.
        from exporter.mailboxes.maildir.events import directory_events

        self._events = directory_events(self._note_appearance, self._note_end)

    async def open(self) -> None:
        """New messages are watched from now on."""
        if self._events is None:
            self._trace.note("-- no inotify: polling for new messages")
        folders = await self._in_thread(self._first_survey)
        await self._in_thread(self._files.check_access, folders)
        for directory in folders:
            self._before.update(Ref(directory, unique) for unique in folders[directory].fresh)
        self._take(folders)
        await self._watch(folders)

    def _take(self, folders: Mapping[str, Folder]) -> None:
        self._superseded.extend(self._folders.values())
        self._folders.update(folders)

    def _survey(self) -> dict[str, Folder]:
        """The folders now. Frees the earlier ones, since with a hundred thousand messages the event
        loop would wait for milliseconds. May block."""
        self._superseded.clear()
        return self._files.survey(self._folders)

    def _first_survey(self) -> dict[str, Folder]:
        """The folders; all messages of one that no earlier session has seen are older. May
        block."""
        folders = self._survey()
        for directory in folders.keys() - self._folders.keys():
            folders[directory] = folders[directory].as_found()
        return folders

    async def scan(self) -> list[Sighting]:
        """The messages since the last scan, and some older ones until all of those were read."""
        began = self._trace.now()
        self._news = False
        with self._trace.failing_step(Step.IDLE):
            folders = await self._in_thread(self._survey)
            await self._watch(folders)
        messages: list[StoredMessage] = []
        if titles := [folder.title for folder in folders.values() if folder.fresh or folder.older]:
            with self._trace.step(Step.FETCH, ", ".join(titles)):
                folders, messages, unreadable = await self._in_thread(self._files.read, folders)
            self._note_unreadable(unreadable)
        # Only now: what a scan found before it failed is found once more.
        self._take(folders)
        self.messages = next(iter(folders.values())).messages
        if any(folder.fresh or folder.older for folder in folders.values()):
            self._news = True
        sightings = [self._sighting(message) for message in messages]
        self._appeared = {ref: moment for ref, moment in self._appeared.items() if moment >= began}
        return sightings

    async def whole(self, sighting: Sighting, limit: int) -> bytes:
        """The whole message."""
        with self._trace.step(Step.FETCH, f"{sighting.folder}: a whole message"):
            return await self._in_thread(self._files.whole, sighting.ref, limit)

    def _sighting(self, message: StoredMessage) -> Sighting:
        ref, folder, raw, junk = message.ref, message.folder, message.raw, is_junk(message.folder)
        cut, arrived_at = len(raw) >= READ_LIMIT, delivered_at(ref.unique)
        if message.noticed is None:
            now = self._trace.now()
            return Sighting(
                *(ref, folder, raw, now), False, junk=junk, cut=True, arrived_at=arrived_at
            )
        seen_at, lag = message.noticed
        if ref in self._appeared:
            seen_at, lag = min(seen_at, self._appeared[ref]), 0.0
        watched = ref not in self._before
        return Sighting(
            *(ref, folder, raw, seen_at, watched, lag), junk=junk, cut=cut, arrived_at=arrived_at
        )

    @property
    def unread(self) -> bool:
        """Whether another scan will read more."""
        return any(one.fresh or one.older for one in self._folders.values())

    def _note_unreadable(self, unreadable: list[UnreadableMessage]) -> None:
        for one in unreadable[:3]:
            log.warning("%s: a message cannot be read: %s: %s", self._files.path, one.file, one.why)
        for one in unreadable:
            if one.fresh:
                self._unreadable = self._trace.now(), one.why
                self._trace.note(f"-- a new message cannot be read: {one.why}")

    def unreadable_since(self, moment: float) -> ProbeError | None:
        """Why a message that arrived then or later could not be read; None if all could."""
        at, why = self._unreadable
        return ProbeError(Reason.UNAVAILABLE, why) if at >= moment else None

    async def wait(self, seconds: float, wake: Wake) -> None:
        """Sleeps. Ends early if the kernel reports messages, and at once if some are unread."""
        self._wake = wake
        await wake.sleep(0 if self._news else seconds)
        self._wake = None

    def _note_news(self) -> None:
        self._news = True
        if self._wake:
            self._wake.ring()

    async def _watch(self, directories: Iterable[str]) -> None:
        """Watches these folders, and new ones, with inotify. Where that is impossible, we only
        poll."""
        paths = [self._files.path]
        paths += (
            self._files.place(directory, sub) for directory in directories for sub in SUBDIRECTORIES
        )
        for path in paths:
            if self._events and path not in self._watched:
                # No watch is left (fs.inotify.max_user_watches), or the directory is gone.
                with suppress(OSError):
                    await self._in_thread(self._events.watch, path)
                self._watched.add(path)

    def _note_appearance(self, path: str, name: str) -> None:
        """Notes the time of an unknown message; one that a mail client moved or flagged is not
        new."""
        if path == self._files.path:
            if name.startswith("."):
                self._note_news()
            return
        places = (
            (one, self._files.place(one, sub)) for one in self._folders for sub in SUBDIRECTORIES
        )
        directory = next((one for one, place in places if place == path), None)
        ref = Ref(directory or "", unique_name(name))
        if directory is None or ref.unique not in self._folders[directory].known:
            self._appeared.setdefault(ref, self._trace.now())
            self._note_news()

    def _note_end(self) -> None:
        """Handles a directory that was removed or replaced."""
        self._watched.clear()
        self._note_news()

    async def delete(self, sightings: Sequence[Sighting]) -> None:
        """Removes exactly these messages, each only if it is unchanged. A missing one is not an
        error."""
        with self._trace.step(Step.DELETE):
            for note in await self._in_thread(
                self._files.remove, {one.ref: one.raw for one in sightings}
            ):
                self._trace.note(f"-- {note}")

    async def close(self) -> None:
        self.abort()

    def abort(self) -> None:
        if self._events:
            self._events.close()

    async def _in_thread(self, function: Callable[..., Result], *arguments: Any) -> Result:
        return await self._thread.run(partial(function, *arguments))
