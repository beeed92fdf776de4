"""A trip's view of the watcher that looks for its message."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from exporter.core.facts import Alteration, Unclear
from exporter.core.home import Home
from exporter.core.model import Fact, ProbeError, Span, TlsSession
from exporter.core.one_line import MAX_DETAIL, one_line
from exporter.core.phases import Leg, Phase
from exporter.core.reasons import Reason
from exporter.core.trace.run import Run
from exporter.core.trace.trace import Trace
from exporter.core.transcript.transcript import Transcript
from exporter.mail.bounces import Bounce
from exporter.mail.message import FoundIn, Kind, Reading
from exporter.mail.mime import Part
from exporter.mail.tokens import Token
from exporter.mailboxes.session import ReportsUnreadable, ScanLimited, Sighting
from exporter.mailboxes.watcher.back_off import Trouble
from exporter.mailboxes.watcher.matching import Awaits


@dataclass(frozen=True, slots=True)
class Seen:
    """What a closer look at a message has shown."""

    alterations: tuple[Alteration, ...] = ()  # empty also if they are unknown
    tab: str = ""  # of the inbox, under which it is shown; empty if that is unknown


@dataclass(frozen=True, slots=True)
class Found:
    """A trip's message, seen in the mailbox."""

    token: Token
    found_in: FoundIn
    message: Part
    sighting: Sighting
    status: Bounce | None = None  # what a notification says
    seen: Seen = Seen()


_MISSED = {
    Home.MESSAGE: "not seen",
    Home.REPLY: "no answer was seen",
    Home.DELIVERY_STATUS: "no notification of its delivery was seen",
}
MOST_UNCLEAR = 3  # messages that a trip keeps as facts; all are counted


def returned(bounce: Bounce, recipient: str = "") -> ProbeError:
    """What a delivery status notification means for the trip. It names whom the message did not
    reach, if that is not its `recipient`."""
    known = bounce.recipient.lower() in (recipient.lower(), "") or not recipient
    named = bounce.recipient.lower() in bounce.diagnostic.lower()
    whom = "" if known or named else f" for {bounce.recipient}"
    who = f"{bounce.reporter or bounce.remote or 'a mail server'} returned it{whom}"
    by = (
        f" (refused by {bounce.remote})"
        if bounce.reporter and bounce.remote not in ("", bounce.reporter)
        else ""
    )
    why = ": ".join(filter(None, (bounce.hint, bounce.diagnostic or "no reason given")))
    # The server's text may be long, and is cut.
    detail = one_line(f"{who}: {why}", MAX_DETAIL - len(by)) + by
    return ProbeError(Reason.BOUNCED, detail, code=bounce.status)


class MailboxWatcher(Protocol):
    """The part of the watcher that an expectation uses."""

    name: str
    trouble: Trouble | None
    entering: Trace | None
    scan_limited: ScanLimited | None
    reports_unreadable: ReportsUnreadable | None

    def wake(self) -> None: ...

    def look(self, since: float) -> "asyncio.Future[None]": ...

    def delete(self, sighting: Sighting, done: "asyncio.Future[None]") -> None: ...


# Of a trip's time, before its end: when the mailbox is looked into once more, thoroughly.
LAST_LOOK = 0.1
INSTANT = 0.001  # seconds that are no time to wait; a clock may not even show less
LAST_MOMENT = 0.1  # seconds before its deadline: when a trip ends whose message must not come
_LONGEST_WAIT = 3600.0  # seconds; then it is seen how much time is left
SHORTEST_LAST_LOOK, LONGEST_LAST_LOOK = 0.5, 5.0  # seconds


class Expectation:
    """The watcher sets the futures; a trip only waits for them, so cancelling a trip does not
    change them."""

    def __init__(
        self,
        watcher: MailboxWatcher,
        run: Run,
        found: "asyncio.Future[Found] | None" = None,
        *,
        named: bool = False,
        home: Home = Home.MESSAGE,
        whole: bool = False,
        recipient: str = "",
    ) -> None:
        loop = asyncio.get_running_loop()
        self.run = run
        self.home = home
        self.opened: asyncio.Future[None] = loop.create_future()
        # This mailbox can only tell that the message will not come.
        self.for_bounces = found is not None
        self.returns: Expectation | None = None  # of the mailbox for bounces, if it is another one
        self.found: asyncio.Future[Found] = found or loop.create_future()
        self.deleted: asyncio.Future[None] | None = None
        self.reads_whole = whole  # a large message has parts that were sealed
        self._watcher = watcher
        self._named = named
        self._recipient = recipient
        self._notes: Transcript | None = None  # of the mailbox, for this trip only
        self._may_recheck = True
        self._is_rechecked = False

    @property
    def awaits(self) -> Awaits:
        """The messages that may still arrive for this trip."""
        if self.found.done():
            return Awaits.NOTHING_MORE
        return Awaits.BOUNCES if self.for_bounces else Awaits.MESSAGE

    def adopt(self, spans: Iterable[Span], phase: Phase, began: float) -> None:
        """Copies spans of the mailbox's session into the trip."""
        if self._named:
            name = self._watcher.name
            spans = [
                replace(span, note=f"{name}: {span.note}" if span.note else name) for span in spans
            ]
        self.run.adopt(spans, phase, began)

    def learn(self, facts: Iterable[Fact]) -> None:
        """Copies facts about the mailbox's session into the trip."""
        for fact in facts:
            if self._named and isinstance(fact, TlsSession):
                fact = replace(fact, mailbox=self._watcher.name)
            self.run.fact(fact)

    async def ready(self) -> None:
        """Returns when the mailbox is open. Raises ProbeError if it refuses us; an unreachable one
        is retried."""
        await asyncio.shield(self.opened)

    async def arrival(self) -> Found:
        """Returns when the message is seen."""
        self._watcher.wake()
        return await asyncio.shield(self.found)

    async def look(self) -> None:
        """Returns when everything that was in the mailbox at the start of the trip has been looked
        at."""
        await self._watcher.look(self.run.started)

    def unseen(self) -> ProbeError | None:
        """Why the look is not over, if that is known."""
        session = self._watcher.scan_limited
        if (error := self.trouble()) or session is None or session.next_scan_at <= self.run.now():
            return error
        detail = f"mailbox {self._watcher.name} could not be polled: {session.scan_limit}"
        return ProbeError(
            Reason.UNAVAILABLE, f"{detail}; `timeout` must be longer than that", code="LOGIN-DELAY"
        )

    async def absence(self) -> Found | None:
        """Returns None shortly before the trip's deadline if the message was not seen, though the
        mailbox was watched to the last look; or the message when it is seen. Raises ProbeError if
        the mailbox could not be read, and if the message was returned."""
        self._watcher.wake()
        while (left := self.run.time_left() - LAST_MOMENT) > INSTANT:
            await asyncio.wait([self.found], timeout=min(left, _LONGEST_WAIT))
            if self.found.done():
                return self.found.result()
        if (error := self.run.overdue()).reason is not Reason.OVERDUE:
            raise error
        for one in filter(None, (self, self.returns)):
            if unlooked := one.unanswered():
                raise unlooked
        return None

    def unanswered(self) -> ProbeError | None:
        """Why a message that was not seen may be in the mailbox all the same: the last look had no
        answer."""
        if self._is_rechecked:
            return self.trouble()
        detail = f"mailbox {self._watcher.name} did not answer when it was looked into at last"
        return self.trouble() or ProbeError(Reason.TIMEOUT, detail)

    async def delete(self) -> None:
        """Returns when the message is gone from the mailbox."""
        self.deleted = asyncio.get_running_loop().create_future()
        self._watcher.delete(self.found.result().sighting, self.deleted)
        await self.deleted

    def recheck_in(self) -> float:
        """Seconds until the thorough poll that precedes the verdict `overdue`; infinite after
        it."""
        if not self._may_recheck or self.found.done() or self.run.accepted is None:
            return float("inf")
        left = self.run.time_left()
        share = LAST_LOOK * (self.run.now() - self.run.started + left)
        due = left - min(max(share, SHORTEST_LAST_LOOK), LONGEST_LAST_LOOK)
        return due if due > INSTANT else 0.0

    def rechecks(self) -> None:
        """Notes that the thorough poll begins now."""
        self._may_recheck = False

    def rechecked(self) -> None:
        """Notes that the mailbox has answered the thorough poll."""
        self._is_rechecked = True

    def trouble(self) -> ProbeError | None:
        """Why the mailbox is not open: the failure, or the current step of opening it."""
        trouble, entering = self._watcher.trouble, self._watcher.entering
        if entering and not (trouble and trouble.at >= self.run.started):
            waited = self.run.now() - max(self.run.started, entering.started)
            detail = f"mailbox {self._watcher.name} is not open after {waited:.3g} s"
            whose = entering.awaited or entering.server
            detail += f": no answer from {whose}" if whose else ""
            return ProbeError(Reason.TIMEOUT, detail).at(None, entering.here)
        return trouble.error_for_trip(self.run.started) if trouble else None

    def overdue(self) -> ProbeError:
        """The error for a message that was not seen: the mailbox cannot be read, or the message is
        missing."""
        what = f"sent, but {_MISSED[self.home]} in mailbox {self._watcher.name}"
        detail = f"{what} within the module's timeout"
        detail += f"; it was accepted with: {self.run.answer}" if self.run.answer else ""
        unclear = next((fact for fact in self.run.facts if isinstance(fact, Unclear)), None)
        if unclear:
            detail += f"; an unclear message about it came from {unclear.sender}: {unclear.subject}"
        return (
            self.trouble()
            or self._unlooked()
            or self._unread()
            or ProbeError(Reason.OVERDUE, detail)
        )

    def _unlooked(self) -> ProbeError | None:
        """The error if the mailbox may not be polled, and was not for most of the time since the
        message was sent, so that it may have arrived."""
        session, sent, now = self._watcher.scan_limited, self.run.accepted, self.run.now()
        if session is None or sent is None or session.next_scan_at <= now:
            return None
        looked = session.last_scan_at
        if looked - sent >= now - looked:
            return None
        since = "after the message was sent" if looked < sent else f"for {now - looked:.0f} s"
        detail = f"mailbox {self._watcher.name} could not be polled {since}: {session.scan_limit}"
        return ProbeError(
            Reason.UNAVAILABLE, f"{detail}; `timeout` must be longer than that", code="LOGIN-DELAY"
        )

    def _unread(self) -> ProbeError | None:
        """The error if an unreadable message arrived, which may be ours."""
        session, sent = self._watcher.reports_unreadable, self.run.sending_since or self.run.started
        if session is None or not (why := session.unreadable_since(sent)):
            return None
        detail = (
            f"a message arrived in mailbox {self._watcher.name}, perhaps the one sent, but cannot"
            f" be read: {why.detail}"
        )
        return ProbeError(why.reason, detail, code=why.code).at(None, why.step)

    def note_reading(self, reading: Reading, *, arrived: bool = False) -> None:
        """Notes a message about the trip's message, such as a bounce or an answer. `arrived`: that
        is the arrival."""
        if not (about := reading.about):
            return
        what = (
            f"{reading.bounce.action}: {reading.bounce.diagnostic}"
            if reading.bounce
            else about.text
        )
        if not self._notes:
            self._notes = Transcript(Leg.MAILBOX)
            self.run.add_transcript(self._notes, mailbox=self._watcher.name)
        self._notes.note(
            self.run.now(),
            f"-- {'arrived' if arrived else 'not the message'}: {reading.kind} from"
            f" {about.sender}: {about.subject}: {what}",
        )
        unclear = [fact for fact in self.run.facts if isinstance(fact, Unclear)]
        if reading.kind is Kind.UNCLEAR and len(unclear) < MOST_UNCLEAR:
            self.run.fact(about)

    def bounced(self, bounce: Bounce) -> None:
        """Tells a trip that waits for its message that it will not come."""
        if not self.found.done():
            self.found.set_exception(returned(bounce, self._recipient))
            self.found.exception()  # perhaps it is never awaited

    def refuse(self, error: ProbeError) -> None:
        """Tells a trip that waits for the mailbox that it will not open."""
        if not self.opened.done():
            self.opened.set_exception(error)
            self.opened.exception()  # perhaps it is never awaited
