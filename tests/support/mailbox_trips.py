"""What stands between a probe and its mailbox, with a real clock: a mint, a watcher, a ledger that
counts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from exporter.core.facts import LateArrival
from exporter.core.home import Home
from exporter.core.model import Fact, Failure, Outcome, ProbeKey
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.timing.clock import Clock
from exporter.core.trace.run import Run
from exporter.mail.tokens import Mint, Token, new_key
from exporter.mailboxes.watcher.expectation import Expectation, Found
from exporter.mailboxes.watcher.watcher import Watcher
from exporter.probing.ledger import Ledger
from exporter.state.store import Store
from tests.support.mailbox_rig import MailboxRig
from tests.support.watcher_rig import message

KEY = ProbeKey("submission", "someone@example.org")
PATIENCE = 20.0  # seconds
LONGEST_WAY = 60.0
"""Seconds until a message has come, with two hundred on their way on a busy machine."""


@dataclass
class Counts:
    """What a ledger has told of messages that no trip awaited."""

    late_ones: list[float | None] = field(default_factory=list)
    duplicates: int = 0
    bounces: int = 0
    losses: int = 0

    def late(self, probe: ProbeKey, trip: str, arrival: LateArrival) -> None:
        self.late_ones.append(arrival.delay)

    def bounced(self, probe: ProbeKey) -> None:
        self.bounces += 1

    def lost(self, probe: ProbeKey, sent_at: float = 0.0, facts: tuple[Fact, ...] = ()) -> None:
        self.losses += 1

    def duplicate(self, probe: ProbeKey) -> None:
        self.duplicates += 1

    def unclear(self, probe: ProbeKey) -> None: ...

    def let_through(self, probe: ProbeKey) -> None: ...


@dataclass
class Trip:
    """A trip whose message has been accepted; the test delivers it, or does not."""

    token: Token
    run: Run
    raw: bytes
    expected: Expectation
    found: Found | None = None

    async def returns(self) -> Found:
        """The message, found and deleted."""
        async with asyncio.timeout(LONGEST_WAY):
            self.found = await self.expected.arrival()
            await self.expected.delete()
        return self.found

    @property
    def delay(self) -> float | None:
        assert self.found
        return self.found.sighting.delay_since(self.run.accepted, Clock())

    def outcome(self) -> Outcome:
        overdue = Failure(Phase.DELIVER, None, Reason.OVERDUE)
        return Outcome(
            self.token.trip, KEY, self.run.started_at, 0.0, failure=None if self.found else overdue
        )


class MailboxExporter:
    """A mailtrip with one mailbox. Those with the same key are one instance."""

    def __init__(self, rig: MailboxRig, key: bytes | None = None) -> None:
        self.clock = Clock()
        self.mint = Mint(key or new_key())
        self.counts = Counts()
        self._store = Store.open(None)
        watchers: dict[str, Watcher] = {}
        self._ledger = Ledger(self._store, watchers, self.counts, self.clock)
        self.watcher = watchers["monitor"] = Watcher(
            "monitor", rig.mailbox(), self.mint, self.clock, PATIENCE, self._ledger.stray
        )

    def token(self, age: float = 0.0) -> Token:
        return self.mint.mint(self.clock.wall() - age)

    @asynccontextmanager
    async def trip(
        self, token: Token | None = None, home: Home = Home.MESSAGE
    ) -> AsyncIterator[Trip]:
        """The mailbox is open, and the message has been accepted. In the end it is back, or what
        else comes `home` of it, or overdue."""
        token = token or self.token()
        run = Run(self.clock, session_timeout=PATIENCE)
        await self._ledger.record(token, KEY, "monitor", run, 3600, home=home)
        with self.watcher.expect(token.trip, run, home=home) as expected:
            trip = Trip(token, run, message(token), expected)
            async with asyncio.timeout(PATIENCE):
                await expected.ready()
            run.accept()
            yield trip
        self._ledger.end(trip.outcome(), run, arrived=trip.found is not None)

    async def close(self) -> None:
        await self.watcher.close()
        await self._store.close()


@asynccontextmanager
async def running(rig: MailboxRig, key: bytes | None = None) -> AsyncIterator[MailboxExporter]:
    exporter = MailboxExporter(rig, key)
    try:
        yield exporter
    finally:
        await exporter.close()
