"""An open IMAP mailbox: polls and idles in the first folder, and looks into the others now and then."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from exporter.mailboxes.imap_deletion import Deletion
from exporter.mailboxes.imap_folder import UNKNOWN, Bookmark, Folder, Ref
from exporter.mailboxes.imap_listing import gmail, look_up
from exporter.mailboxes.imap_selection import CHUNK, Selection
from exporter.mailboxes.session import READ_LIMIT, Sighting
from exporter.model import ProbeError, Reason, Step
from exporter.net.imap import ImapConnection
from exporter.net.imap_names import uid_set
from exporter.net.imap_reader import attributes, number
from exporter.net.imap_reply import Reply
from exporter.run import Run

OTHERS_EVERY = 1.0  # seconds between two looks into the folders besides the first
CERTAIN_EVERY = 60.0  # seconds until a look into the first folder though the server tells of nothing new
IDLE_WORTH = 1.0  # seconds; Dovecot tells an idling client after half a second, so for less a poll is better
IDLE_AT_MOST = 300.0  # seconds; some servers cut off who idles for ten minutes
LOGOUT_PATIENCE = 2.0  # seconds; LOGOUT is only good manners


async def begin(imap: ImapConnection, run: Run, wanted: Sequence[str], bookmarks: dict[str, Bookmark]) -> "ImapSession":
    """Finds the folders and selects the first. What comes from now on is watched."""
    listing = await look_up(imap, wanted)
    names = listing.named(wanted)
    if not names:
        raise ProbeError(Reason.REJECTED, f"the server has none of the folders {', '.join(wanted)}")
    folders = [Folder(name, bookmarks.get(name, UNKNOWN), junk=listing.is_junk(name)) for name in names]
    selection = Selection(imap, run, folders)
    await selection.begin()
    trash = listing.special("\\Trash") if gmail(imap) else ""
    if gmail(imap) and not trash:
        run.note("-- no folder is the trash (is it hidden from IMAP?): what is deleted may stay in All Mail")
    return ImapSession(
        imap, run, selection, Deletion(imap, run, selection, Folder(trash) if trash else None), bookmarks
    )


class ImapSession:
    """An open mailbox (the protocol `Session`). `bookmarks` are the mailbox's, by folder, and outlive the session."""

    def __init__(
        self, imap: ImapConnection, run: Run, selection: Selection, deletion: Deletion, bookmarks: dict[str, Bookmark]
    ) -> None:
        self.messages: int | None = None
        self._imap = imap
        self._run = run
        self._selection = selection
        self._deletion = deletion
        self._bookmarks = bookmarks
        self._others_at = run.now()
        self._may_idle = "IDLE" in imap.capabilities

    @property
    def _main(self) -> Folder:
        return self._selection.main

    # ---------------------------------------------------------------- looking

    async def scan(self) -> list[Sighting]:
        """The messages that came since the last scan, and some older ones until all of those have been looked at."""
        with self._blamed_on(Step.IDLE):
            reply: Reply = await self._imap.simple_command("NOOP")
            self._selection.observed(reply.data("NOOP"))
        if self._main.validity != self._main.bookmark.validity:
            await self._selection.take_up(self._main)
        found = await self._look(self._main)
        if self._run.now() - self._others_at >= OTHERS_EVERY:
            for folder in self._selection.others:
                found += await self._visit(folder)
            self._others_at = self._run.now()
        for folder in self._selection.folders:  # only now, since what a scan found before it failed is lost
            self._bookmarks[folder.name] = folder.bookmark
        self.messages = self._main.exists
        return found

    async def _visit(self, folder: Folder) -> list[Sighting]:
        with self._blamed_on(Step.FETCH):
            if not await self._selection.has_news(folder):
                return []
            async with self._selection.inside(folder):
                return await self._look(folder)

    async def _look(self, folder: Folder) -> list[Sighting]:
        """New messages first, then a part of the older ones."""
        found = []
        if folder.unseen or self._run.now() - folder.checked_at >= CERTAIN_EVERY:
            with self._run.step(Step.FETCH, folder.title):
                found = await self._new(folder)
        if older := folder.bookmark.older:
            with self._run.step(Step.FETCH, f"{folder.title}: older messages"):
                found += await self._fetch(folder, uid_set(older[:CHUNK]), "HEADER")
                folder.bookmark = replace(folder.bookmark, older=older[CHUNK:])
        return found

    async def _new(self, folder: Folder) -> list[Sighting]:
        """The messages from the bookmark on; the oldest of them if they are many."""
        first, many = folder.bookmark.next_uid, not 0 < folder.unseen <= CHUNK
        folder.begin_look()
        wanted, left = f"{first}:*", 0
        if many:
            uids = sorted(uid for uid in await self._selection.uids(wanted, by_uid=True) if uid >= first)
            wanted, left = uid_set(uids[:CHUNK]), len(uids[CHUNK:])
        found = await self._fetch(folder, wanted, "", first) if wanted else []
        folder.end_look(left)
        folder.advance(max((sighting.ref.uid + 1 for sighting in found), default=0))
        if not left:
            folder.advance(folder.uidnext)
            folder.checked_at = self._run.now()
        return found

    async def _fetch(self, folder: Folder, uids: str, section: str, first: int = 0) -> list[Sighting]:
        """Reads messages without marking them as read. `n:*` names the last message even if its UID is below n."""
        reply: Reply = await self._imap.fetch(uids, f"(UID BODY.PEEK[{section}]<0.{READ_LIMIT}>)", by_uid=True)
        found: dict[int, Sighting] = {}
        for line in reply.what_is_left("FETCH"):
            folder.observe(line)
            told = attributes(line) if line.name == "FETCH" else {}
            uid, raw = number(told.get("UID")), next((told[key] for key in told if key.startswith("BODY[")), None)
            if uid >= first and isinstance(raw, bytes):
                seen_at = folder.seen_at(line.number) or line.received_at
                ref = Ref(folder.validity, uid)
                watched, lag = uid >= folder.watched_from, 0.0 if folder is self._main else OTHERS_EVERY
                cut = bool(section) or len(raw) >= READ_LIMIT
                found[uid] = Sighting(
                    ref, folder.title, raw[:READ_LIMIT], seen_at, watched, lag, junk=folder.junk, cut=cut
                )
        return list(found.values())

    # ---------------------------------------------------------------- waiting

    async def wait(self, seconds: float, wake: asyncio.Event) -> None:
        """Sleeps if it is for a moment, else idles. Ends early if messages come, and at once if some are left."""
        if self._main.unseen or self._main.bookmark.older or wake.is_set():
            return
        with self._blamed_on(Step.IDLE):
            try:
                idling = seconds > IDLE_WORTH and self._may_idle and await self._begin_idling()
                await self._listen(min(seconds, IDLE_AT_MOST), wake)
                if idling:
                    self._selection.observed(await self._imap.done())
            except BaseException:
                self.abort()
                raise

    async def _begin_idling(self) -> bool:
        self._may_idle = await self._imap.idle()
        return self._may_idle

    async def _listen(self, seconds: float, wake: asyncio.Event) -> None:
        """Until the time is over, `wake` is set, or the server tells of a message; at once if the connection breaks."""
        tasks = [asyncio.ensure_future(self._message_comes()), asyncio.ensure_future(wake.wait())]
        try:
            done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _message_comes(self) -> bool:
        while (response := await self._imap.push()).tag in ("*", "+"):
            if self._main.observe(response):
                break
        return True

    # ---------------------------------------------------------------- deleting, and the end

    async def delete(self, sightings: Sequence[Sighting]) -> None:
        with self._run.step(Step.DELETE):
            await self._deletion.delete(sightings)

    async def close(self) -> None:
        """LOGOUT. A server that does not answer, or is gone, is left alone."""
        try:
            async with asyncio.timeout(LOGOUT_PATIENCE):
                with self._run.step(Step.LOGOUT):
                    await self._imap.logout()
        except (ProbeError, TimeoutError):
            self._run.note("-- LOGOUT was not answered")
        finally:
            self.abort()
        await self._imap.closed()

    def abort(self) -> None:
        self._imap.abort()

    @contextmanager
    def _blamed_on(self, step: Step) -> Iterator[None]:
        """Only a failure leaves a span: thousands of good polls would say nothing."""
        try:
            yield
        except BaseException:
            with self._run.step(step):
                raise
