"""Deletes exactly our messages from an IMAP mailbox, with the extensions that the server offers."""

from collections.abc import Sequence
from dataclasses import replace

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.core.trace.trace import Trace
from exporter.mailboxes.imap.folder import UNKNOWN, Folder, Ref
from exporter.mailboxes.imap.selection import CHUNK, Selection
from exporter.mailboxes.session import READ_LIMIT, Sighting, Wanted
from exporter.net.imap.connection import ImapConnection
from exporter.net.imap.names import quote, uid_set
from exporter.net.imap.reader import attributes, number
from exporter.net.imap.reply import Reply


class Deletion:
    """Removes messages by UID; with a `trash`, as at Gmail, moves them there first.

    A folder of Gmail is a label. An expunged message loses the label, and may stay in All Mail for
    ever, depending on the account's settings (`expungeBehavior` in its API). One expunged from the
    trash is gone.
    """

    def __init__(
        self,
        imap: ImapConnection,
        trace: Trace,
        selection: Selection,
        trash: Folder | None,
        wanted: Wanted,
    ) -> None:
        self._imap = imap
        self._trace = trace
        self._selection = selection
        self._trash = trash
        self._wanted = wanted
        self._uidplus = "UIDPLUS" in imap.capabilities
        self._thrown: set[int] = set()  # what is on its way through the trash, by X-GM-MSGID
        self._thrown_from = 1  # the first UID that it can have there

    async def delete(self, sightings: Sequence[Sighting]) -> None:
        """Removes exactly these messages. A missing one is not an error."""
        folders = self._selection.folders
        refs = {
            folder.title: {one.ref for one in sightings if one.folder == folder.title}
            for folder in folders
        }
        for folder in folders:
            if refs[folder.title]:
                async with self._selection.inside(folder):
                    await self._remove(folder, refs[folder.title])
        if self._trash and self._thrown:
            async with self._selection.inside(self._trash):
                await self._remove_thrown(self._trash)
        for gone in {one.folder for one in sightings} - refs.keys():
            self._trace.note(
                f"-- the folder {gone} no longer exists; messages seen there cannot be deleted"
            )

    async def _remove(self, folder: Folder, refs: set[Ref]) -> None:
        uids = sorted(ref.uid for ref in refs if ref.validity == folder.validity)
        if len(uids) < len(refs):
            self._trace.note(
                f"-- {folder.title} has a new UIDVALIDITY; messages seen before cannot be deleted"
            )
        if not folder.validity:
            uids = await self._still_ours(folder, uids)
        stay = [
            chunk for chunk in _chunks(uids) if not await self._throw_away(folder, uid_set(chunk))
        ]
        await self._expunge(folder, stay)

    async def _still_ours(self, folder: Folder, uids: Sequence[int]) -> list[int]:
        """Those that still belong to our messages. Without UIDVALIDITY a UID may mean another
        message in the next session (RFC 3501 section 6.3.1)."""
        ours = list[int]()
        for uid in uids:
            raw = await self._selection.message(uid, READ_LIMIT)
            if raw and await self._wanted(raw):
                ours.append(uid)
            elif raw:
                self._trace.note(
                    f"-- message {uid} in {folder.title} has the UID of a probe message, but is not"
                    " one; not deleted"
                )
                folder.bookmark = replace(folder.bookmark, validity=UNKNOWN.validity)
        return ours

    async def _expunge(self, folder: Folder, chunks: Sequence[Sequence[int]]) -> None:
        """Flags and expunges messages of the selected folder; without UIDPLUS flagged ones may
        remain."""
        for chunk in chunks:
            flag: Reply = await self._imap.store(
                uid_set(chunk), "+FLAGS.SILENT", "(\\Deleted)", by_uid=True
            )
            await self._selection.observed(flag.what_is_left("STORE of \\Deleted"))
            if not await self._expunge_these(uid_set(chunk)):
                folder.flagged.update(chunk)
        if folder.flagged:
            await self._expunge_all(folder)

    async def _expunge_these(self, uids: str) -> bool:
        """UID EXPUNGE (RFC 4315). False if it is not offered, or offered and broken (Proton
        Bridge)."""
        if not self._uidplus:
            return False
        try:
            expunge: Reply = await self._imap.expunge(uids, by_uid=True)
            await self._selection.observed(expunge.what_is_left("EXPUNGE"))
        except ProbeError as refusal:
            if not self._refused(refusal):
                raise
            self._trace.note(f"-- {refusal.detail}: UIDPLUS is offered, but does not work")
            self._uidplus = False
        return self._uidplus

    async def _expunge_all(self, folder: Folder) -> None:
        """Without UIDPLUS, sends EXPUNGE, which removes every flagged message: only if all of them
        are ours."""
        passed_over = self._imap.passed_over
        search: Reply = await self._imap.search("DELETED", charset=None, by_uid=True)
        try:
            lines = await self._selection.observed(search.data("SEARCH"))
        except ProbeError as refusal:
            if not self._refused(refusal):
                raise
            self._trace.note(
                f"-- {refusal.detail}: messages in {folder.title} are flagged, but not expunged"
                " (no UIDPLUS)"
            )
            return
        flagged = {
            number(value) for line in lines if line.name == "SEARCH" for value in line.values
        }
        if not flagged <= folder.flagged or self._imap.passed_over > passed_over:
            self._trace.note(
                f"-- other messages in {folder.title} are flagged as deleted, too: not expunged"
                " (no UIDPLUS)"
            )
            return
        if flagged:  # else they are gone, or the server does not tell
            expunge: Reply = await self._imap.expunge()
            await self._selection.observed(expunge.what_is_left("EXPUNGE"))
            folder.flagged.clear()

    def _refused(self, refusal: ProbeError) -> bool:
        """Whether the server refuses the command permanently, so that another way may be tried."""
        return self._imap.alive and refusal.reason in (Reason.REJECTED, Reason.PROTOCOL)

    async def _throw_away(self, folder: Folder, uids: str) -> bool:
        """Moves messages to the trash; False if they are still in the folder and must be
        expunged."""
        if not self._trash or folder.name == self._trash.name:
            return False
        if not (ids := await self._gmail_ids(uids)):  # gone already
            return False
        if not self._thrown:
            _, uidnext = await self._selection.status(self._trash)
            self._thrown_from = uidnext or 1
        moves = "MOVE" in self._imap.capabilities
        reply: Reply = await (self._imap.move if moves else self._imap.copy)(
            uids, quote(self._trash.name), by_uid=True
        )
        if moves and reply.result == "BAD" and not reply.passing:  # offered and not understood
            moves, reply = False, await self._imap.copy(uids, quote(self._trash.name), by_uid=True)
        try:
            await self._selection.observed(
                reply.what_is_left(f"to move to the folder {self._trash.title}")
            )
        except ProbeError as refusal:
            if not self._refused(refusal):
                raise
            self._trace.note(f"-- {refusal.detail}: the messages lose only their label")
            return False
        self._thrown.update(ids)
        return moves

    async def _remove_thrown(self, trash: Folder) -> None:
        """Expunges only our messages from the trash, not those that others have moved or are moving
        there.

        A message keeps its X-GM-MSGID in all folders, so COPYUID (RFC 4315) is not needed.
        """
        there = await self._gmail_ids(f"{self._thrown_from}:*")
        ours = [uid for message, uid in there.items() if message in self._thrown]
        if len(ours) < len(self._thrown):
            self._trace.note(f"-- some of the messages moved to {trash.title} are not there")
        await self._expunge(trash, _chunks(ours))
        self._thrown.clear()

    async def _gmail_ids(self, uids: str) -> dict[int, int]:
        """The X-GM-MSGID and UIDs of messages in the selected folder."""
        reply: Reply = await self._imap.fetch(uids, "(UID X-GM-MSGID)", by_uid=True)
        lines = await self._selection.observed(reply.what_is_left("FETCH of X-GM-MSGID"))
        told = [attributes(line) for line in lines if line.name == "FETCH"]
        ids = {number(one.get("X-GM-MSGID")): number(one.get("UID")) for one in told}
        return {message: uid for message, uid in ids.items() if message and uid}


def _chunks(uids: Sequence[int]) -> list[Sequence[int]]:
    return [uids[start : start + CHUNK] for start in range(0, len(uids), CHUNK)]
