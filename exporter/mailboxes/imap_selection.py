"""The folders of an open IMAP mailbox: the first is selected, the others are asked about and visited for a moment."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from exporter.mailboxes.imap_folder import SWEEP, UNKNOWN, Folder
from exporter.net.imap import ImapConnection
from exporter.net.imap_names import quote
from exporter.net.imap_reader import Response, attributes, number
from exporter.net.imap_reply import Reply
from exporter.run import Run

CHUNK = 100  # messages in one command
BLIND = 0.1  # seconds that the first folder may be out of sight without a delay becoming a guess


class Selection:
    """Knows which folder is selected, and tells it what the server says of it."""

    def __init__(self, imap: ImapConnection, run: Run, folders: Sequence[Folder]) -> None:
        self.folders = folders
        self._imap = imap
        self._run = run
        self._selected: Folder | None = None

    @property
    def main(self) -> Folder:
        return self.folders[0]

    @property
    def others(self) -> Sequence[Folder]:
        return self.folders[1:]

    async def begin(self) -> None:
        """Selects the first folder. What comes from now on is watched."""
        for folder in self.others:
            await self.has_news(folder)
        await self.take_up(self.main)

    async def has_news(self, folder: Folder) -> bool:
        """Asks for a folder that is not selected; that costs much less than to select it."""
        validity, uidnext = await self.status(folder)
        if not uidnext:
            return True
        folder.watch(validity, uidnext)
        return folder.behind(validity, uidnext)

    async def status(self, folder: Folder) -> tuple[int, int]:
        """UIDVALIDITY and UIDNEXT of a folder that is not selected; 0 for what the server does not tell."""
        reply: Reply = await self._imap.simple_command("STATUS", quote(folder.name), "(UIDNEXT UIDVALIDITY)")
        lines = self.observed(reply.data(f"STATUS of the folder {folder.title}"))
        told = next((attributes(line) for line in lines if line.name == "STATUS"), {})
        return number(told.get("UIDVALIDITY")), number(told.get("UIDNEXT"))

    async def take_up(self, folder: Folder) -> None:
        """Selects a folder that is looked into, and finds out where that was left."""
        await self._select(folder)
        exists = folder.exists
        folder.checked_at = self._run.now()
        if not folder.uidnext:
            folder.last_message_is(max(await self.uids(str(exists)), default=0) if exists else 0)
        folder.watch(folder.validity, folder.uidnext)
        if folder.unfamiliar:
            if folder.bookmark is not UNKNOWN:
                self._run.note(f"-- {folder.title} is not as we left it (UIDVALIDITY, UIDNEXT): swept anew")
            folder.start_over(await self.uids(f"{max(exists - SWEEP, 0) + 1}:{exists}") if exists else [])
        folder.resume(exists)

    async def _select(self, folder: Folder) -> None:
        reply: Reply = await self._imap.select(quote(folder.name))
        folder.opened(reply.data(f"SELECT of the folder {folder.title}"))
        self._selected = folder

    @asynccontextmanager
    async def inside(self, folder: Folder) -> AsyncIterator[None]:
        """Selects the folder for a moment. Who comes into the first one meanwhile is watched if it was a short one."""
        left = self._run.now()
        if folder is not self._selected:
            await (self.take_up(folder) if folder in self.folders else self._select(folder))  # the trash is not read
        yield
        if folder is not self.main:
            await self.take_up(self.main)
            if self._run.now() - left > BLIND:
                self.main.watched_from = self.main.uidnext

    async def uids(self, messages: str, *, by_uid: bool = False) -> list[int]:
        """The UIDs of these messages in the selected folder."""
        reply: Reply = await self._imap.fetch(messages, "(UID)", by_uid=by_uid)
        lines = self.observed(reply.what_is_left("FETCH of UIDs"))
        uids = (number(attributes(line).get("UID")) for line in lines if line.name == "FETCH")
        return [uid for uid in uids if uid]

    def observed(self, lines: list[Response]) -> list[Response]:
        """Whatever the server says beside the answer is about the selected folder."""
        if self._selected:
            for line in lines:
                self._selected.observe(line)
        return lines
