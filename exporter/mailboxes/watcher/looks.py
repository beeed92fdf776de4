"""Looks into a mailbox that checks wait for: at everything that is in it at that moment."""

import asyncio

from exporter.mailboxes.session import ReadsInParts, ScanLimited, Session

MOST_SCANS = 200  # that a look takes; a session reads a thousand older messages in fifty, at most
PAUSE = 1.0  # seconds until a scan that has found nothing is repeated
NOW = float("-inf")  # monotonic


class Looks:
    """Those that have not been done. Times are monotonic."""

    def __init__(self) -> None:
        self._asked: dict[asyncio.Future[None], float] = {}
        self._scans = 0
        self._next_at = NOW

    def __bool__(self) -> bool:
        return bool(self._asked)

    @property
    def next_at(self) -> float:
        """When the mailbox is to be polled for them."""
        return self._next_at

    def add(self, since: float) -> "asyncio.Future[None]":
        """Asks for a look that begins at that time or later. The result is done when it is."""
        look: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._asked[look], self._next_at = since, NOW
        look.add_done_callback(lambda _: self._asked.pop(look, None))
        return look

    def scanned(self, session: Session, began: float, *, found: bool) -> None:
        """The session has been scanned, at `began`, and has `found` messages. Ends the looks that
        were asked for before, unless it has more to read, or was not allowed to look."""
        if not self._asked:
            return
        self._scans, self._next_at = self._scans + 1, NOW
        if isinstance(session, ReadsInParts) and session.unread and self._scans < MOST_SCANS:
            self._next_at = NOW if found else began + PAUSE
            return
        if isinstance(session, ScanLimited):
            began = min(began, session.last_scan_at)
            self._next_at = session.next_scan_at
        for look, asked in [*self._asked.items()]:
            if asked <= began and not look.done():
                look.set_result(None)
        self._scans = 0
