"""An open IMAP mailbox: polls and idles in the first folder, and polls the others now and then."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.timing.wake import Wake
from exporter.core.trace.trace import Trace
from exporter.mailboxes.imap.breaking import BreakingMessages
from exporter.mailboxes.imap.deletion import Deletion
from exporter.mailboxes.imap.folder import FIRST_RECHECK, UNKNOWN, Bookmark, Folder
from exporter.mailboxes.imap.folder_list import gmail, list_folders
from exporter.mailboxes.imap.folder_poll import FolderPoll
from exporter.mailboxes.imap.incomplete import IncompleteMessages
from exporter.mailboxes.imap.selection import LEFT_ALONE, Selection
from exporter.mailboxes.session import (
    HasExtent,
    ReadsInParts,
    ReadsWhole,
    Rechecking,
    ReportsUnreadable,
    Rereading,
    Sighting,
    TellsTab,
    Wanted,
)
from exporter.net.imap.connection import ImapConnection
from exporter.net.imap.reply import Reply

OTHERS_EVERY = 1.0  # seconds between two looks into the folders besides the first
OTHERS_RECHECK = (
    15.0  # seconds until one of those is selected though the server announces nothing new
)
SLOW = 0.5  # seconds; a server that takes as long to answer has us see what came so much later
# Seconds; Dovecot tells an idling client after half a second, so for less a poll is better.
IDLE_WORTH = 1.0
IDLE_AT_MOST = 300.0  # seconds; some servers cut off who idles for ten minutes
# Of Gmail's inbox, the usual ones first: https://support.google.com/mail/answer/7190
TABS = ("primary", "promotions", "updates", "social", "forums")
LOGOUT_PATIENCE = 2.0  # seconds; LOGOUT is only good manners


async def open_session(
    imap: ImapConnection,
    trace: Trace,
    wanted: Sequence[str],
    bookmarks: dict[str, Bookmark],
    breaking: BreakingMessages,
    may_delete: Wanted,
) -> "ImapSession":
    """Finds the folders and selects the first. New messages are watched from now on."""
    listing = await list_folders(imap, wanted)
    names = listing.named(wanted)
    if not names:
        raise ProbeError(Reason.REJECTED, f"the server has none of the folders {', '.join(wanted)}")
    named = listing.named(name for name in wanted if not name.startswith("\\"))
    folders = [
        Folder(
            name,
            bookmarks.get(name, UNKNOWN),
            junk=listing.is_junk(name),
            optional=bool(index) and name not in named,
            recheck=OTHERS_RECHECK if index else FIRST_RECHECK,
        )
        for index, name in enumerate(names)
    ]
    for folder in folders:
        if folder.name not in named:  # the server's own word
            folder.title = imap.redaction.clean(folder.title)
    selection = Selection(imap, trace, folders)
    await selection.open()
    trash = listing.special("\\Trash") if gmail(imap) else ""
    if gmail(imap) and not trash:
        trace.note(
            "-- no trash folder (is it hidden from IMAP?): deleted messages may stay in All Mail"
        )
    return ImapSession(
        imap,
        trace,
        selection,
        Deletion(imap, trace, selection, Folder(trash) if trash else None, may_delete),
        bookmarks,
        breaking,
    )


class ImapSession(
    Rechecking, Rereading, ReportsUnreadable, ReadsWhole, TellsTab, HasExtent, ReadsInParts
):
    """An open mailbox (the protocol `Session`). `bookmarks` are the mailbox's, by folder. They
    outlive the session, as does `breaking`."""

    def __init__(
        self,
        imap: ImapConnection,
        trace: Trace,
        selection: Selection,
        deletion: Deletion,
        bookmarks: dict[str, Bookmark],
        breaking: BreakingMessages,
    ) -> None:
        self.messages: int | None = None
        self._imap = imap
        self._trace = trace
        self._selection = selection
        self._deletion = deletion
        self._bookmarks = bookmarks
        self._others_at = trace.now()
        self._may_idle = "IDLE" in imap.capabilities
        self.has_tabs = gmail(imap)
        self._poll = FolderPoll(imap, trace, selection, breaking)
        self._breaking = breaking
        self.extent = self._poll.extent
        self._incomplete = IncompleteMessages()
        self._recheck = False

    @property
    def _main(self) -> Folder:
        return self._selection.main

    @property
    def unread(self) -> bool:
        """Whether another scan will read more."""
        older = (folder.bookmark.older for folder in self._selection.folders)
        return self._main.unseen > 0 or any(older)

    def recheck(self) -> None:
        """The next scan selects the folders again, since some servers show new messages only
        then."""
        self._recheck = True

    async def scan(self) -> list[Sighting]:
        """The messages since the last scan, and some older ones until all of those were read."""
        recheck, self._recheck = self._recheck, False
        asked = self._trace.now()
        with self._trace.failing_step(Step.IDLE):
            reply: Reply = await self._imap.simple_command("NOOP")
            await self._selection.observed(reply.data("NOOP", Reason.UNAVAILABLE))
        now = self._trace.now()
        if self._main.validity != self._main.bookmark.validity:
            await self._selection.select_where_left(self._main)
        elif not self._main.unseen and (recheck or self._main.announcements.due(now)):
            with self._trace.failing_step(Step.SELECT):
                await self._selection.reselect(self._main, now)
        try:
            found = await self._look_everywhere(now - asked if now - asked > SLOW else 0.0, recheck)
        except ProbeError:
            for folder in self._selection.folders:
                known, mark = self._bookmarks.get(folder.name, UNKNOWN), folder.bookmark
                self._bookmarks[folder.name] = replace(
                    known, refused=mark.refused, nameless=mark.nameless
                )
            raise
        for (
            folder
        ) in self._selection.folders:  # only now, since what a scan found before it failed is lost
            self._bookmarks[folder.name] = folder.bookmark
        self.messages = self._main.exists
        return found

    async def _look_everywhere(self, lag: float, recheck: bool) -> list[Sighting]:
        found = await self._look_again(self._main, recheck)
        found += await self._poll.read_new(self._main, lag, again=recheck)
        if recheck or self._trace.now() - self._others_at >= OTHERS_EVERY:
            for folder in self._selection.others:
                found += await self._visit(folder, recheck)
            self._others_at = self._trace.now()
        return found

    def read_again(self, sighting: Sighting, times: int) -> bool:
        """Queues a message that seems incomplete."""
        if again := self._incomplete.take(sighting, times, self._trace.now()):
            self._trace.note(
                f"-- a message in {sighting.folder} seems incomplete; reading it again"
            )
        return again

    def unreadable_since(self, moment: float) -> ProbeError | None:
        """Why a message that arrived then or later could not be read."""
        return self._breaking.unreadable_since(moment)

    async def whole(self, sighting: Sighting, limit: int) -> bytes:
        """The whole message."""
        found = (one for one in self._selection.folders if one.title == sighting.folder)
        if (folder := next(found, None)) is None:
            return b""
        with self._trace.step(Step.FETCH, f"{folder.title}: a whole message"):
            async with self._selection.inside(folder):
                return await self._poll.whole(folder, sighting.ref, limit)

    async def tab(self, sighting: Sighting) -> str:
        """The tab of Gmail's inbox. Gmail shows it in no label over IMAP,
        but its own search knows it (X-GM-RAW):
        https://developers.google.com/workspace/gmail/imap/imap-extensions."""
        inbox = self._main
        if sighting.folder != inbox.title or inbox.name != "INBOX":
            return ""
        async with self._selection.inside(inbox):
            if sighting.ref.validity != inbox.validity:
                return ""
            for tab in TABS:
                if await self._selection.finds(f'X-GM-RAW "category:{tab}"', sighting.ref.uid):
                    return tab
        return ""

    async def _look_again(self, folder: Folder, recheck: bool) -> list[Sighting]:
        """Reads messages of the selected folder that seemed incomplete again."""
        if not (due := self._incomplete.due(self._trace.now(), folder.title, all_of_them=recheck)):
            return []
        with self._trace.step(Step.FETCH, f"{folder.title}: incomplete messages"):
            return self._incomplete.read(
                due, await self._poll.read_refs(folder, [one.ref for one in due])
            )

    async def _visit(self, folder: Folder, recheck: bool) -> list[Sighting]:
        now = self._trace.now()
        if not recheck and now < max(
            folder.closed_until, folder.again_at if folder.missing else 0.0
        ):
            return []
        try:
            with self._trace.failing_step(Step.FETCH):
                return await self._look_around(folder, recheck)
        except ProbeError as refusal:
            if not self._selection.is_tolerable(folder, refusal):
                raise
            folder.closed_until = now + LEFT_ALONE
            return []

    async def _look_around(self, folder: Folder, recheck: bool) -> list[Sighting]:
        """Polls another folder, if it has news, or if the server's announcements are doubted."""
        noticed = self._trace.now()
        news = await self._selection.has_news(folder)
        due = self._incomplete.due(noticed, folder.title)
        if not news and not due and not recheck and not folder.announcements.due(noticed):
            return []
        async with self._selection.inside(folder):
            again = await self._look_again(folder, recheck)
            if not news or 0 < folder.announced_uidnext < folder.uidnext:
                await self._selection.reselect(folder, noticed)
            elif folder.unseen:
                folder.announcements.announced(noticed)
            return again + await self._poll.read_new(
                folder, self._selection.lag(folder, OTHERS_EVERY), again=recheck
            )

    async def wait(self, seconds: float, wake: Wake) -> None:
        """Sleeps if the time is short, otherwise idles. Ends early if messages arrive, and at once
        if some are unread."""
        if self._main.unseen or self._main.bookmark.older or wake.is_set():
            return
        now = self._trace.now()
        others_at = self._others_at + OTHERS_EVERY
        seconds = min(seconds, self._incomplete.seconds(now))
        for folder in self._selection.folders:
            if folder.missing:
                again_at = (
                    folder.again_at if folder is self._main else max(folder.again_at, others_at)
                )
                seconds = min(seconds, max(again_at - now, 0.0))
        with self._trace.failing_step(Step.IDLE):
            try:
                idling = seconds > IDLE_WORTH and self._may_idle and await self._start_idling()
                await self._listen(min(seconds, IDLE_AT_MOST), wake)
                if idling:
                    await self._selection.observed(await self._imap.done())
            except BaseException:
                self.abort()
                raise

    async def _start_idling(self) -> bool:
        self._may_idle = await self._imap.idle()
        return self._may_idle

    async def _listen(self, seconds: float, wake: Wake) -> None:
        """Idles until the time is over, `wake` is set, or the server announces a message or ends
        the idling, but not too soon; ends at once if the connection fails."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        with self._imap.calling(wake.ring):
            while not self._message_comes(loop.time() - began) and not wake.is_set():
                if (left := began + seconds - loop.time()) <= 0:
                    break
                await wake.sleep(left)

    def _message_comes(self, idled: float) -> bool:
        """Whether the server has announced a message, or has ended the idling after a while. One
        that ends it at once would be asked again and again."""
        while response := self._imap.pushed():
            if response.tag not in ("*", "+"):
                if idled >= IDLE_WORTH:
                    return True
            elif self._main.observe(response):
                self._main.announcements.announced(self._trace.now())
                return True
        return False

    async def delete(self, sightings: Sequence[Sighting]) -> None:
        with self._trace.step(Step.DELETE):
            await self._deletion.delete(sightings)

    async def close(self) -> None:
        """LOGOUT. Ignores a server that does not answer or has disconnected."""
        try:
            async with asyncio.timeout(LOGOUT_PATIENCE):
                with self._trace.step(Step.LOGOUT):
                    await self._imap.logout()
        except (ProbeError, TimeoutError):
            self._trace.note("-- LOGOUT was not answered")
        finally:
            self.abort()
        await self._imap.closed()

    def abort(self) -> None:
        self._imap.abort()
