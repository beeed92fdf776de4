"""A prober with one probe, in virtual time, over a pretended mailbox and sender."""

from pathlib import Path

from exporter.authentication import Authenticator
from exporter.checks.options import RoundtripOptions
from exporter.checks.roundtrip import RoundTrip
from exporter.core.availability.maintenance import Maintenance
from exporter.core.model import Outcome, ProbeKey
from exporter.core.timing.clock import Clock
from exporter.mail.tokens import Mint
from exporter.mailboxes.watcher.watcher import Watcher
from exporter.metrics.exporter import Readings
from exporter.metrics.metrics import Metrics
from exporter.probing.ledger import Ledger
from exporter.probing.observer import TraceObserver
from exporter.probing.probe import Probe
from exporter.probing.prober import Prober
from exporter.probing.schedule import Schedule
from exporter.senders.pace import Pace
from exporter.state.store import Store
from tests.support import virtual_time as virtual
from tests.support.pauses import at_once
from tests.support.pretend import PretendMailbox, PretendSender
from tests.support.scopes import SUBMISSION

KEY = ProbeKey("submission", "someone@example.org")
INTERVAL, TIMEOUT = 300.0, 600.0


class ProberRig:
    """A prober with one probe. The store outlives the rig when it is in a directory."""

    def __init__(
        self,
        directory: Path | None = None,
        mailbox: PretendMailbox | None = None,
        clock: Clock | None = None,
        key: bytes = b"k" * 32,
        store: Store | None = None,
        metrics: type[Metrics] = Metrics,
        maintenance: Maintenance | None = None,
        authenticator: Authenticator | None = None,
        traces: TraceObserver | None = None,
        **more: object,
    ) -> None:
        self.clock = clock or virtual.clock()
        self.mailbox = mailbox or PretendMailbox()
        self.sender = PretendSender(self.mailbox)
        self.store = store or Store.open(directory, threaded=False)
        self.watchers: dict[str, Watcher] = {}
        self.metrics = metrics(
            Readings(
                lambda: {name: w.statistics for name, w in self.watchers.items()},
                lag=lambda: self.prober.lag,
            ),
            self.clock,
            maintenance,
        )
        self.ledger = Ledger(self.store, self.watchers, self.metrics, self.clock, traces)
        mint = Mint(key)
        self.sender_s_mailbox = PretendMailbox()
        for name, one in (("monitor", self.mailbox), ("sender", self.sender_s_mailbox)):
            self.watchers[name] = Watcher(name, one, mint, self.clock, 30, self.ledger.stray)
        self.prober = Prober(
            mint, self.ledger, self.metrics, self.clock, maintenance, traces=traces
        )
        refused = "code" in str(more.get("expect")) and "payload" not in more
        options = RoundtripOptions.model_validate(
            {
                "from": "probe@example.org",
                "send": {"smtp": {"host": "mx"}},
                **({} if refused else {"mailbox": "monitor"}),
                "late_after": "24h",
                **more,
            }
        )
        check = RoundTrip(
            options,
            KEY.target,
            self.watchers,
            Pace(),
            self.sender,
            authenticator=authenticator,
        )
        self.probe = Probe(KEY, check, Schedule(INTERVAL), TIMEOUT, 30)
        self.metrics.known(KEY, "gmail", SUBMISSION)

    async def trip(self) -> Outcome:
        return await self.prober.start(self.probe)

    def series(self) -> dict[str, float]:
        text = at_once(self.metrics.probe(KEY)).decode()
        lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in lines}

    async def close(self) -> None:
        await self.prober.abandon(self.probe)
        for watcher in self.watchers.values():
            await watcher.close()
        await self.store.close()
