"""The composition root: builds everything from the settings, runs it, stops it."""

import asyncio
import logging
import signal
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from exporter.checks import CHECKS
from exporter.config.types import Listen
from exporter.ledger import Ledger
from exporter.mailboxes import MAILBOXES
from exporter.mailboxes.watcher import Watcher
from exporter.metrics import Metrics
from exporter.model import ProbeKey
from exporter.net.dns import Resolver
from exporter.prober import Probe, Prober
from exporter.probes import DEFAULT_MAX_TARGETS, ProbeTable
from exporter.run import Clock
from exporter.scheduler import Scheduler
from exporter.settings import Settings
from exporter.store import StateUnusable, Store
from exporter.tokens import Mint, load_key, new_key
from exporter.web.server import Server

log = logging.getLogger(__name__)

HOUSEKEEPING = 30.0  # seconds between two looks for what is lost or forgotten
KEY_FILE = "token.key"


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    listen: Sequence[Listen]
    max_targets: int = DEFAULT_MAX_TARGETS


class App:
    """The parts of a running mailtrip. `key` signs the tokens."""

    def __init__(self, settings: Settings, store: Store, key: bytes, max_targets: int = DEFAULT_MAX_TARGETS) -> None:
        self.clock = Clock()
        self.settings = settings
        self.store = store
        self.mint = Mint(key)
        self.watchers: dict[str, Watcher] = {}
        self.metrics = Metrics(lambda: {name: watcher.statistics for name, watcher in self.watchers.items()})
        self.ledger = Ledger(self.store, self.watchers, self.metrics, self.clock)
        self.prober = Prober(self.mint, self.ledger, self.metrics, self.clock)
        self._resolver = Resolver(settings.resolver.nameservers, settings.resolver.timeout)
        patience = max((module.session_timeout for module in settings.modules.values()), default=30.0)
        for name, options in settings.mailboxes.items():
            kind, how = options.chosen
            mailbox = MAILBOXES[kind](how, self._resolver)
            self.watchers[name] = Watcher(name, mailbox, self.mint, self.clock, patience, self.ledger.stray)
        self.probes = ProbeTable(settings, self.prober, self.metrics, self.clock, self._make, max_targets)
        self.metrics.configured(self.clock.wall())

    def _make(self, key: ProbeKey, name: str | None, interval: float | None) -> Probe:
        module = self.settings.modules[key.module]
        kind, how = module.chosen
        check = CHECKS[kind](how, key.target, self._resolver, self.watchers)
        return Probe(key, check, interval or module.interval, module.timeout, module.session_timeout, name)

    # ---------------------------------------------------------------- running

    async def __aenter__(self) -> "App":
        for watcher in self.watchers.values():
            watcher.start()
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Trips in flight stay pending: the next start goes on with them."""
        for probe in self.probes:
            await self.prober.abandon(probe)
        for watcher in self.watchers.values():
            await watcher.close()
        await self.store.close()

    def recover(self) -> None:
        """Goes on where an earlier process stopped."""
        for outcome in self.store.outcomes():
            if self.probes.allowed(outcome.probe):
                probe = self.probes.get(outcome.probe)
                probe.newest = outcome
                probe.last_start = self.clock.monotonic() - max(self.clock.wall() - outcome.started_at, 0.0)
                self.metrics.restored(outcome)
        for trip in self.ledger.recover():
            if self.probes.allowed(trip.probe):
                self.prober.resume(self.probes.get(trip.probe), trip)
            else:
                self.ledger.abandon(trip)

    async def keep_house(self) -> None:
        while True:
            await asyncio.sleep(HOUSEKEEPING)
            self.ledger.expire()
            self.probes.forget_idle()


async def serve(settings: Settings, state_dir: Path, options: Options) -> None:
    """Runs until SIGINT or SIGTERM. Raises StateUnusable and CannotListen."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        store = Store.open(state_dir)
        app = await stack.enter_async_context(App(settings, store, key_of(state_dir), options.max_targets))
        server = Server(app.probes, app.metrics, options.listen)
        await stack.enter_async_context(server)
        app.recover()
        scheduler = Scheduler(app.prober, app.clock)
        named = [probe for probe in app.probes if probe.name]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(scheduler.run(named)), group.create_task(app.keep_house())]
            await stop.wait()
            log.info("stopping; trips in flight stay pending")
            for task in tasks:
                task.cancel()


def shared_key(state_dir: Path) -> bytes:
    """The key of a mailtrip that serves from this directory, or else a new one that is kept nowhere."""
    try:
        return load_key(state_dir / KEY_FILE) if (state_dir / KEY_FILE).exists() else new_key()
    except (OSError, ValueError):
        return new_key()


def key_of(state_dir: Path) -> bytes:
    """The key that signs tokens, made if there was none. Raises StateUnusable."""
    try:
        return load_key(state_dir / KEY_FILE)
    except (OSError, ValueError) as error:
        problem = error.strerror if isinstance(error, OSError) else error
        raise StateUnusable(f"cannot use the token key {state_dir / KEY_FILE}: {problem}") from None
