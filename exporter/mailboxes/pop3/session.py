"""An open POP3 mailbox. It shows new messages only to a new login, locks out other clients, and
deletes at QUIT.

So a session is a series of logins: each lists the maildrop, reads what is new, perhaps deletes, and
quits at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from math import inf

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.timing.precision import COARSE
from exporter.core.timing.wake import Wake
from exporter.core.trace.trace import Trace
from exporter.mailboxes.pop3.maildrop import Login, Maildrop
from exporter.mailboxes.session import (
    READ_LIMIT,
    Extent,
    HasExtent,
    ReadsInParts,
    ReadsWhole,
    Rechecking,
    ReportsUnreadable,
    ScanLimited,
    Sighting,
    Wanted,
)
from exporter.net.pop3.connection import Pop3Connection

BODY_LINES = 1000
# Bytes; a larger message is not read from a server without TOP, which would send all of it.
LARGEST = 1 << 20
CHUNK = 100  # messages in one scan
# Of the time of a conversation, after which a scan reads no further message. Each is a round trip.
SHARE = 0.25
HOLD = 0.5  # seconds that we stay when something was found, since most likely it is to be deleted
QUIT_PATIENCE = 2.0  # seconds; without deletions QUIT is only good manners


class Pop3Session(Rechecking, ScanLimited, ReportsUnreadable, ReadsWhole, HasExtent, ReadsInParts):
    """The protocol `Session`. `connect` returns a connection after the greeting, and the coroutine
    that logs in."""

    def __init__(
        self,
        connect: Callable[[Trace], Awaitable[Pop3Connection]],
        log_in: Callable[[Pop3Connection, Trace], Awaitable[None]],
        maildrop: Maildrop,
        interval: float,
        trace: Trace,
        wanted: Wanted,
    ) -> None:
        self.messages: int | None = None
        self._connect = connect
        self._log_in = log_in
        self._maildrop = maildrop
        self._interval = interval
        self._trace = trace
        self._wanted = wanted
        self._gap = 0.0  # between two scans, as the watcher wants them
        self._scanned_at = trace.now()
        self._recheck = False
        self.extent = Extent()
        self._stay_until = 0.0
        self._pop3: Pop3Connection | None = None
        self._certain: set[str] = set()  # what was read in this login
        self._tried: set[str] = set()  # what this login could not read

    async def open(self) -> None:
        """Logs in, unless the last session did so a moment ago: the next login finds newer
        messages."""
        if self._trace.now() >= self._maildrop.may_log_in_at(self._interval):
            await self._enter()

    async def _enter(self) -> Pop3Connection:
        """Logs in, and lists the maildrop."""
        began = self._trace.now()
        pop3 = self._pop3 = await self._connect(self._trace)
        with self._trace.step(Step.LOGIN):
            asked = self._trace.now()
            await self._log_in(pop3, self._trace)
            login = Login(began, asked, self._trace.now())
        with self._trace.step(Step.FETCH, "UIDL"):
            changes = await pop3.uidl(self._maildrop.listing)
        self._maildrop.listed(changes, login)
        self._maildrop.login_delay = pop3.login_delay
        self._certain, self._tried = set(), set()
        self.messages = len(self._maildrop.listing)
        return pop3

    async def _leave(self) -> None:
        """QUIT when nothing was deleted. Ignores a server that does not answer or has
        disconnected."""
        pop3, self._pop3 = self._pop3, None
        if not pop3:
            return
        try:
            async with asyncio.timeout(QUIT_PATIENCE):
                with self._trace.step(Step.LOGOUT):
                    await pop3.quit()
        except (ProbeError, TimeoutError):
            self._trace.note("-- QUIT was not answered")
        finally:
            pop3.abort()
        await pop3.closed()

    def recheck(self) -> None:
        """The next scan logs in if that is allowed, since a trip is about to fail as overdue."""
        self._recheck = True

    @property
    def last_scan_at(self) -> float:
        return self._maildrop.login.asked if self._maildrop.login else float("-inf")

    @property
    def next_scan_at(self) -> float:
        return self._maildrop.may_log_in_at(self._interval)

    @property
    def scan_limit(self) -> str:
        if (delay := self._maildrop.login_delay) > self._interval:
            return f"the server allows one login every {delay:g} s (LOGIN-DELAY)"
        return f"`poll_interval` allows one login every {self._interval:g} s"

    async def scan(self) -> list[Sighting]:
        """The messages since the last login, if another one is due, and some older messages."""
        due = self._maildrop.due_at(self._gap, self._interval)
        if self._trace.now() >= (
            self._maildrop.may_log_in_at(self._interval) if self._recheck else due
        ):
            self._recheck = False
            await self._leave()
            await self._enter()
        found = await self._read(self._pop3) if self._pop3 else []
        if found:
            self._stay_until = self._trace.now() + HOLD
        self._scanned_at = self._trace.now()
        if not self._left() and self._scanned_at >= self._stay_until:
            await self._leave()
        return found

    @property
    def unread(self) -> bool:
        """Whether another scan will read more."""
        return bool(self._left())

    def _left(self) -> list[tuple[int, str]]:
        """The messages that this login can still read: new ones first, then the older ones, newest
        first. One at which logins have failed comes alone, when there is nothing to lose."""
        if not self._pop3:
            return []
        numbers, unreadable = self._maildrop.listing.numbers, self._maildrop.unreadable
        passed_over = dict.fromkeys(unreadable.passed_over())
        wanted = [
            uid
            for uid in (*self._maildrop.news, *self._maildrop.older)
            if uid in numbers and uid not in self._tried
        ]
        left = [uid for uid in wanted if uid not in passed_over]
        if not left and unreadable.may_retry(self._trace.now()):
            left = [uid for uid in passed_over if uid in wanted][:1]
        return [(numbers[uid], uid) for uid in left]

    async def _read(self, pop3: Pop3Connection) -> list[Sighting]:
        chunk = self._left()[:CHUNK]
        if not chunk:
            return []
        found = []
        end = self._trace.now() + (self._trace.session_timeout or inf) * SHARE
        with self._trace.step(Step.FETCH, f"{len(chunk)} messages"):
            for number, uid in chunk:
                if self._trace.now() > end:
                    break  # the rest is for the next scan
                raw = await self._try(pop3, number, uid)
                if not isinstance(raw, bytes):
                    self._tried.add(uid)
                    self._maildrop.refused[uid] = raw
                else:
                    found.append(self._sighting(uid, raw))
        self._certain |= {sighting.ref for sighting in found}
        # Only now, since what a scan found before it failed is lost.
        self._maildrop.read(self._certain)
        return found

    async def _try(self, pop3: Pop3Connection, number: int, uid: str) -> bytes | ProbeError | None:
        """A message, or why it cannot be read. Raises ProbeError if the server seems to be in
        trouble; not if that was so before, at the same message."""
        try:
            raw = await self._message(pop3, number, uid in self._maildrop.news)
        except ProbeError as error:
            why = error.at(None, Step.FETCH)
            if not self._maildrop.failed(uid, why, self._trace.now()) or not pop3.alive:
                raise
            self._trace.note(f"-- {error.detail}; skipped for now")
            return why
        self._maildrop.unreadable.answered(uid)
        return raw

    def _sighting(self, uid: str, raw: bytes) -> Sighting:
        news = self._maildrop.news.get(uid)
        if not news:
            return Sighting(uid, "INBOX", raw, self._trace.now(), watched=False, cut=True)
        lines = raw.partition(b"\r\n\r\n")[2].count(b"\n")
        cut = self.extent.only_header or len(raw) >= READ_LIMIT or lines >= BODY_LINES
        return Sighting(
            uid, "INBOX", raw, news.seen_at, watched=True, lag=news.lag, precision=COARSE, cut=cut
        )

    async def _message(
        self, pop3: Pop3Connection, number: int, whole: bool = True
    ) -> bytes | ProbeError | None:
        """The header, and the beginning of the body if `whole`; the refusal of a message that is
        broken, and None for one that is deleted or too large."""
        if pop3.offers_top:
            lines = BODY_LINES if whole and not self.extent.only_header else 0
            reply, raw = await pop3.top(number, lines, READ_LIMIT)
            if reply.ok:
                return raw
            if reply.coded:
                reply.expect("to show a message", Reason.UNAVAILABLE)
            if reply.says_gone:
                return None
        if (await pop3.size(number) or 0) > LARGEST:
            self._trace.note(f"-- message {number} is too large to be read without TOP")
            return None
        reply, raw = await pop3.retr(number, READ_LIMIT)
        if reply.ok:
            pop3.offers_top = False  # in this login; a server may offer what it then refuses
        elif reply.coded:
            reply.expect("to show a message", Reason.UNAVAILABLE)
        if reply.ok or reply.says_gone:
            return raw if reply.ok else None
        refused = ProbeError(Reason.REJECTED, reply.refusal("to show a message"))
        return refused.at(None, Step.FETCH)

    def unreadable_since(self, moment: float) -> ProbeError | None:
        """Why a message that arrived then or later could not be read."""
        return self._maildrop.unreadable_since(moment)

    async def whole(self, sighting: Sighting, limit: int) -> bytes:
        """The whole message; empty if this login is over."""
        number = self._maildrop.listing.numbers.get(sighting.ref)
        if not self._pop3 or number is None or (await self._pop3.size(number) or 0) > limit:
            return b""
        with self._trace.step(Step.FETCH, "a whole message"):
            reply, raw = await self._pop3.retr(number, limit)
        return raw if reply.ok else b""

    async def wait(self, seconds: float, wake: Wake) -> None:
        """Sleeps until the next login is due; returns at once if this one has unread messages."""
        if wake.is_set() or self._left():
            return
        now = self._trace.now()
        self._gap = now + seconds - self._scanned_at
        end = min(now + seconds, max(self._maildrop.due_at(self._gap, self._interval), now))
        if self._pop3 and self._stay_until > now:
            await self._sleep(min(self._stay_until, end), wake)
        if self._trace.now() >= self._stay_until and not wake.is_set():
            await self._leave()
        await self._sleep(end, wake)

    async def _sleep(self, until: float, wake: Wake) -> None:
        """Sleeps until then, or until `wake` is set."""
        await wake.sleep(max(until - self._trace.now(), 0))

    async def delete(self, sightings: Sequence[Sighting]) -> None:
        """Removes exactly these messages, and returns when the server has confirmed it, at QUIT.
        Raises ProbeError, too, if it has confirmed that before, and in vain."""
        uids = {sighting.ref for sighting in sightings}
        pop3 = self._pop3 or await self._enter()
        in_vain = self._maildrop.confirmed.in_vain(sightings, self._trace.now())
        with self._trace.step(Step.DELETE):
            deleted = 0
            listing = self._maildrop.listing
            numbers = ((number, uid) for uid in uids for number in listing.all_of(uid))
            for number, uid in sorted(numbers):
                if await self._is_still_ours(pop3, number, uid):
                    await pop3.dele(number)
                    deleted += 1
        if deleted:
            with self._trace.step(Step.LOGOUT):
                await pop3.quit()
            self._pop3 = None
            pop3.abort()
            await pop3.closed()
        else:  # they are gone, so there is nothing to confirm
            await self._leave()
        self._maildrop.deleted(uids)
        self._maildrop.confirmed.add(sightings, self._trace.now())
        self.messages = len(self._maildrop.listing) - deleted
        if in_vain:
            with self._trace.step(Step.DELETE):
                raise in_vain

    async def _is_still_ours(self, pop3: Pop3Connection, number: int, uid: str) -> bool:
        """Whether the id still belongs to our message. A unique id of a message that this login has
        read needs no check."""
        if uid in self._certain and uid not in self._maildrop.listing.repeated:
            return True
        raw = await self._message(pop3, number)
        if isinstance(raw, bytes) and await self._wanted(raw):
            return True
        self._trace.note(
            f"-- message {number} has the id of a probe message, but is not one; not deleted"
        )
        return False

    async def close(self) -> None:
        await self._leave()

    def abort(self) -> None:
        if self._pop3:
            self._pop3.abort()
