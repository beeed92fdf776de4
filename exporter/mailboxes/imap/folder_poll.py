"""One poll of the selected folder of an IMAP mailbox: new messages, and some of the older ones."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.timing.fairness import Slices
from exporter.core.trace.trace import Trace
from exporter.mail.headers.dates import time_of
from exporter.mailboxes.imap.breaking import BreakingMessages
from exporter.mailboxes.imap.folder import Folder, Ref
from exporter.mailboxes.imap.selection import CHUNK, Selection
from exporter.mailboxes.session import READ_LIMIT, Extent, Sighting
from exporter.net.imap.connection import ImapConnection
from exporter.net.imap.names import uid_set
from exporter.net.imap.reader import attributes, number
from exporter.net.imap.reply import Reply

ALONE = 10  # messages in one scan, if each is read by a command of its own


class FolderPoll:
    """Reads messages without marking them as read."""

    def __init__(
        self,
        imap: ImapConnection,
        trace: Trace,
        selection: Selection,
        breaking: BreakingMessages,
    ) -> None:
        self._imap = imap
        self._trace = trace
        self._selection = selection
        self._breaking = breaking
        self.extent = Extent()
        self._last_time = False  # a trip is about to be overdue
        self._answered = False  # the last FETCH has shown something

    async def read_new(self, folder: Folder, lag: float, *, again: bool = False) -> list[Sighting]:
        """Reads new messages first, then some of the older ones.

        A message may be seen up to `lag` seconds late. With `again`, it retries messages that could
        not be read. One at which the connection may end comes last, when there is nothing to lose.
        """
        found, alone = list[Sighting](), self._breaking.reads_alone(folder)
        self._last_time = again
        due = folder.missing and (again or self._trace.now() >= folder.again_at)
        if folder.unseen or due:
            with self._trace.step(Step.FETCH, folder.title):
                found = await self._new(folder, lag)
        if alone and found:
            return found
        if folder.bookmark.older:
            with self._trace.step(Step.FETCH, f"{folder.title}: older messages"):
                found += await self._older(folder, lag)
        if not folder.unseen and not folder.bookmark.older:
            self._breaking.all_read(folder)
        if not found and (retried := self._breaking.due(folder, self._trace.now())):
            with self._trace.step(Step.FETCH, f"{folder.title}: an unreadable message"):
                found = await self._read_each(folder, retried, lag)
        return found

    async def _older(self, folder: Folder, lag: float) -> list[Sighting]:
        """The headers of some older messages, without those that the server does not show: they
        need not be ours."""
        older, unreadable = folder.bookmark.older, self._breaking.unreadable(folder)
        if not self._breaking.reads_alone(folder):
            together = {*older[:CHUNK]}.difference(unreadable)
            try:
                found, _ = (
                    await self._fetch(folder, uid_set(together), "HEADER", lag, together)
                    if together
                    else ([], set())
                )
            except ProbeError as refusal:
                self._refused(folder, refusal)
                self._breaking.read_alone(folder, len(together))
            else:
                folder.bookmark = replace(folder.bookmark, older=older[CHUNK:])
                return found
        some = [uid for uid in older[:ALONE] if uid not in unreadable]
        found = await self._read_each(folder, some, lag, "HEADER")
        folder.bookmark = replace(folder.bookmark, older=older[ALONE:])
        self._breaking.passed(folder, ALONE)
        return found

    async def read_refs(self, folder: Folder, refs: Sequence[Ref]) -> list[Sighting]:
        """Reads these messages again, as far as possible."""
        uids = {ref.uid for ref in refs if ref.validity == folder.validity}
        try:
            return (await self._fetch(folder, uid_set(uids), "", 0.0, uids))[0] if uids else []
        except ProbeError as refusal:
            if not self._may_go_on(folder, refusal):
                raise
            return []

    async def _new(self, folder: Folder, lag: float) -> list[Sighting]:
        """The messages after the bookmark; only the oldest if there are many.

        Retries messages that were announced, but are missing (Microsoft 365, Exchange) or NIL.
        """
        first, handed = folder.bookmark.next_uid, folder.bookmark.handed
        listed: list[int] | None = None
        left = 0
        alone, unreadable = self._breaking.reads_alone(folder), self._breaking.unreadable(folder)
        one_by_one = (
            folder.reading_again
            or not 0 < folder.unseen <= CHUNK
            or alone
            or any(uid >= first for uid in unreadable)
        )
        promised = folder.begin_poll()
        try:
            if one_by_one:
                uids = await self._selection.uids(f"{first}:*", by_uid=True)
                unread = {uid for uid in uids if uid >= first}.difference(handed, unreadable)
                listed = sorted(unread)[: ALONE if alone else CHUNK]
                left = len(unread) - len(listed)
            found, empty = await self._read_from(folder, first, listed, lag)
        except ProbeError as refusal:
            found, empty = [], self._refused(folder, refusal)
        return self._account(folder, found, listed, left, max(promised - len(found), len(empty)))

    async def _read_from(
        self, folder: Folder, first: int, listed: Sequence[int] | None, lag: float
    ) -> tuple[list[Sighting], set[int]]:
        """The messages, and the UIDs of those that could not be read. If they are refused together,
        fetches each alone."""
        if listed is None:
            found, empty = await self._fetch(
                folder, f"{first}:*", "", lag, lambda uid: uid >= first
            )
            # The last message always fits `n:*` (RFC 3501 section 6.4.8).
            if not self._answered and folder.exists:
                empty.add(0)
            there = await self._still_present(folder, found, first)
            return there, empty | {sighting.ref.uid for sighting in found if sighting not in there}
        wanted, found = set(listed), list[Sighting]()
        try:
            if self._breaking.reads_alone(folder):
                found = await self._read_each(folder, listed, lag)
            elif wanted:
                found, _ = await self._fetch(folder, uid_set(wanted), "", lag, wanted)
        except ProbeError as refusal:
            if len(wanted) == 1 or not self._may_go_on(folder, refusal):
                raise
            found = await self._read_each(folder, listed, lag)
        return found, wanted - {sighting.ref.uid for sighting in found}

    async def _still_present(
        self, folder: Folder, found: list[Sighting], first: int
    ) -> list[Sighting]:
        """The messages, without those whose doubtful UID does not exist in the folder."""
        last = max(first, folder.uidnext) + max(folder.exists, len(found))
        if not folder.uidnext_is_told or all(sighting.ref.uid < last for sighting in found):
            return found
        there = set(await self._selection.uids(f"{first}:*", by_uid=True))
        return [sighting for sighting in found if sighting.ref.uid in there]

    async def _read_each(
        self, folder: Folder, uids: Sequence[int], lag: float, section: str = ""
    ) -> list[Sighting]:
        """These messages, each by a command of its own, without those that are refused."""
        found = list[Sighting]()
        for uid in uids:
            try:
                found += (await self._fetch(folder, str(uid), section, lag, {uid}))[0]
            except ProbeError as refusal:
                if not self._may_go_on(folder, refusal):
                    raise
        return found

    def _refused(self, folder: Folder, refusal: ProbeError) -> set[int]:
        """Handles a refused message, which may be readable a moment later, as the server's text
        indicates."""
        folder.bookmark = replace(folder.bookmark, refused=folder.bookmark.refused + 1)
        if not self._may_go_on(folder, refusal):
            raise refusal
        self._trace.note(f"-- {refusal.detail}; retrying")
        return {0}

    def _may_go_on(self, folder: Folder, refusal: ProbeError) -> bool:
        """Whether to continue after a refusal. If the server is unavailable, a new session may
        help; but it may be just one bad message (Yahoo, Exchange)."""
        refused = refusal.reason is Reason.REJECTED or (
            refusal.reason is Reason.UNAVAILABLE and folder.bookmark.refused > 1
        )
        return refused and self._imap.alive

    def _account(
        self,
        folder: Folder,
        found: list[Sighting],
        listed: Sequence[int] | None,
        left: int,
        missing: int,
    ) -> list[Sighting]:
        """Saves how far the folder was read; `left` more messages are listed."""
        uids = sorted(sighting.ref.uid for sighting in found)
        if len(uids) > CHUNK:  # more came than were announced: the rest is for the next look
            left, uids = len(uids) - CHUNK, uids[:CHUNK]
        last = uids[-1] if uids else 0
        missing = max(missing - left, 0)
        given_up = folder.missing
        if missing and (folder.hopeless or (folder.nameless and self._last_time)):
            folder.bookmark = replace(folder.bookmark, nameless=True)
            detail = f"{self._imap.server} sent FETCH responses without the UID (RFC 9051, 7.5.2)"
            raise ProbeError(Reason.PROTOCOL, detail)
        lacks = folder.lacks(missing, uids, self._trace.now())
        folder.end_poll(left)
        if not lacks:
            if missing:
                self._trace.note(
                    f"-- {max(missing, given_up)} announced messages cannot be read; skipped"
                )
                folder.advance(max(listed) + 1 if listed else 0)
            folder.bookmark = replace(folder.bookmark, refused=0, nameless=False)
            folder.advance(last + 1 if last else 0)
            if not left:
                folder.advance(folder.uidnext)
                folder.checked_at = self._trace.now()
        return [sighting for sighting in found if sighting.ref.uid <= last]

    async def whole(self, folder: Folder, ref: Ref, limit: int) -> bytes:
        """A message of the selected folder, or `limit` bytes of it; empty if it is gone."""
        if ref.validity != folder.validity:
            return b""
        return await self._selection.message(ref.uid, limit)

    async def _fetch(
        self,
        folder: Folder,
        uids: str,
        section: str,
        lag: float,
        wanted: set[int] | Callable[[int], bool],
    ) -> tuple[list[Sighting], set[int]]:
        """The messages, and the UIDs of those without a body. Ignores unsolicited responses."""
        section = "HEADER" if self.extent.only_header else section
        date = "INTERNALDATE " if self.extent.dated else ""
        asked, alive = wanted if isinstance(wanted, set) else set[int](), self._imap.alive
        new = any(uid >= folder.bookmark.next_uid for uid in asked)
        try:
            reply: Reply = await self._imap.fetch(
                uids, f"(UID {date}BODY.PEEK[{section}]<0.{READ_LIMIT}>)", by_uid=True
            )
        except ProbeError as error:
            if alive:  # else the connection had ended before
                self._breaking.ended(folder, asked, error, self._trace.now(), new=new)
            raise
        try:
            lines = await self._selection.observed(reply.what_is_left("FETCH"))
        except ProbeError as refusal:
            self._breaking.refused(folder, asked, refusal, self._trace.now(), new=new)
            raise
        self._breaking.shown(folder, asked)
        is_wanted = wanted.__contains__ if isinstance(wanted, set) else wanted
        found: dict[int, Sighting] = {}
        empty, self._answered = set[int](), False
        slices = Slices(self._trace.now)
        for line in lines:
            await slices.pause()
            if line.name != "FETCH":
                continue
            self._answered = True
            told = attributes(line)
            uid = number(told.get("UID"))
            raw = next((told[key] for key in told if key.startswith("BODY[")), None)
            if not uid and raw:
                folder.nameless = True
                empty.add(-line.number)
            if not uid or not is_wanted(uid):
                continue
            folder.nameless = False
            if not isinstance(raw, bytes) or not raw:
                empty.add(uid)
                continue
            seen_at = folder.seen_at(line.number) or line.received_at
            watched = uid >= folder.watched_from
            cut = bool(section) or len(raw) >= READ_LIMIT
            ref = Ref(folder.validity, uid)
            found[uid] = Sighting(
                ref,
                folder.title,
                raw[:READ_LIMIT],
                seen_at,
                watched,
                lag,
                junk=folder.junk,
                cut=cut,
                arrived_at=_time_of(told.get("INTERNALDATE")),
            )
        return list(found.values()), empty - found.keys()


def _time_of(internaldate: object) -> float | None:
    """When a message came, such as "17-Jul-1996 02:44:25 -0700" (RFC 3501 section 2.3.3)."""
    if not isinstance(internaldate, bytes):
        return None
    at = time_of(internaldate.decode("ascii", "replace"))
    return None if at is None else float(at)
