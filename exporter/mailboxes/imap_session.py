"""An open IMAP mailbox: polls and idles in the first folder, looks into the others now and then, deletes."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import NamedTuple

from exporter.mailboxes.imap_folder import SWEEP, UNKNOWN, Bookmark, Folder
from exporter.mailboxes.session import Sighting
from exporter.model import ProbeError, Reason, Step
from exporter.net.imap import ImapConnection
from exporter.net.imap_names import encode_folder, quote, uid_set
from exporter.net.imap_reader import Response, attributes, number, special_uses
from exporter.net.imap_reply import Reply
from exporter.run import Run

READ_LIMIT = 65536  # bytes of a message
CHUNK = 100  # messages in one command
OTHERS_EVERY = 1.0  # seconds between two looks into the folders besides the first
CERTAIN_EVERY = 60.0  # seconds until a look into the first folder though the server tells of nothing new
BLIND = 0.1  # seconds that the first folder may be out of sight without a delay becoming a guess
IDLE_WORTH = 1.0  # seconds; Dovecot tells an idling client after half a second, so for less a poll is better
IDLE_AT_MOST = 300.0  # seconds; some servers cut off who idles for ten minutes
LOGOUT_PATIENCE = 2.0  # seconds; LOGOUT is only good manners


class Ref(NamedTuple):
    """The name of a message: a UID means nothing without the UIDVALIDITY that it was given under."""

    validity: int
    uid: int


class ImapSession:
    """An open mailbox (the protocol `Session`). `bookmarks` are the mailbox's, by folder, and outlive the session."""

    def __init__(self, imap: ImapConnection, run: Run, bookmarks: dict[str, Bookmark]) -> None:
        self.messages: int | None = None
        self._imap = imap
        self._run = run
        self._bookmarks = bookmarks
        self._folders: list[Folder] = []
        self._junk_name = ""
        self._selected: Folder | None = None
        self._others_at = run.now()
        self._may_idle = "IDLE" in imap.capabilities

    @property
    def _main(self) -> Folder:
        return self._folders[0]

    # ---------------------------------------------------------------- folders

    async def begin(self, wanted: Sequence[str]) -> None:
        """Finds the folders and selects the first. What comes from now on is watched."""
        names = await self._names(wanted)
        if not names:
            raise ProbeError(Reason.REJECTED, f"the server has none of the folders {', '.join(wanted)}")
        self._folders = [Folder(name, self._bookmarks.get(name, UNKNOWN)) for name in names]
        for folder in self._folders[1:]:
            await self._has_news(folder)
        await self._select(self._main)

    async def _names(self, wanted: Sequence[str]) -> list[str]:
        """The folders as the server spells them. A special use that no folder has is left out."""
        uses: dict[str, str] = {}
        if any(name.startswith("\\") for name in wanted):
            option = ["(SPECIAL-USE)"] if "SPECIAL-USE" in self._imap.capabilities else []
            reply: Reply = await self._imap.simple_command("LIST", *option, '""', '"*"')
            uses = special_uses(reply.lines)
            self._junk_name = uses.get("\\junk", "")
        names = [uses.get(name.lower(), "") if name.startswith("\\") else encode_folder(name) for name in wanted]
        return list(dict.fromkeys(filter(None, names)))

    async def _has_news(self, folder: Folder) -> bool:
        """Asks for a folder that is not selected; that costs much less than to select it."""
        reply: Reply = await self._imap.simple_command("STATUS", quote(folder.name), "(UIDNEXT UIDVALIDITY)")
        lines = self._observed(reply.data(f"STATUS of the folder {folder.title}"))
        told = next((attributes(line) for line in lines if line.name == "STATUS"), {})
        validity, uidnext = number(told.get("UIDVALIDITY")), number(told.get("UIDNEXT"))
        if not uidnext:
            return True
        folder.watch(validity, uidnext)
        return folder.behind(validity, uidnext)

    async def _select(self, folder: Folder) -> None:
        self._selected = None
        reply: Reply = await self._imap.select(quote(folder.name))
        folder.opened(reply.data(f"SELECT of the folder {folder.title}"))
        self._selected, exists = folder, folder.exists
        folder.checked_at = self._run.now()
        if not folder.uidnext:
            folder.last_message_is(max(await self._uids(str(exists)), default=0) if exists else 0)
        folder.watch(folder.validity, folder.uidnext)
        if folder.unfamiliar:
            if folder.bookmark is not UNKNOWN:
                self._run.note(f"-- {folder.title} is not as we left it (UIDVALIDITY, UIDNEXT): swept anew")
            folder.start_over(await self._uids(f"{max(exists - SWEEP, 0) + 1}:{exists}") if exists else [])
        folder.resume(exists)

    @asynccontextmanager
    async def _in(self, folder: Folder) -> AsyncIterator[None]:
        """Selects the folder for a moment. Who comes into the first one meanwhile is watched if it was a short one."""
        left = self._run.now()
        if folder is not self._selected:
            await self._select(folder)
        yield
        if folder is not self._main:
            await self._select(self._main)
            if self._run.now() - left > BLIND:
                self._main.watched_from = self._main.uidnext

    def _observed(self, lines: list[Response]) -> list[Response]:
        if self._selected:
            for line in lines:
                self._selected.observe(line)
        return lines

    # ---------------------------------------------------------------- looking

    async def scan(self) -> list[Sighting]:
        """The messages that came since the last scan, and some older ones until all of those have been looked at."""
        with self._blamed_on(Step.IDLE):
            reply: Reply = await self._imap.simple_command("NOOP")
            self._observed(reply.data("NOOP"))
        if self._main.validity != self._main.bookmark.validity:
            await self._select(self._main)
        found = await self._look(self._main)
        if self._run.now() - self._others_at >= OTHERS_EVERY:
            for folder in self._folders[1:]:
                found += await self._visit(folder)
            self._others_at = self._run.now()
        for folder in self._folders:  # only now, since what a scan found before it failed is lost
            self._bookmarks[folder.name] = folder.bookmark
        self.messages = self._main.exists
        return found

    async def _visit(self, folder: Folder) -> list[Sighting]:
        with self._blamed_on(Step.FETCH):
            if not await self._has_news(folder):
                return []
            async with self._in(folder):
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
            uids = sorted(uid for uid in await self._uids(wanted, by_uid=True) if uid >= first)
            wanted, left = uid_set(uids[:CHUNK]), len(uids[CHUNK:])
        found = await self._fetch(folder, wanted, "", first) if wanted else []
        folder.end_look(left)
        folder.advance(max((sighting.ref.uid + 1 for sighting in found), default=0))
        if not left:
            folder.advance(folder.uidnext)
            folder.checked_at = self._run.now()
        return found

    async def _uids(self, messages: str, *, by_uid: bool = False) -> list[int]:
        reply: Reply = await self._imap.fetch(messages, "(UID)", by_uid=by_uid)
        lines = self._observed(reply.what_is_left("FETCH of UIDs"))
        uids = (number(attributes(line).get("UID")) for line in lines if line.name == "FETCH")
        return [uid for uid in uids if uid]

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
                junk = folder.name == self._junk_name
                watched, lag = uid >= folder.watched_from, 0.0 if folder is self._main else OTHERS_EVERY
                found[uid] = Sighting(ref, folder.title, raw[:READ_LIMIT], seen_at, watched, lag, junk=junk)
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
                    self._observed(await self._imap.done())
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
        """Removes exactly these messages. One that is gone already is no mistake."""
        refs = {folder.title: {one.ref for one in sightings if one.folder == folder.title} for folder in self._folders}
        with self._run.step(Step.DELETE):
            for folder in self._folders:
                if refs[folder.title]:
                    async with self._in(folder):
                        await self._remove(folder, refs[folder.title])
        for gone in {one.folder for one in sightings} - refs.keys():
            self._run.note(f"-- the folder {gone} is gone, and what was seen there cannot be deleted any more")

    async def _remove(self, folder: Folder, refs: set[Ref]) -> None:
        uids = sorted(ref.uid for ref in refs if ref.validity == folder.validity)
        if len(uids) < len(refs):
            self._run.note(f"-- {folder.title} has a new UIDVALIDITY: what was seen before cannot be deleted any more")
        for chunk in (uids[start : start + CHUNK] for start in range(0, len(uids), CHUNK)):
            flag: Reply = await self._imap.store(uid_set(chunk), "+FLAGS.SILENT", "(\\Deleted)", by_uid=True)
            self._observed(flag.what_is_left("STORE of \\Deleted"))
            if "UIDPLUS" in self._imap.capabilities:
                expunge: Reply = await self._imap.expunge(uid_set(chunk), by_uid=True)
                self._observed(expunge.what_is_left("EXPUNGE"))
            else:
                folder.flagged.update(chunk)
        if folder.flagged:
            await self._expunge_ours(folder)

    async def _expunge_ours(self, folder: Folder) -> None:
        """Without UIDPLUS there is only the EXPUNGE that takes all: given if it takes nothing of anybody else."""
        search: Reply = await self._imap.search("DELETED", charset=None, by_uid=True)
        lines = self._observed(search.data("SEARCH"))
        flagged = {number(value) for line in lines if line.name == "SEARCH" for value in line.values}
        if not flagged <= folder.flagged:
            self._run.note(f"-- others have flagged messages in {folder.title}: ours stay, flagged (no UIDPLUS)")
            return
        expunge: Reply = await self._imap.expunge()
        self._observed(expunge.what_is_left("EXPUNGE"))
        folder.flagged.clear()

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
