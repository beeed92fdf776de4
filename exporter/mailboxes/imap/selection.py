"""The folders of an open IMAP mailbox: the first is selected, the others are asked about and
visited for a moment."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.core.trace import Trace
from exporter.mailboxes.imap.folder import SWEEP, UNKNOWN, Folder
from exporter.net.imap.connection import ImapConnection
from exporter.net.imap.names import quote
from exporter.net.imap.reader import Response, attributes, number
from exporter.net.imap.reply import Reply

CHUNK = 100  # messages in one command
BLIND = 0.1  # seconds that the first folder may be out of sight without a delay becoming a guess
LEFT_ALONE = 60.0  # seconds; an optional folder that cannot be selected
# Seconds between two visits to a folder of which the server tells nothing (STATUS).
UNASKED_EVERY = 10.0
IN_A_TURN = 200  # responses that are looked at before others have their turn
MOST_TOLD = 2000  # responses to SELECT that are looked at


class Selection:
    """Knows which folder is selected, and tells it what the server says of it."""

    def __init__(self, imap: ImapConnection, trace: Trace, folders: Sequence[Folder]) -> None:
        self.folders = folders
        self._imap = imap
        self._trace = trace
        self._selected: Folder | None = None
        self._untold: set[str] = set()  # folders that the server refuses STATUS of

    @property
    def main(self) -> Folder:
        return self.folders[0]

    @property
    def others(self) -> Sequence[Folder]:
        return self.folders[1:]

    async def open(self) -> None:
        """Selects the first folder. What comes from now on is watched."""
        for folder in self.others:
            folder.announcements.reset_timer(self._trace.now())
            folder.checked_at = self._trace.now()
            await self.has_news(folder)
        await self.select_where_left(self.main)
        await self._check_rights(self.main)
        self.main.announcements.reset_timer(self._trace.now())

    async def has_news(self, folder: Folder) -> bool:
        """Asks for a folder that is not selected; that costs much less than to select it."""
        if folder.name in self._untold:
            return self._trace.now() - folder.checked_at >= UNASKED_EVERY
        try:
            validity, uidnext = await self.status(folder)
        except ProbeError as refusal:
            if not self.is_tolerable(folder, refusal):
                raise
            self._untold.add(folder.name)
            return False
        folder.announced_uidnext = uidnext
        if not uidnext:
            return True
        folder.watch(validity, uidnext)
        return folder.behind(validity, uidnext)

    def lag(self, folder: Folder, between: float) -> float:
        """Seconds by which a message there may be seen late, if the folder is asked for every
        `between` seconds."""
        return UNASKED_EVERY if folder.name in self._untold else between

    def is_tolerable(self, folder: Folder, refusal: ProbeError) -> bool:
        """The server refuses something about an optional folder: the others still work."""
        if not folder.optional or not self._imap.alive or refusal.reason is Reason.INTERNAL:
            return False
        self._trace.note(f"-- {refusal.detail}; skipped for now")
        return True

    async def status(self, folder: Folder) -> tuple[int, int]:
        """UIDVALIDITY and UIDNEXT of a folder that is not selected; 0 for what the server does not
        tell."""
        reply: Reply = await self._imap.simple_command(
            "STATUS", quote(folder.name), "(UIDNEXT UIDVALIDITY)"
        )
        lines = await self.observed(reply.data(f"STATUS of the folder {folder.title}"))
        told = next((attributes(line) for line in lines if line.name == "STATUS"), {})
        return number(told.get("UIDVALIDITY")), number(told.get("UIDNEXT"))

    async def select_where_left(self, folder: Folder) -> None:
        """Selects a folder that is looked into, and finds out where that was left."""
        await self._select(folder)
        exists = folder.exists
        folder.checked_at = self._trace.now()
        if not folder.uidnext:
            folder.last_message_is(max(await self.uids(str(exists)), default=0) if exists else 0)
        folder.watch(folder.validity, folder.uidnext)
        if folder.unfamiliar:
            if folder.bookmark.validity != UNKNOWN.validity:
                self._trace.note(
                    f"-- {folder.title} has changed (UIDVALIDITY, UIDNEXT); searching it again"
                )
            folder.start_over(
                await self.uids(f"{max(exists - SWEEP, 0) + 1}:{exists}") if exists else []
            )
        folder.count_unseen(exists)

    async def reselect(self, folder: Folder, noticed: float) -> None:
        """Takes up a folder of which nothing was told. What came there is not said to be watched,
        unless the server has told of others, and came since it was asked at the moment
        `noticed`."""
        if folder is not self._selected or folder is self.main:
            await self.select_where_left(folder)
        now = self._trace.now()
        caught = bool(folder.unseen)
        if caught and not (folder.announcements.proven and now - noticed <= BLIND):
            self._trace.note(
                f"-- {folder.title} has messages that the server did not announce: their delay is"
                " unknown"
            )
            folder.watched_from = max(folder.watched_from, folder.uidnext)
        folder.announcements.tried(now, caught=caught)

    async def _select(self, folder: Folder) -> None:
        self._selected = None  # nor is it if that is refused (RFC 3501 section 6.3.1)
        reply: Reply = await self._imap.select(quote(folder.name))
        hint = " (use `id: true`)" if "unsafe login" in reply.text.lower() else ""
        folder.opened(reply.data(f"SELECT of the folder {folder.title}{hint}")[-MOST_TOLD:])
        self._selected = folder
        if reply.code == "READ-ONLY":
            self._readonly(folder)

    def _readonly(self, folder: Folder) -> None:
        """What is found there cannot be deleted, which is told before something is sent there."""
        if folder.optional or folder not in self.folders:
            self._trace.note(f"-- {folder.title} is read-only: messages can't be deleted there")
            return
        raise ProbeError(
            Reason.REJECTED, f"mailbox is read-only: messages can't be deleted from {folder.title}"
        )

    async def _check_rights(self, folder: Folder) -> None:
        """MYRIGHTS, where the server offers access control lists (RFC 4314; `d` is RFC 2086's for
        both `t` and `e`)."""
        if "ACL" not in self._imap.capabilities:
            return
        reply: Reply = await self._imap.simple_command("MYRIGHTS", quote(folder.name))
        told = next(
            (line.values[-1] for line in reply.lines if line.name == "MYRIGHTS" and line.values),
            None,
        )
        if (
            reply.result != "OK"
            or not isinstance(told, bytes)
            or b"d" in told
            or {*b"te"} <= {*told}
        ):
            return
        detail = (
            f"messages can't be deleted from {folder.title}: the rights there are"
            f" {told.decode('ascii', 'replace')}"
        )
        raise ProbeError(
            Reason.REJECTED,
            f"mailbox is read-only: {detail} (`t` and `e` are needed)",
            code="NOPERM",
        )

    @asynccontextmanager
    async def inside(self, folder: Folder) -> AsyncIterator[None]:
        """Selects the folder for a moment. Who comes into the first one meanwhile is watched if it
        was a short one."""
        left = self._trace.now()
        try:
            if folder is not self._selected:
                # The trash is not read.
                await (
                    self.select_where_left(folder)
                    if folder in self.folders
                    else self._select(folder)
                )
            yield
        except ProbeError:  # perhaps only a refusal that a caller tolerates
            if self._imap.alive and folder is not self.main:
                await self._return(left)
            raise
        if folder is not self.main:
            await self._return(left)

    async def _return(self, left: float) -> None:
        await self.select_where_left(self.main)
        if self._trace.now() - left > BLIND or self.main.announcements.caught:
            self.main.watched_from = self.main.uidnext

    async def uids(self, messages: str, *, by_uid: bool = False) -> list[int]:
        """The UIDs of these messages in the selected folder."""
        reply: Reply = await self._imap.fetch(messages, "(UID)", by_uid=by_uid)
        lines = await self.observed(reply.what_is_left("FETCH of UIDs"))
        return [
            uid async for line in in_turns(lines) if line.name == "FETCH" and (uid := uid_of(line))
        ]

    async def observed(self, lines: list[Response]) -> list[Response]:
        """Whatever the server says beside the answer is about the selected folder."""
        async for line in in_turns(lines):
            if self._selected and self._selected.observe(line):
                self._selected.announcements.announced(self._trace.now())
        return lines


async def in_turns(lines: Sequence[Response]) -> AsyncIterator[Response]:
    """The same, while others have their turn now and then."""
    for start in range(0, len(lines), IN_A_TURN):
        if start:
            await asyncio.sleep(0)
        for line in lines[start : start + IN_A_TURN]:
            yield line


def uid_of(line: Response) -> int:
    """The UID that a FETCH response tells; 0 if it does not."""
    return number(attributes(line).get("UID"))
