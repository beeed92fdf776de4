"""The composition root: builds the parts that make trips from the settings, runs and stops them."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import suppress

from exporter.authentication import Authenticator, RecentAnswers
from exporter.blocklists.blocklists import Blocklists
from exporter.blocklists.lookups import Lookups
from exporter.checks.known_heartbeats import KnownHeartbeats
from exporter.checks.services import CHECKS, Services
from exporter.config.mistakes import Mistake, Mistakes
from exporter.core.availability.maintenance import Maintenance
from exporter.core.model import Outcome, ProbeKey
from exporter.core.timing.clock import Clock
from exporter.mail.tokens import Mint
from exporter.mailboxes import MailboxOptions
from exporter.mailboxes.session import Mailbox
from exporter.mailboxes.watcher.heartbeats import Listener
from exporter.mailboxes.watcher.watcher import Watcher
from exporter.metrics.exporter import Readings
from exporter.metrics.metrics import Metrics
from exporter.net.dns.queries import DnsQueries
from exporter.net.dns.resolver import Resolver
from exporter.net.mta_sts.policies import StsPolicies
from exporter.net.oauth2 import Accounts
from exporter.net.tls.client_certificate import expiry_times
from exporter.probing.comparisons import Comparisons
from exporter.probing.ledger import Ledger
from exporter.probing.on_the_spot import LISTS_PATIENCE, OnTheSpot
from exporter.probing.probe import Probe
from exporter.probing.prober import Prober
from exporter.probing.probes import DEFAULT_MAX_TARGETS, ProbeTable
from exporter.probing.rechecks import RecheckSlots
from exporter.probing.recovery import Recovery
from exporter.probing.schedule import Schedule
from exporter.probing.started_windows import StartedWindows
from exporter.probing.watchers import WatcherTable
from exporter.senders.kind import Means
from exporter.senders.pace import Pace
from exporter.settings import Settings
from exporter.state.schema import StateUnusable
from exporter.state.store import Store
from exporter.state.trip import Trip
from exporter.tracing.exporter import TraceExporter

log = logging.getLogger(__name__)

TIME_TO_STOP = 4.0  # seconds; who stops us kills us later
LEAST_FOR_STATE = 1.0  # of them for what waits to be written
HOUSEKEEPING = 30.0  # seconds between two looks for what is lost or forgotten


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
        self.maintenance = Maintenance(one.window for one in settings.maintenance)
        self.metrics = Metrics(
            Readings(
                lambda: {name: watcher.statistics for name, watcher in self.watchers.items()},
                self.accounts.statuses,
                lambda: expiry_times(self.settings.client_certificates),
                lambda: self.prober.lag,
                lambda: self.traces.status,
            ),
            self.clock,
            self.maintenance,
            lambda success: self.traces.covers(success=success),
            step_histograms=settings.metrics.step_histograms,
        )
        nameservers = settings.resolver.nameservers
        resolver = Resolver(nameservers, settings.resolver.timeout, clock=self.clock)
        self.traces = TraceExporter(resolver, self.clock, self._name_of)
        self.traces.configure(settings.tracing)
        self.ledger = Ledger(self.store, self.watchers, self.metrics, self.clock, self.traces)
        self.blocklists = Blocklists(resolver, self.clock)
        self.lookups = Lookups(self.blocklists, resolver, self.clock)
        spot = OnTheSpot(
            resolver,
            Lookups(self.blocklists, resolver, self.clock, LISTS_PATIENCE),
            lambda: self.settings.blocklists,
            self._newest_checks,
        )
        self.comparisons = Comparisons(store, spot, self.clock)
        self.prober = Prober(
            self.mint,
            self.ledger,
            self.metrics,
            self.clock,
            self.maintenance,
            self.comparisons,
            self.traces,
        )
        self._resolver = resolver
        self._policies = StsPolicies(resolver, self.clock, store)
        self.heartbeats = KnownHeartbeats(store, self.clock)
        self._services = Services(
            resolver,
            self.watchers,
            Pace(),
            self.blocklists,
            Authenticator(RecentAnswers(DnsQueries(resolver, self.clock), self.clock), self.clock),
            Means(resolver, self.accounts, self._policies),
            self.heartbeats,
            self._left_from,
        )
        self._recheck_slots = RecheckSlots()
        self._table = WatcherTable(
            self.watchers, self._mailbox, self.mint, self.ledger.stray, self.clock
        )
        self._table.create(settings.mailboxes, _patience(settings))
        self._resuming: asyncio.Task[None] | None = None
        # By the clock of the event loop; None until mailtrip is stopped.
        self.stop_by: float | None = None
        self.probes = ProbeTable(
            settings, self.prober, self.metrics, self.clock, self._make, max_targets
        )
        self._listen()
        self._recovery = Recovery(
            store, self.ledger, self.prober, self.probes, self.metrics, self.clock
        )
        self.windows = StartedWindows(self.maintenance, store, self.clock)
        self.metrics.exporter.configured(self.clock.wall())

    def _mailbox(self, options: MailboxOptions) -> Mailbox:
        return options.how.mailbox(self._resolver, self.accounts)

    def _make(self, key: ProbeKey, name: str | None, interval: float | None) -> Probe:
        module = self.settings.modules[key.module]
        kind, how = module.chosen
        interval = interval or module.interval
        check = CHECKS[kind](how, key.target, self._services, interval)
        return Probe(
            key,
            check,
            Schedule(interval, module.recheck(interval), module.gap, self._recheck_slots),
            module.timeout,
            module.session_timeout,
            name,
        )

    def _listen(self) -> None:
        """Awaits the heartbeats of the probes that there are, and no others."""
        awaited: dict[str, list[Listener]] = {name: [] for name in self.watchers}
        for probe in self.probes:
            if listener := probe.check.listener:
                awaited[probe.mailbox].append(listener)
        for name, listeners in awaited.items():
            self.watchers[name].heartbeats.listen(listeners)
        self.heartbeats.forget({one.key for listeners in awaited.values() for one in listeners})

    def _name_of(self, key: ProbeKey) -> str:
        probe = self.probes.get(key)
        return probe.called if probe else key.target

    def _left_from(self, name: str) -> str:
        return next((probe.left_from for probe in self.probes if probe.name == name), "")

    def _newest_checks(self) -> Iterator[Outcome]:
        """Of the probes that query blocklists."""
        return (probe.newest for probe in self.probes if probe.blocklists and probe.newest)

    async def __aenter__(self) -> "App":
        self._table.start()
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Trips in progress stay pending: the next start continues them. Waits until `stop_by` at
        most."""
        stop_by = self.stop_by or asyncio.get_running_loop().time() + TIME_TO_STOP
        with suppress(TimeoutError):
            async with asyncio.timeout_at(stop_by - LEAST_FOR_STATE):
                await self._end_what_runs()
        await self.store.close(max(stop_by - asyncio.get_running_loop().time(), LEAST_FOR_STATE))

    async def _end_what_runs(self) -> None:
        self.prober.close()
        if self._resuming:
            self._resuming.cancel()
        await asyncio.gather(
            *(self.prober.abandon(probe) for probe in (*self.probes, *self.probes.leaving))
        )
        await self.comparisons.close()
        await asyncio.gather(self.blocklists.close(), self._table.close(), self.traces.close())
        await self.accounts.close()

    def recover(self) -> None:
        """Begins to continue where an earlier process stopped. Mailboxes are opened when all its
        trips go on, so that no message of theirs is taken for a stray."""
        self.windows.restore()
        self._policies.restore()
        self.heartbeats.restore()
        trips = self._recovery.recover()
        self._listen()  # those that only /probe asks for are awaited again before any mail comes
        if trips:
            self._table.hold()
            self._resuming = asyncio.create_task(self._resume(trips), name="resuming trips")

    async def _resume(self, trips: list[Trip]) -> None:
        await self._recovery.resume(trips)
        self._table.let_open()

    def configure(self, settings: Settings) -> None:
        """Applies new settings, all or none of them. Raises Mistakes if that needs a restart.

        Unchanged parts keep running. Trips in progress end with the settings they began with; then
        a mailbox that is no longer configured is closed. A changed one is reopened while trips
        wait.
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
        mailboxes = self._table.changed(settings.mailboxes)
        if settings.resolver != old.resolver:
            self._resolver.configure(settings.resolver.nameservers, settings.resolver.timeout)
        probes = (*self.probes, *self.probes.leaving)
        flights = [
            task for probe in probes for task in (*probe.flights.values(), *probe.visits.values())
        ]
        self._table.configure(settings.mailboxes, mailboxes, _patience(settings), flights)
        self.settings = settings
        self.accounts.configure(settings.logins)
        self.traces.configure(settings.tracing)
        self.maintenance.configure(one.window for one in settings.maintenance)
        self.metrics.step_histograms = settings.metrics.step_histograms
        new = {probe.key for probe in self.probes.configure(settings, changed)}
        self._listen()
        if new:
            try:
                self._recovery.restore(
                    lambda stored: key if (key := self.probes.current(stored)) in new else None
                )
            except StateUnusable as error:
                log.error("%s; the new probes start without history", error)

    async def run_housekeeping(self) -> None:
        while True:
            await asyncio.sleep(HOUSEKEEPING)
            self.ledger.expire()
            self.probes.forget_idle()
            self._listen()
            self.windows.forget_ended()


def _patience(settings: Settings) -> float:
    return max((module.session_timeout for module in settings.modules.values()), default=30.0)
