"""The folders of an open IMAP mailbox: the first is selected; STATUS polls the others, which are
selected briefly."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.core.timing.fairness import Slices
from exporter.core.trace.trace import Trace
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
MOST_TOLD = 2000  # responses to SELECT that are looked at


class Selection:
    """Tracks the selected folder, and passes it the server's responses."""

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
        """Selects the first folder. New messages are watched from now on."""
        for folder in self.others:
            folder.announcements.reset_timer(self._trace.now())
            folder.checked_at = self._trace.now()
            await self.has_news(folder)
        await self.select_where_left(self.main)
        await self._check_rights(self.main)
        self.main.announcements.reset_timer(self._trace.now())

    async def has_news(self, folder: Folder) -> bool:
        """Polls a folder that is not selected, which is much cheaper than to select it."""
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
        """The seconds by which a message there may be seen late, if the folder is polled every
        `between` seconds."""
        return UNASKED_EVERY if folder.name in self._untold else between

    def is_tolerable(self, folder: Folder, refusal: ProbeError) -> bool:
        """Whether the server refuses a command about an optional folder: the others still work."""
        if not folder.optional or not self._imap.alive or refusal.reason is Reason.INTERNAL:
            return False
        self._trace.note(f"-- {refusal.detail}; skipped for now")
        return True

    async def status(self, folder: Folder) -> tuple[int, int]:
        """UIDVALIDITY and UIDNEXT of a folder that is not selected; 0 for missing values."""
        reply: Reply = await self._imap.simple_command(
            "STATUS", quote(folder.name), "(UIDNEXT UIDVALIDITY)"
        )
        lines = await self.observed(reply.data(f"STATUS of the folder {folder.title}"))
        told = next((attributes(line) for line in lines if line.name == "STATUS"), {})
        return number(told.get("UIDVALIDITY")), number(told.get("UIDNEXT"))

    async def select_where_left(self, folder: Folder) -> None:
        """Selects a folder to read, and finds the position of the last poll."""
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
        """Selects a folder without announcements again. Its new messages do not count as watched,
        unless the server announced others, and they arrived after the poll at `noticed`."""
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
        """Raises ProbeError for a read-only folder, before a message that could not be deleted is
        sent there. Only notes an optional folder."""
        if folder.optional or folder not in self.folders:
            self._trace.note(f"-- {folder.title} is read-only: messages cannot be deleted there")
            return
        raise ProbeError(
            Reason.REJECTED, f"mailbox is read-only: messages cannot be deleted from {folder.title}"
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
            f"messages cannot be deleted from {folder.title}: the rights there are"
            f" {told.decode('ascii', 'replace')}"
        )
        raise ProbeError(
            Reason.REJECTED,
            f"mailbox is read-only: {detail} (`t` and `e` are needed)",
            code="NOPERM",
        )

    @asynccontextmanager
    async def inside(self, folder: Folder) -> AsyncIterator[None]:
        """Selects the folder briefly. Messages that arrive in the first one meanwhile count as
        watched if it was brief enough."""
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
        uids, slices = list[int](), Slices(self._trace.now)
        for line in lines:
            await slices.pause()
            if line.name == "FETCH" and (uid := uid_of(line)):
                uids.append(uid)
        return uids

    async def message(self, uid: int, limit: int) -> bytes:
        """A message of the selected folder, or `limit` bytes of it; empty if it is gone."""
        reply: Reply = await self._imap.fetch(
            str(uid), f"(UID BODY.PEEK[]<0.{limit}>)", by_uid=True
        )
        for line in await self.observed(reply.what_is_left("FETCH")):
            told = attributes(line) if line.name == "FETCH" else {}
            raw = next((told[key] for key in told if key.startswith("BODY[")), None)
            if number(told.get("UID")) == uid and isinstance(raw, bytes):
                return raw
        return b""

    async def finds(self, words: str, uid: int) -> bool:
        """Whether a search of the selected folder finds this message. Raises ProbeError."""
        reply: Reply = await self._imap.search(f"UID {uid} {words}", charset=None, by_uid=True)
        lines = await self.observed(reply.data("SEARCH"))
        return uid in [
            number(one) for line in lines if line.name == "SEARCH" for one in line.values
        ]

    async def observed(self, lines: list[Response]) -> list[Response]:
        """Passes unsolicited responses to the selected folder."""
        slices = Slices(self._trace.now)
        for line in lines:
            await slices.pause()
            if self._selected and self._selected.observe(line):
                self._selected.announcements.announced(self._trace.now())
        return lines


def uid_of(line: Response) -> int:
    """The UID in a FETCH response; 0 if missing."""
    return number(attributes(line).get("UID"))
