"""The composition root: builds from the settings whatever makes trips, runs it, stops it."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from exporter.blocklists import Blocklists
from exporter.checks import CHECKS, Services
from exporter.config.mistakes import Mistake, Mistakes
from exporter.config.types import Secret, SecretUnavailable
from exporter.core.clock import Clock
from exporter.core.model import Outcome, ProbeKey
from exporter.mail.tokens import Mint, load_key, new_key, read_key
from exporter.mailboxes import MailboxOptions
from exporter.mailboxes.session import Mailbox
from exporter.mailboxes.watcher.reader import Reader
from exporter.mailboxes.watcher.watcher import Watcher
from exporter.metrics import Metrics
from exporter.net.dns import Resolver
from exporter.net.oauth2 import Accounts
from exporter.probing.ledger import Ledger
from exporter.probing.probe import Probe
from exporter.probing.prober import Prober
from exporter.probing.probes import DEFAULT_MAX_TARGETS, ProbeTable
from exporter.senders.pace import Pace
from exporter.settings import Settings, StateOptions
from exporter.state.schema import StateUnusable
from exporter.state.store import Store

log = logging.getLogger(__name__)

TIME_TO_STOP = 4.0  # seconds; who stops us kills us later
LEAST_FOR_STATE = 1.0  # of them for what waits to be written
HOUSEKEEPING = 30.0  # seconds between two looks for what is lost or forgotten
KEY_FILE = "token.key"


class App:
    """The parts of a running mailtrip. `key` signs the tokens."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        key: bytes,
        max_targets: int = DEFAULT_MAX_TARGETS,
        clock: Clock | None = None,
    ) -> None:
        self.clock = clock or Clock()
        self.settings = settings
        self.store = store
        self.mint = Mint(key)
        self.watchers: dict[str, Watcher] = {}
        self.accounts = Accounts(self.clock)
        self.accounts.configure(settings.logins)
        self.metrics = Metrics(
            lambda: {name: watcher.statistics for name, watcher in self.watchers.items()},
            self.accounts.standings,
        )
        self.ledger = Ledger(self.store, self.watchers, self.metrics, self.clock)
        self.prober = Prober(self.mint, self.ledger, self.metrics, self.clock)
        resolver = Resolver(settings.resolver.nameservers, settings.resolver.timeout)
        self.blocklists = Blocklists(resolver, self.clock)
        self._resolver = resolver
        self._means = Services(
            resolver, self.watchers, Pace(), self.blocklists, self.accounts, self._left_from
        )
        self._reader = Reader()
        self._retiring: set[asyncio.Task[None]] = set()
        # By the clock of the event loop; None until somebody stops us.
        self.stop_by: float | None = None
        for name, options in settings.mailboxes.items():
            self._open(name, self._mailbox(options), _patience(settings))
        self.probes = ProbeTable(
            settings, self.prober, self.metrics, self.clock, self._make, max_targets
        )
        self.metrics.configured(self.clock.wall())

    def _mailbox(self, options: MailboxOptions) -> Mailbox:
        return options.how.mailbox(self._resolver, self.accounts)

    def _open(self, name: str, mailbox: Mailbox, patience: float) -> Watcher:
        watcher = Watcher(
            name, mailbox, self.mint, self.clock, patience, self.ledger.stray, self._reader
        )
        self.watchers[name] = watcher
        return watcher

    def _make(self, key: ProbeKey, name: str | None, interval: float | None) -> Probe:
        module = self.settings.modules[key.module]
        kind, how = module.chosen
        check = CHECKS[kind](how, key.target, self._means)
        return Probe(
            key, check, interval or module.interval, module.timeout, module.session_timeout, name
        )

    def _left_from(self, name: str) -> str:
        return next((probe.left_from for probe in self.probes if probe.name == name), "")

    # ---------------------------------------------------------------- running

    async def __aenter__(self) -> "App":
        for watcher in self.watchers.values():
            watcher.start()
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Trips in flight stay pending: the next start goes on with them. Nothing is waited for
        after `stop_by`."""
        stop_by = self.stop_by or asyncio.get_running_loop().time() + TIME_TO_STOP
        with suppress(TimeoutError):
            async with asyncio.timeout_at(stop_by - LEAST_FOR_STATE):
                await self._end_what_runs()
        await self.store.close(max(stop_by - asyncio.get_running_loop().time(), LEAST_FOR_STATE))

    async def _end_what_runs(self) -> None:
        await asyncio.gather(
            *(self.prober.abandon(probe) for probe in (*self.probes, *self.probes.leaving))
        )
        watchers = (watcher.close() for watcher in self.watchers.values())
        await asyncio.gather(self.blocklists.close(), *watchers, *self._retiring)
        await self.accounts.close()

    def recover(self) -> None:
        """Goes on where an earlier process stopped."""
        self._restore(self.probes.current)
        for trip in self.ledger.recover():
            if key := self.probes.current(trip.probe):
                self.prober.resume(self.probes.get(key), trip)
            else:
                self.ledger.abandon(trip)

    def _restore(self, wanted: Callable[[ProbeKey], ProbeKey | None]) -> None:
        """What the store knows of some probes; `wanted` gives what their keys are today."""
        for known in sorted(self.store.last_known(), key=lambda one: one.outcome.finished_at):
            if key := wanted(known.outcome.probe):
                probe, outcome = self.probes.get(key), replace(known.outcome, probe=key)
                probe.remember(outcome, known.history)
                self.metrics.restored(outcome, known.last_success)
                self._keep_interval(probe, outcome.started_at)
        for stored, started in self.ledger.last_starts().items():
            if key := wanted(
                stored
            ):  # perhaps its message has left, though we were killed before we knew
                probe = self.probes.get(key)
                probe.last_start = max(probe.last_start, started)

    # ---------------------------------------------------------------- with another configuration

    def configure(self, settings: Settings) -> None:
        """Puts other settings into force, at one stroke. Raises Mistakes if that needs a restart.

        What has not changed does not notice. Trips in flight end as they began; a mailbox that is
        no longer configured is closed after them, and one that has changed is opened again
        while trips wait.
        """
        old = self.settings
        if settings == old:
            return
        if settings.state != old.state:
            raise Mistakes(
                [Mistake("", None, "state", "cannot change while mailtrip runs: restart it")]
            )
        changed = {
            name for name, module in settings.modules.items() if module != old.modules.get(name)
        }
        mailboxes = {
            name: self._mailbox(options)
            for name, options in settings.mailboxes.items()
            if options != old.mailboxes.get(name)
        }
        if settings.resolver != old.resolver:
            self._resolver.configure(settings.resolver.nameservers, settings.resolver.timeout)
        self._configure_mailboxes(settings, mailboxes)
        self.settings = settings
        self.accounts.configure(settings.logins)
        new = {probe.key for probe in self.probes.configure(settings, changed)}
        if new:
            try:
                self._restore(
                    lambda stored: key if (key := self.probes.current(stored)) in new else None
                )
            except StateUnusable as error:
                log.error("%s; the new probes start without history", error)

    def _configure_mailboxes(self, settings: Settings, fresh: Mapping[str, Mailbox]) -> None:
        flights = [flight for probe in self.probes for flight in probe.flights.values()]
        flights += [flight for probe in self.probes.leaving for flight in probe.flights.values()]
        for name in self.watchers.keys() - settings.mailboxes.keys():
            self._retire(name, settings, flights)
        for name in settings.mailboxes:
            if name in self.watchers:
                kept = name not in self.settings.mailboxes  # under another name
                self.watchers[name].configure(
                    None if kept else fresh.get(name), _patience(settings)
                )
            else:
                self._open(name, fresh[name], _patience(settings)).start()

    def _retire(self, name: str, settings: Settings, flights: list[asyncio.Task[Outcome]]) -> None:
        """A mailbox that only has another name now keeps its session."""
        watcher = self.watchers.pop(name)
        same = (
            new for new, how in settings.mailboxes.items() if how == self.settings.mailboxes[name]
        )
        renamed = next(
            (new for new in same if new not in self.settings.mailboxes | self.watchers), None
        )
        if renamed:
            watcher.name = renamed
            self.watchers[renamed] = watcher
            return
        retiring = asyncio.create_task(
            _close_after(watcher, flights), name=f"end of the mailbox {name}"
        )
        self._retiring.add(retiring)
        retiring.add_done_callback(self._retiring.discard)

    def _keep_interval(self, probe: Probe, started_at: float) -> None:
        """No restart, and no row of them, makes more trips than one in an interval.

        What seems to be in the future began before the clock was set back. Then it is not known how
        long ago, and the trips must not stand still until that time has come once more, however
        often we are restarted.
        """
        ago = self.clock.wall() - started_at
        if ago > -probe.interval:
            probe.last_start = max(probe.last_start, self.clock.monotonic() - max(ago, 0.0))

    async def run_housekeeping(self) -> None:
        while True:
            await asyncio.sleep(HOUSEKEEPING)
            self.ledger.expire()
            self.probes.forget_idle()


def _patience(settings: Settings) -> float:
    return max((module.session_timeout for module in settings.modules.values()), default=30.0)


async def _close_after(watcher: Watcher, flights: Sequence[asyncio.Task[Outcome]]) -> None:
    if flights:
        await asyncio.wait(flights)
    await watcher.close()


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
    """The key that signs tokens: a given one, else that of the directory, made if need be. Raises
    StateUnusable."""
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
        raise StateUnusable(
            f"state.token_key: cannot use the key in {secret.origin}: {error}"
        ) from None
