"""The composition root: builds everything from the settings, runs it, stops it."""

import asyncio
import logging
import signal
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from exporter.blocklists import Blocklists
from exporter.checks import CHECKS, Means
from exporter.config.types import Listen, Secret, SecretUnavailable
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
from exporter.senders.pace import Pace
from exporter.settings import Settings, StateOptions
from exporter.state_file import StateUnusable
from exporter.store import Store
from exporter.tokens import Mint, load_key, new_key, read_key
from exporter.web.gate import Gate
from exporter.web.pages import Pages
from exporter.web.server import Server
from exporter.web.webfile import WebFile

log = logging.getLogger(__name__)

HOUSEKEEPING = 30.0  # seconds between two looks for what is lost or forgotten
KEY_FILE = "token.key"


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    listen: Sequence[Listen]
    max_targets: int = DEFAULT_MAX_TARGETS
    web_file: WebFile | None = None


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
        resolver = Resolver(settings.resolver.nameservers, settings.resolver.timeout)
        self.blocklists = Blocklists(resolver, self.clock)
        self._means = Means(resolver, self.watchers, Pace(), self.blocklists, self._left_from)
        patience = max((module.session_timeout for module in settings.modules.values()), default=30.0)
        for name, options in settings.mailboxes.items():
            kind, how = options.chosen
            mailbox = MAILBOXES[kind](how, resolver)
            self.watchers[name] = Watcher(name, mailbox, self.mint, self.clock, patience, self.ledger.stray)
        self.probes = ProbeTable(settings, self.prober, self.metrics, self.clock, self._make, max_targets)
        self.metrics.configured(self.clock.wall())

    def _make(self, key: ProbeKey, name: str | None, interval: float | None) -> Probe:
        module = self.settings.modules[key.module]
        kind, how = module.chosen
        check = CHECKS[kind](how, key.target, self._means)
        return Probe(key, check, interval or module.interval, module.timeout, module.session_timeout, name)

    def _left_from(self, name: str) -> str:
        return next((probe.left_from for probe in self.probes if probe.name == name), "")

    # ---------------------------------------------------------------- running

    async def __aenter__(self) -> "App":
        for watcher in self.watchers.values():
            watcher.start()
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Trips in flight stay pending: the next start goes on with them."""
        for probe in self.probes:
            await self.prober.abandon(probe)
        await asyncio.gather(self.blocklists.close(), *(watcher.close() for watcher in self.watchers.values()))
        await self.store.close()

    def recover(self) -> None:
        """Goes on where an earlier process stopped."""
        for outcome, last_success in self.store.outcomes():
            if self.probes.allowed(outcome.probe):
                probe = self.probes.get(outcome.probe)
                probe.show(outcome)
                self.metrics.restored(outcome, last_success)
                self._keep_beat(probe, outcome.started_at)
        for key, started_at in self.store.last_starts().items():
            if self.probes.allowed(key):  # perhaps its message has left, though we were killed before we knew
                self._keep_beat(self.probes.get(key), started_at)
        for trip in self.ledger.recover():
            if self.probes.allowed(trip.probe):
                self.prober.resume(self.probes.get(trip.probe), trip)
            else:
                self.ledger.abandon(trip)

    def _keep_beat(self, probe: Probe, started_at: float) -> None:
        """No restart, and no row of them, makes more trips than one in an interval."""
        ago = max(self.clock.wall() - started_at, 0.0)
        probe.last_start = max(probe.last_start, self.clock.monotonic() - ago)

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
        key = key_of(settings.state, state_dir)
        app = await stack.enter_async_context(App(settings, store, key, options.max_targets))
        pages = Pages(app.probes, app.store, app.watchers, app.clock.wall)
        server = Server(app.probes, app.metrics, pages, options.listen, gate=Gate(options.web_file))
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


def shared_key(state: StateOptions) -> bytes:
    """The key of a mailtrip that serves with this state, or else a new one that is kept nowhere.

    Raises StateUnusable if the configuration has a key that cannot be used.
    """
    if state.token_key:
        return _given(state.token_key)
    file = Path(state.dir) / KEY_FILE
    try:
        return load_key(file) if file.exists() else new_key()
    except (OSError, ValueError):
        return new_key()


def key_of(state: StateOptions, directory: Path) -> bytes:
    """The key that signs tokens: a given one, else that of the directory, made if need be. Raises StateUnusable."""
    if state.token_key:
        return _given(state.token_key)
    file = directory / KEY_FILE
    try:
        return load_key(file)
    except (OSError, ValueError) as error:
        problem = error.strerror if isinstance(error, OSError) else error
        raise StateUnusable(f"cannot use the token key {file}: {problem}") from None


def _given(secret: Secret) -> bytes:
    try:
        return read_key(secret.reveal())
    except SecretUnavailable as error:
        raise StateUnusable(f"state.token_key: {error}") from None
    except ValueError as error:
        raise StateUnusable(f"state.token_key: cannot use the key in {secret.origin}: {error}") from None
