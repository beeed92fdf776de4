"""An open mailbox of Microsoft Graph: asks for the changes of its folders, reads what is ours,
deletes for good."""

from collections.abc import Sequence

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.core.timing.precision import REMOTE
from exporter.core.timing.wake import Wake
from exporter.core.trace.trace import Trace
from exporter.mailboxes.graph.folder import Folder, Unread
from exporter.mailboxes.graph.worth import (
    header_of,
    headers_are_worth_reading,
    is_worth_reading,
    moment_of,
)
from exporter.mailboxes.session import (
    READ_LIMIT,
    ReadsInParts,
    ReadsWhole,
    Rechecking,
    ScanLimited,
    Sighting,
    TellsTab,
)
from exporter.net.graph.messages import GraphMessages

CHUNK = 20  # messages that are looked at in one scan
MOST_PAGES = 10  # of changes, in one scan and folder
# watcher's gaps from poll to poll: it looks after 4 % of the time waited, and 10 % are allowed
GAPS = 2.0
MOST_OF_HEADERS = 1 << 18  # bytes


class GraphSession(Rechecking, ScanLimited, ReadsWhole, TellsTab, ReadsInParts):
    """The protocol `Session`. `folders` are the mailbox's, and outlive the session."""

    has_tabs = True

    def __init__(
        self, messages: GraphMessages, folders: list[Folder], interval: float, trace: Trace
    ) -> None:
        self.messages: int | None = None
        self._graph = messages
        self._folders = folders
        self._interval = interval
        self._trace = trace
        self._gap = 0.0  # between two scans, as the watcher wants them
        self._scanned_at = trace.now()
        self._polled_at: float | None = None
        self._recheck = False
        self._count = False  # the numbers of messages have changed
        self._hides = False  # the server cannot delete for good

    async def open(self) -> None:
        """Asks for the folders and their changes: from now on, new messages are watched."""
        for number, folder in enumerate([*self._folders]):
            status = await self._graph.folder(folder.name)
            if status is None:
                missing = f"there is no folder {folder.name}"
                if not number:
                    raise ProbeError(Reason.REJECTED, missing)
                self._trace.note(f"-- {missing}")
                self._folders.remove(folder)
                continue
            date = self._trace.clock.wall() if status.date is None else status.date
            folder.opened(status.title, status.messages, date)
        self._add_up()
        await self._poll()

    def recheck(self) -> None:
        """The next scan polls if that is allowed, since a trip is about to fail as overdue."""
        self._recheck = True

    @property
    def last_scan_at(self) -> float:
        asked = [folder.asked for folder in self._folders]
        return min((one if one is not None else float("-inf")) for one in asked)

    @property
    def next_scan_at(self) -> float:
        allowed = (self._polled_at or 0.0) + self._interval
        return max(allowed, self._graph.client.throttle.until)

    @property
    def scan_limit(self) -> str:
        throttle = self._graph.client.throttle
        if throttle.until > (self._polled_at or 0.0) + self._interval:
            return str(throttle)
        return f"`poll_interval` allows one poll every {self._interval:g} s"

    async def scan(self) -> list[Sighting]:
        """The messages since the last poll, if another one is due, and some older messages.

        While the server wants no requests, none is made, and the session goes on.
        """
        self._scanned_at = self._trace.now()
        if self._throttled:
            return []
        try:
            return await self._scan()
        except ProbeError:
            if self._throttled:
                return []
            raise

    async def _scan(self) -> list[Sighting]:
        due = self.next_scan_at if self._recheck else self._due_at
        if self._scanned_at >= due or any(folder.midway for folder in self._folders):
            self._recheck = False
            await self._poll()
        await self._list_older()
        found = await self._read()
        if self._count:
            await self._recount()
        return found

    @property
    def _throttled(self) -> bool:
        return self._graph.client.throttle.until > self._trace.now()

    @property
    def _due_at(self) -> float:
        """When to poll; `_gap` is the watcher's."""
        return max(self.next_scan_at, (self._polled_at or 0.0) + GAPS * self._gap)

    async def _poll(self) -> None:
        self._polled_at = self._trace.now()
        for folder in self._folders:
            for _ in range(MOST_PAGES):
                if await self._take_changes(folder):
                    break

    async def _take_changes(self, folder: Folder) -> bool:
        """Takes a page. True if it is the last one."""
        folder.asking(self._trace.now())
        if folder.has_no_end:
            folder.start_over()
            raise ProbeError(Reason.PROTOCOL, f"{folder.name} returned too many pages of changes")
        page = await self._graph.changes(folder.name, folder.since, folder.link)
        if page is None:
            self._trace.note(f"-- the changes of {folder.name} are no longer known; starting over")
            folder.start_over()
            return False
        self._count |= folder.changed(page, self._trace.now())
        return not folder.midway

    async def _list_older(self) -> None:
        for folder in self._folders:
            if folder.older_link is not None:
                page = await self._graph.newest(folder.name, folder.older_link)
                folder.listed_older(page, self._trace.now())
                return

    async def _read(self) -> list[Sighting]:
        """Looks at some of the messages: first at those that are worth reading, new ones before
        old ones."""
        worth = [(folder, one) for folder in self._folders for one in folder.unread]
        worth.sort(key=lambda pair: not pair[1].watched)
        others = [(folder, one) for folder in self._folders for one in folder.others[:CHUNK]]
        chunk = [*worth, *others][:CHUNK]
        found = []
        for folder, unread in chunk:
            if sighting := await self._look_at(folder, unread):
                found.append(sighting)
        # Only now, since what a scan found before it failed is lost.
        for folder in self._folders:
            folder.forget([one for where, one in chunk if where is folder])
        return found

    async def _look_at(self, folder: Folder, unread: Unread) -> Sighting | None:
        """A message, of which as much is read as is worth it; None if it is gone."""
        listed, raw, cut = unread.listed, header_of(unread.listed), True
        whole = is_worth_reading(listed, new=unread.fresh)
        if not whole and unread.fresh:
            headers = await self._graph.headers(listed.id, MOST_OF_HEADERS)
            whole = headers is not None and headers_are_worth_reading(headers)
        if whole:
            read = await self._graph.raw(listed.id, READ_LIMIT)
            if read is None:
                return None
            raw, cut = read
        return Sighting(
            listed.id,
            folder.title,
            raw,
            unread.seen_at,
            watched=unread.watched,
            lag=unread.lag,
            precision=REMOTE,
            junk=folder.is_junk,
            cut=cut,
            arrived_at=moment_of(listed.received),
        )

    async def whole(self, sighting: Sighting, limit: int) -> bytes:
        """The whole message."""
        read = await self._graph.raw(sighting.ref, limit)
        return read[0] if read else b""

    async def tab(self, sighting: Sighting) -> str:
        """Whether it is under Focused or Other."""
        inbox = (one for one in self._folders if one.name.lower() == "inbox")
        if not any(one.title == sighting.folder for one in inbox):
            return ""
        return await self._graph.classification(sighting.ref)

    async def _recount(self) -> None:
        for folder in self._folders:
            if status := await self._graph.folder(folder.name):
                folder.messages = status.messages
        self._add_up()
        self._count = False

    def _add_up(self) -> None:
        self.messages = sum(folder.messages for folder in self._folders)

    @property
    def _has_more(self) -> bool:
        return any(
            folder.unread or folder.others or folder.midway or folder.older_link is not None
            for folder in self._folders
        )

    @property
    def unread(self) -> bool:
        """Whether another scan will read more."""
        return self._has_more

    async def wait(self, seconds: float, wake: Wake) -> None:
        """Sleeps until the next poll is due; returns at once if there are unread messages."""
        if wake.is_set() or (self._has_more and not self._throttled):
            return
        now = self._trace.now()
        self._gap = now + seconds - self._scanned_at
        end = min(now + seconds, max(self._due_at, now))
        await wake.sleep(max(end - now, 0.0))

    async def delete(self, sightings: Sequence[Sighting]) -> None:
        """Removes exactly these messages, and returns when the server has confirmed it."""
        for message in dict.fromkeys(sighting.ref for sighting in sightings):
            if not self._hides:
                self._hides = not await self._graph.delete(message)
            if self._hides:
                await self._graph.hide(message)
        self._count = True

    async def close(self) -> None:
        await self._graph.client.close()

    def abort(self) -> None:
        self._graph.client.abort()
