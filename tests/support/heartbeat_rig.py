"""A check of a heartbeat, and what each of its looks says."""

import asyncio
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

from exporter.checks.heartbeat import HeartbeatCheck
from exporter.checks.heartbeat_options import HeartbeatOptions
from exporter.checks.known_heartbeats import KnownHeartbeats
from exporter.core.heartbeat import Heartbeat
from exporter.core.model import Failure, ProbeError
from exporter.core.reasons import Reason
from exporter.core.timing.clock import Clock
from exporter.core.trace.run import Run
from exporter.mail.tokens import Mint
from exporter.mailboxes.session import Mailbox
from exporter.mailboxes.watcher.strays import Stray
from exporter.mailboxes.watcher.watcher import LINGER, Watcher
from exporter.state.store import Store
from tests.support import virtual_time as virtual
from tests.support.pretend import PretendMailbox

MINUTE, HOUR = 60.0, 3600.0
INTERVAL = 5 * MINUTE
MINT = Mint(b"k" * 32)


def report(subject: str = "Nightly backup finished", *, at: float = 0.0, by: str = "") -> bytes:
    """A report that its last server took at that Unix time, if it is given."""
    took = f"Received: from a by b; {formatdate(at)}\r\n" if at else ""
    return (
        f"{took}From: Backup <{by or 'backup@host.example'}>\r\nTo: b@lab.test\r\n"
        f"Subject: {subject}\r\n\r\nIt took two hours.\r\n"
    ).encode()


def options(**more: Any) -> HeartbeatOptions:
    given = {"mailbox": "monitor", "from": "backup@*", "subject": "*finished*", "every": "2h"}
    return HeartbeatOptions.model_validate(given | more)


@dataclass(frozen=True)
class Look:
    """What one look says."""

    failure: Failure | None
    heartbeat: Heartbeat
    run: Run

    @property
    def reason(self) -> Reason | None:
        return self.failure.reason if self.failure else None

    @property
    def last_at(self) -> float | None:
        return self.heartbeat.last_at


class HeartbeatWatcher:
    """A watcher of a mailbox, and one check that looks into it."""

    def __init__(self, mailbox: Mailbox, clock: Clock, store: Store | None = None) -> None:
        self.clock = clock
        self.store = store or Store.open(None)
        self.watcher = Watcher("monitor", mailbox, MINT, clock, 30, self.stray)
        self.known = KnownHeartbeats(self.store, clock)
        self.known.restore()
        self.configure()

    def configure(self, **more: Any) -> None:
        """Other options, as after a reload."""
        self.check = HeartbeatCheck(options(**more), "monitor", INTERVAL, self.watcher, self.known)
        self.watcher.heartbeats.listen([self.check.listener])

    async def stray(self, stray: Stray) -> float:
        return 0.0

    async def look(self) -> Look:
        run, failure = Run(self.clock, session_timeout=10), None
        try:
            async with run.deadline(MINUTE):
                await self.check.run(run)
        except ProbeError as error:
            failure = run.failure(error)
        (heartbeat,) = (fact for fact in run.facts if isinstance(fact, Heartbeat))
        return Look(failure, heartbeat, run)

    async def close(self) -> None:
        await self.watcher.close()
        await self.store.close()


class HeartbeatRig(HeartbeatWatcher):
    """The same in virtual time, with a pretended mailbox."""

    def __init__(self, *, listens: bool = False) -> None:
        self.mailbox = PretendMailbox(listens=listens)
        super().__init__(self.mailbox, virtual.clock())

    async def settled(self) -> None:
        """Long enough for a watcher that nobody needs to go away."""
        await asyncio.sleep(LINGER + 2)

    def restart(self) -> "HeartbeatWatcher":
        """Another process with the same state and mailbox."""
        return HeartbeatWatcher(self.mailbox, self.clock, self.store)
