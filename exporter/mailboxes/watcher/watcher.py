"""One watcher per mailbox: all trips that use the mailbox share its one session.

It connects when a trip waits, matches new messages by their token, passes each to its trip or
reports it as a stray, deletes it, reconnects with back-off, and disconnects when no trip waits. So
locks, connection limits, duplicates, late mail and restarts are handled in one place for all
protocols.
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from exporter.core.home import Home
from exporter.core.model import ProbeError
from exporter.core.phases import Leg
from exporter.core.reasons import Reason
from exporter.core.timing.clock import Clock
from exporter.core.timing.fairness import in_turns
from exporter.core.timing.wake import Wake
from exporter.core.trace.run import Run
from exporter.core.trace.trace import Trace
from exporter.core.transcript.transcript import Transcript
from exporter.mail.tokens import Mint
from exporter.mailboxes.session import (
    Extent,
    HasExtent,
    Mailbox,
    Rechecking,
    ReportsUnreadable,
    ScanLimited,
    Session,
    Sighting,
)
from exporter.mailboxes.watcher.back_off import BackOff, Trouble
from exporter.mailboxes.watcher.deletions import Deletions
from exporter.mailboxes.watcher.dispatch import Dispatcher
from exporter.mailboxes.watcher.expectation import Expectation, Found
from exporter.mailboxes.watcher.heartbeats import Heartbeats
from exporter.mailboxes.watcher.looks import Looks
from exporter.mailboxes.watcher.opening import Opening
from exporter.mailboxes.watcher.poll import Poll
from exporter.mailboxes.watcher.reader import Reader
from exporter.mailboxes.watcher.statistics import Statistics
from exporter.mailboxes.watcher.strays import Judge
from exporter.mailboxes.watcher.waiting import Waiting

log = logging.getLogger(__name__)

# Seconds that we stay after a message has come: a second copy comes right behind the first.
LINGER = 5.0
GOODBYE = 2.0  # seconds for the last deletions when the program stops
NEVER = float("-inf")  # monotonic


class Watcher:
    """Call everything from the event loop's thread.

    `patience` limits one exchange with the server, in seconds. `stray` is called with every message
    with our token that no trip waits for. All watchers of a program should share one `reader`. The
    mailbox is not opened before `may_open` is set, if that is given.
    """

    def __init__(
        self,
        name: str,
        mailbox: Mailbox,
        mint: Mint,
        clock: Clock,
        patience: float,
        stray: Judge,
        reader: Reader | None = None,
        may_open: asyncio.Event | None = None,
    ) -> None:
        self.name = name
        self.statistics = Statistics()
        # Until the mailbox has been looked into again: to open it proves little.
        self.trouble: Trouble | None = None
        self.entering: Trace | None = None  # of a session that is being opened
        # The newest session, if it may not look at any time.
        self.scan_limited: ScanLimited | None = None
        # The same, if it may meet messages that it cannot read.
        self.reports_unreadable: ReportsUnreadable | None = None
        self._extent: Extent | None = None  # of the newest session, if it can be set
        self._may_open = may_open
        self._mailbox = mailbox
        self._clock = clock
        self._patience = patience
        self._waiting = Waiting()
        self.heartbeats = Heartbeats(clock)
        self._looks = Looks()
        self._has_trips = False  # a message of ours has been awaited
        self._dispatcher = Dispatcher(
            *(self._waiting.trips, mint, self.statistics, stray),
            *(clock.monotonic, reader or Reader(), self.heartbeats),
        )
        self._transcript = Transcript(Leg.MAILBOX)
        self._deletions = Deletions()
        self._poll = Poll(
            self._waiting, self._dispatcher, self._deletions, self._transcript, self.statistics
        )
        self._wake = Wake()
        self._polled_at = NEVER  # the last poll; NEVER if the next one is due
        self._task: asyncio.Task[None] | None = None
        self._opening: Opening | None = None  # set while the session is open
        self._linger_until = NEVER
        self._back_off = BackOff(clock)
        self._closing = False

    @property
    def connected_since(self) -> float | None:
        """When the current session was opened, as a wall time; None if there is none."""
        return self._opening.at_wall if self._opening else None

    @property
    def waiting(self) -> int:
        """How many trips wait for a message."""
        return len(self._waiting.trips)

    @property
    def receives(self) -> bool:
        """Whether others deliver to this mailbox, so that accepted messages exist only here."""
        return self._mailbox.listens

    def start(self) -> None:
        """Opens a receiver permanently; any other mailbox is opened when a trip needs it."""
        if self._mailbox.listens:
            self._watch()

    @contextmanager
    def expect(
        self,
        trip: str,
        run: Run,
        found: "asyncio.Future[Found] | None" = None,
        *,
        named: bool = False,
        home: Home = Home.MESSAGE,
        whole: bool = False,
        recipient: str = "",
        sends: bool = True,
    ) -> Iterator[Expectation]:
        """In its block, the watcher looks for the message of this trip, or what else comes `home`
        of it; with `found`, the future of another watcher, only for bounces. A `named` mailbox is
        not the only one of the trip, and its steps say which it is. A message that is read only in
        part is read as a `whole`, to see what was changed in it. A bounce of a message to another
        address than its `recipient` names that. A trip that `sends` nothing only wants the mailbox
        to be open."""
        self._has_trips = self._has_trips or sends
        expectation = Expectation(
            self, run, found, named=named, home=home, whole=whole, recipient=recipient
        )
        self._waiting.add(trip, expectation)
        run.add_transcript(self._transcript, trip, self.name)
        if self._opening:
            self._opening.report_to(expectation)
        elif self.trouble and self._back_off.protects_account():
            told = self.trouble.error_for_trip()
            self._transcript.note(run.now(), f"-- {told}")
            expectation.refuse(told)
        else:
            self._back_off.retry_now()
        if not self._opening:  # else it is polled often enough until the message is accepted
            self._watch()
        try:
            yield expectation
        finally:
            self._waiting.remove(trip)
            self._release(expectation)

    def look(self, since: float) -> "asyncio.Future[None]":
        """Looks at everything that was in the mailbox at that monotonic time. The result is done
        when that is over; while the mailbox cannot be read, it is not."""
        look = self._looks.add(since)
        self._watch()
        return look

    def keep_watching(self, trip: str, accepted: float) -> None:
        """Keeps looking for an overdue message that was accepted at that monotonic time."""
        self._has_trips = True
        self._waiting.late[trip] = accepted
        self._watch()

    def stop_watching(self, trip: str) -> None:
        if self._waiting.late.pop(trip, None) is not None:
            self.wake()

    def delete(self, sighting: Sighting, done: "asyncio.Future[None] | None" = None) -> None:
        """Removes one of our messages as soon as the session can."""
        self._deletions.add(sighting, done)
        self._watch()

    def wake(self) -> None:
        self._wake.set()

    def configure(self, mailbox: Mailbox | None, patience: float) -> None:
        """Applies these options. None: the mailbox is unchanged, and keeps its session. With
        another mailbox, the session ends, and waiting trips go on there."""
        self._patience = patience
        if mailbox is not None:
            self._mailbox, self._back_off, self.trouble = mailbox, BackOff(self._clock), None
            self._watch()

    async def close(self) -> None:
        """Ends the session after its last deletions. The caller ends waiting trips.

        A receiver holds accepted messages only in memory: they are processed before it closes.
        """
        self._closing = True
        if self._task and self._opening and (self._deletions or self._mailbox.listens):
            self.wake()
            await asyncio.wait([self._task], timeout=GOODBYE)
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def _watch(self) -> None:
        self._wake.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._sessions(), name=f"watcher of {self.name}")

    async def _sessions(self) -> None:
        """While the mailbox is needed: opens it, polls it, backs off on failure, and replaces it
        when its configuration has changed."""
        if self._may_open:
            await self._may_open.wait()
        while self._wanted:
            if (pause := self._back_off.until - self._clock.monotonic()) > 0:
                await self._pause(pause)
                continue
            began = self._transcript.position
            trace = self.entering = Trace(
                self._clock, session_timeout=self._patience, transcript=self._transcript
            )
            mailbox = self._mailbox
            try:
                await self._one_session(mailbox, trace)
            except ProbeError as error:
                await self._failed(mailbox, trace.located(error), trace)
            except Exception:
                log.exception("mailbox %s: a bug in mailtrip; reopening it", self.name)
                await self._failed(mailbox, ProbeError(Reason.INTERNAL, "see the log"), trace)
            if self.trouble:  # one attempt of many, perhaps
                self._transcript.looked(began)
            if mailbox is not self._mailbox:
                self._discard_sightings()
        self.statistics.connected = self.trouble is None

    async def _one_session(self, mailbox: Mailbox, trace: Trace) -> None:
        """Opens the mailbox, and polls it until it is no longer needed, or replaced."""
        async with trace.conversation():
            wanted = self._dispatcher.admit if mailbox.listens else self._dispatcher.may_delete
            session = await mailbox.open(trace, wanted)
        letting_go: asyncio.Task[None] | None = None
        try:
            self._opening = Opening.of(trace, self._clock.wall(), listens=mailbox.listens)
            self._polled_at = NEVER
            self.entering = None
            self._extent = session.extent if isinstance(session, HasExtent) else None
            self.scan_limited = session if isinstance(session, ScanLimited) else None
            self.reports_unreadable = session if isinstance(session, ReportsUnreadable) else None
            letting_go = asyncio.create_task(self._report(self._opening))
            while self._wanted and (mailbox is self._mailbox or self._holds_sightings):
                trace.spans.clear()
                await self._next_step(session, trace)
            self._opening = None  # a trip that comes now needs a session that lasts
            try:
                await session.close()
            finally:
                if mailbox.listens:
                    self._polled_at = NEVER
                    await self._next_step(session, trace)
        finally:
            self._opening = None
            if letting_go:
                letting_go.cancel()
            session.abort()

    async def _report(self, opening: Opening) -> None:
        """Lets the trips go that wait for this session: there may be thousands, and all begin to
        send."""
        async for expectation in in_turns(list(self._waiting.trips.values()), 1):
            opening.report_to(expectation)

    async def _next_step(self, session: Session, trace: Trace) -> None:
        """Polls the mailbox, if that is due. Then deletes messages, or waits until the next poll is
        due."""
        began, idle = self._transcript.position, not self._deletions
        if (due := self._next_poll()) <= self._clock.monotonic():
            idle = await self._poll_once(session, trace)
            due = self._next_poll()
        if self._deletions:
            await self._poll.delete(session, trace)
        elif self._wanted and self._opening:
            await self._wait(due, session, trace)
        if idle:
            self._transcript.looked(began)

    def _next_poll(self) -> float:
        if self._closing and not self._mailbox.listens:
            return float("inf")  # what comes now is for the next start to find
        if self._looks:
            return self._looks.next_at
        now, listens = self._clock.monotonic(), self._mailbox.listens
        return self._waiting.next_poll(self._polled_at, now, listens=listens)

    async def _poll_once(self, session: Session, trace: Trace) -> bool:
        """Polls the mailbox. True if there is nothing to do."""
        began, scanned_at = self._transcript.position, self._clock.monotonic()
        if self._extent:
            self._extent.dated = bool(self.heartbeats)
            self._extent.only_header = bool(self.heartbeats) and not self._has_trips
        if self._looks and isinstance(session, Rechecking):
            session.recheck()
        sightings = await self._poll.scan(session, trace)
        self._polled_at = self._clock.monotonic()
        self.trouble, self.statistics.connected = None, True
        await self._poll.act(sightings, session, trace, began)
        self._looks.scanned(session, scanned_at, found=bool(sightings))
        return not sightings and not self._deletions

    async def _wait(self, due: float, session: Session, trace: Trace) -> None:
        """Waits until the next poll is `due`, messages arrive, or there is something to do."""
        seconds = max(due - self._clock.monotonic(), 0.0)
        async with trace.conversation(idle=seconds):
            await session.wait(seconds, self._wake)
        if not self._wake.is_set():
            self._polled_at = NEVER
        self._wake.clear()

    @property
    def _wanted(self) -> bool:
        if self._closing:
            return bool(self._deletions and self._opening)
        lingers = self._opening and self._clock.monotonic() < self._linger_until
        return bool(self._waiting or self._deletions or self._mailbox.listens or lingers)

    @property
    def _holds_sightings(self) -> bool:
        """Whether messages seen in this session are still to be deleted, which only this session
        can do reliably."""
        return bool(self._deletions) or self._waiting.holding()

    def _discard_sightings(self) -> None:
        """Drops the messages of an old mailbox's session, whose identifiers are invalid in the new
        one."""
        self._deletions.discard("the mailbox's configuration has changed")
        self._dispatcher.forget_postponed()

    async def _failed(self, mailbox: Mailbox, error: ProbeError, trace: Trace) -> None:
        self.entering = None
        if mailbox is not self._mailbox:
            return  # it is no longer asked for: the new one is tried at once
        error = error.at(None, error.step)  # the phase of our session is not a trip's
        self.trouble = trouble = self._back_off.failed(error, self.trouble)
        self.statistics.connected = False
        self.statistics.failure = (error.step or "", error.reason, error.code)
        self.statistics.reconnects += 1
        trace.note(f"-- {error}; {trouble.next_attempt}")
        log.warning("mailbox %s: %s; %s", self.name, error, trouble.next_attempt)
        await self._waiting.failed(error, trace)

    async def _pause(self, seconds: float) -> None:
        """Sleeps until the time is over or the waiting trips change."""
        self._wake.clear()
        await self._wake.sleep(seconds)

    def _release(self, expectation: Expectation) -> None:
        """Releases a trip that has ended, perhaps before it could delete its message."""
        expectation.opened.cancel()
        found = expectation.found
        if expectation.for_bounces or found.cancel() or found.cancelled() or found.exception():
            self.wake()  # perhaps nothing else is awaited
            return
        self._linger_until = self._clock.monotonic() + LINGER
        if not expectation.deleted:
            self.delete(found.result().sighting)
