"""An open JMAP mailbox: asks for changes, and reads the messages that arrived in the inbox or among
the junk (RFC 8621).

New messages are downloaded, 64 KiB of each at most. Of those that were there before, only the
header is asked for.
"""

from collections.abc import Collection, Sequence

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.timing.wake import Wake
from exporter.core.trace.trace import Trace
from exporter.mailboxes.jmap.bookmark import MOST, Arrival, Bookmark
from exporter.mailboxes.jmap.folders import Folder, folders_of
from exporter.mailboxes.jmap.push import Push
from exporter.mailboxes.session import READ_LIMIT, ReadsInParts, ReadsWhole, ScanLimited, Sighting
from exporter.net.jmap.client import JmapClient
from exporter.net.jmap.errors import Throttled, TooMuch
from exporter.net.jmap.mail import Email, Mail

CHUNK = 100  # messages in one scan
HEADERS = 50  # headers in one request: each may be long
MOST_CHANGES = 200  # in one answer
MOST_ANSWERS = 50  # to requests for changes, in one scan
SLOW = 0.5  # seconds; a server that takes as long to answer has us see what came so much later
PUSH_WORTH = 1.0  # seconds; for less, a poll is better


class JmapSession(ScanLimited, ReadsWhole, ReadsInParts):
    """The protocol `Session`. `folders` begins with the inbox; `bookmark` outlives the session."""

    def __init__(
        self, client: JmapClient, trace: Trace, folders: Sequence[Folder], bookmark: Bookmark
    ) -> None:
        self.messages: int | None = None
        self._client = client
        self._mail = Mail(client)
        self._trace = trace
        self._folders = folders
        self._bookmark = bookmark
        self._push = Push(client, trace)
        self._scanned_at = trace.now()

    async def open(self) -> None:
        """Takes what has come since the last session, or what is there. It was not watched."""
        if self._bookmark.account != self._client.resource.account:
            self._bookmark.account, self._bookmark.state = self._client.resource.account, ""
        if self._bookmark.state:
            await self._look_for_changes(watched=False)
        else:
            await self._begin()
        self.messages = await self._mail.count(self._folders[0].id)

    @property
    def last_scan_at(self) -> float:
        return self._scanned_at

    @property
    def next_scan_at(self) -> float:
        return max(self._bookmark.pause.until, self._scanned_at)

    @property
    def scan_limit(self) -> str:
        return self._bookmark.pause.why

    async def scan(self) -> list[Sighting]:
        """The messages since the last scan, and some older ones. None while the server wants a
        pause."""
        if self._trace.now() < self._bookmark.pause.until:
            return []
        try:
            with self._trace.failing_step(Step.IDLE):
                if await self._look_for_changes(watched=True):
                    self.messages = await self._mail.count(self._folders[0].id)
            self._scanned_at = self._trace.now()
            found = await self._read_new()
            return found + await self._read_older()
        except Throttled as error:
            self._bookmark.pause.impose(error, self._trace.now())
            self._trace.note(f"-- {error.detail}")
            return []

    async def _begin(self) -> None:
        """Begins with the current state, and with all messages that are there."""
        state = await self._mail.state()
        ids: list[str] = []
        for folder in self._folders:
            ids += await self._mail.newest(folder.id, MOST)
        self._bookmark.look_through(ids)
        self._bookmark.state = state

    async def _look_for_changes(self, *, watched: bool) -> bool:
        """Takes what has changed. False if nothing has."""
        bookmark, first = self._bookmark, self._bookmark.state
        for _ in range(MOST_ANSWERS):
            asked = self._trace.now()
            changes = await self._mail.changes(bookmark.state, MOST_CHANGES)
            if not changes:
                self._trace.note("-- the server does not know what has changed; looking at all")
                await self._begin()
                return True
            now = self._trace.now()
            arrival = Arrival(now, watched, now - asked if now - asked > SLOW else 0.0)
            bookmark.arrived(changes.created, arrival)
            bookmark.moved(changes.updated, arrival)
            bookmark.gone(changes.destroyed)
            before, bookmark.state = bookmark.state, changes.state
            if not changes.more or changes.state == before:
                break
        return bookmark.state != first

    async def _read_new(self) -> list[Sighting]:
        chunk = list(self._bookmark.new)[: self._most(CHUNK)]
        if not chunk:
            return []
        found, elsewhere = [], []
        with self._trace.step(Step.FETCH, f"{len(chunk)} messages"):
            for email in await self._mail.emails(chunk):
                if email.id not in self._bookmark.new:
                    continue
                if not (folder := self._folder_of(email.places)):
                    elsewhere.append(email.id)
                elif sighting := await self._download(email, folder):
                    found.append(sighting)
        # Only now, since what a scan found before it failed is lost.
        for one in elsewhere:
            self._bookmark.is_elsewhere(one)
        self._bookmark.is_read(one for one in chunk if one not in elsewhere)
        return found

    async def _download(self, email: Email, folder: Folder) -> Sighting | None:
        """The beginning of a message; None if it is gone already."""
        raw = await self._client.download(email.blob, READ_LIMIT)
        if raw is None:
            return None
        arrival = self._bookmark.new[email.id]
        return Sighting(
            email.id,
            folder.title,
            raw,
            arrival.seen_at,
            arrival.watched,
            arrival.lag,
            junk=folder.junk,
            cut=len(raw) >= READ_LIMIT and email.size != len(raw),
        )

    async def whole(self, sighting: Sighting, limit: int) -> bytes:
        """The whole message."""
        with self._trace.step(Step.FETCH, "a whole message"):
            for email in await self._mail.emails([sighting.ref]):
                return await self._client.download(email.blob, limit) or b""
        return b""

    async def _read_older(self) -> list[Sighting]:
        chunk = self._bookmark.older[: self._most(CHUNK)]
        if not chunk:
            return []
        found: list[Sighting] = []
        with self._trace.step(Step.FETCH, f"{len(chunk)} older messages"):
            for start in range(0, len(chunk), HEADERS):
                found += await self._headers(chunk[start : start + HEADERS])
        self._bookmark.is_read(chunk)
        self._bookmark.older = self._bookmark.older[len(chunk) :]
        return found

    async def _headers(self, ids: Sequence[str]) -> list[Sighting]:
        """The headers of messages; without those that are too long to be read."""
        try:
            headers = await self._mail.headers(ids)
        except TooMuch:
            if len(ids) == 1:
                self._trace.note("-- the header of a message is too long; not read")
                return []
            half = len(ids) // 2
            return await self._headers(ids[:half]) + await self._headers(ids[half:])
        now = self._trace.now()
        return [
            Sighting(
                one.id,
                folder.title,
                one.raw[:READ_LIMIT],
                now,
                watched=False,
                junk=folder.junk,
                cut=True,
            )
            for one in headers
            if (folder := self._folder_of(one.places))
        ]

    def _most(self, wanted: int) -> int:
        return min(wanted, self._client.resource.limits.max_objects_in_get)

    def _folder_of(self, places: Collection[str]) -> Folder | None:
        """Where a message is, if it is in one of our folders."""
        return next((one for one in self._folders if one.id in places), None)

    @property
    def unread(self) -> bool:
        """Whether another scan will read more."""
        return bool(self._bookmark.new or self._bookmark.older)

    async def wait(self, seconds: float, wake: Wake) -> None:
        """Sleeps, or listens to the server's events if the time is long. Ends at once if messages
        are unread."""
        if self._bookmark.new or self._bookmark.older or wake.is_set():
            paused = self._bookmark.pause.until - self._trace.now()
            if wake.is_set() or paused <= 0:
                return
        with self._trace.failing_step(Step.IDLE):
            if seconds > PUSH_WORTH:
                await self._push.listen(seconds, wake, lambda state: state != self._bookmark.state)
            else:
                await wake.sleep(seconds)

    async def delete(self, sightings: Sequence[Sighting]) -> None:
        with self._trace.step(Step.DELETE):
            await self._mail.destroy(list(dict.fromkeys(one.ref for one in sightings)))

    async def close(self) -> None:
        self._push.close()
        await self._client.close()

    def abort(self) -> None:
        self._push.close()
        self._client.abort()


async def open_session(client: JmapClient, trace: Trace, bookmark: Bookmark) -> JmapSession:
    """Finds the folders, and looks at what is there."""
    folders = folders_of(await Mail(client).places(), client.redaction.clean)
    if not folders:
        raise ProbeError(Reason.REJECTED, f"{client.host} has no mailbox with the role `inbox`")
    session = JmapSession(client, trace, folders, bookmark)
    await session.open()
    return session
