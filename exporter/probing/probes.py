"""The current probes: those of `probes:`, and the pairs of module and target that are scraped."""

import asyncio
from collections.abc import Callable, Container, Iterator

from exporter.config.mistakes import closest, suggestion
from exporter.core.matrix import Cell
from exporter.core.model import ProbeKey, ProbeRefused
from exporter.core.scope import Scope
from exporter.core.timing.clock import Clock
from exporter.core.timing.fairness import in_turns
from exporter.core.trace.run import Run
from exporter.probing.observer import Observer
from exporter.probing.outages import Outages
from exporter.probing.probe import Probe
from exporter.probing.prober import Prober
from exporter.settings import Settings

FORGET_AFTER_INTERVALS = 3
FORGET_AFTER = 600.0  # seconds, at least
DEFAULT_MAX_TARGETS = 10_000
AT_A_TIME = 1000  # probes that are searched at a time: less than a millisecond of work
MOST_FORGOTTEN = 1000  # forgotten probes whose outages go on if they are scraped again


class ProbeTable:
    """Finds, makes and forgets probes, by the current `settings`.

    `make` builds one from its key, its name and its own interval.
    """

    def __init__(
        self,
        settings: Settings,
        prober: Prober,
        observer: Observer,
        clock: Clock,
        make: Callable[[ProbeKey, str | None, float | None], Probe],
        max_targets: int = DEFAULT_MAX_TARGETS,
    ) -> None:
        self.settings = settings
        self._prober = prober
        self._observer = observer
        self._clock = clock
        self._make = make
        self._max_targets = max_targets
        self._probes: dict[ProbeKey, Probe] = {}
        self._leaving: list[Probe] = []
        self._forgotten: dict[ProbeKey, Outages] = {}  # that may still change, the oldest first
        self._scopes: dict[str, Scope] = {}  # of the modules that have probes
        for key, entry in settings.entries.items():
            self._add(key, entry.name, entry.interval)

    def __iter__(self) -> Iterator[Probe]:
        return iter(list(self._probes.values()))

    def get(self, key: ProbeKey) -> Probe | None:
        """The probe of this key; None if there is none now."""
        return self._probes.get(key)

    async def run_of(self, trip: str) -> tuple[Probe, Run] | None:
        """A trip in progress, and its probe."""
        async for probe in in_turns(self, AT_A_TIME):
            if run := probe.runs.get(trip):
                return probe, run
        return None

    async def is_complete(self, trip: str) -> bool:
        """Whether everything that follows from a trip is known."""
        async for probe in in_turns(self, AT_A_TIME):
            if not probe.is_complete(trip):
                return False
        return True

    @property
    def named(self) -> list[Probe]:
        return [probe for probe in self if probe.name]

    @property
    def lag(self) -> float:
        """How late trips start, in seconds. See Prober.lag."""
        return self._prober.lag

    @property
    def leaving(self) -> list[Probe]:
        """The probes that are no longer configured, and whose last messages are in transit."""
        self._leaving = [probe for probe in self._leaving if probe.flights or probe.visits]
        return list(self._leaving)

    def configure(self, settings: Settings, changed: Container[str]) -> list[Probe]:
        """Applies these settings, in which the modules of these names differ. Returns the new
        probes."""
        self.settings = settings
        self._scopes.clear()
        entries = settings.entries
        for probe in self:
            if probe.key != self.current(probe.key):
                self._remove(probe)
                continue
            if probe.key.module in changed or self._interval(probe.key) != probe.schedule.interval:
                self._rebuild(probe)
        new = []
        for key, entry in entries.items():
            if key not in self._probes:
                new.append(self._add(key, entry.name, entry.interval))
        for probe in self:
            own = entries.get(probe.key)
            probe.name = own.name if own else None
            probe.cell = self._cell(probe.key)
            probe.schedule.interval = self._interval(probe.key)
            self._show(probe)
        return new

    def _rebuild(self, probe: Probe) -> None:
        """Replaces a probe with another kind of check, since its series differ; the new one
        continues its interval and its outages."""
        fresh = self._make(probe.key, probe.name, self._interval(probe.key))
        if type(fresh.check) is type(probe.check) and fresh.blocklists == probe.blocklists:
            probe.configure(fresh)
        else:
            self._remove(probe)
            fresh = self._add(probe.key, probe.name, None)
            fresh.follow(probe)
            fresh.schedule.last_start = probe.schedule.last_start

    def _interval(self, key: ProbeKey) -> float:
        """The probe's own, or that of its module."""
        own = self.settings.entries.get(key)
        return (own and own.interval) or self.settings.modules[key.module].interval

    def _remove(self, probe: Probe) -> None:
        probe.removed = True
        self._leaving.append(probe)
        del self._probes[probe.key]
        self._observer.forgotten(probe.key)

    def key(self, module: str, target: str, *, read_only: bool = False) -> ProbeKey:
        """The key of an allowed probe, for any spelling of its target. Raises ProbeRefused.

        A `read_only` call does not count towards the limit of probes, and is not limited by it.
        """
        modules = self.settings.modules
        if module not in modules:
            close = closest(module, modules)
            hint = (
                f"did you mean {close}?"
                if close
                else f"known modules: {', '.join(sorted(modules)[:20]) or 'none'}"
            )
            raise ProbeRefused(400, "unknown_module", f"unknown module {module!r}; {hint}")
        try:
            key = self.settings.key(module, target)
        except ValueError as error:
            raise ProbeRefused(
                400, "bad_target", f"invalid target {target!r} for module {module}: {error}"
            ) from None
        if key in self._probes:
            return key
        if not self.current(key):
            cure = (
                f"add a matching pattern to modules.{module}.targets, or a probe for it to probes"
            )
            raise ProbeRefused(
                403, "target_not_allowed", f"target {target!r} is not allowed; {cure}"
            )
        if not read_only and len(self._probes) >= self._max_targets:
            raise ProbeRefused(
                429, "too_many_targets", f"limit of {self._max_targets} probes reached"
            )
        return key

    def needs_no_target(self, module: str) -> bool:
        """Whether a request for a probe of this module may leave out its target."""
        modules = self.settings.modules
        return module in modules and bool(modules[module].own_target)

    def name_of(self, key: ProbeKey) -> str | None:
        """The name of this probe in `probes:`; None if it has none, or does not exist."""
        probe = self._probes.get(key)
        return probe.name if probe else None

    def by_name(self, name: str) -> ProbeKey:
        """The key of the entry of this name in `probes:`. Raises ProbeRefused."""
        named = {probe.name: key for key, probe in self._probes.items() if probe.name}
        if name not in named:
            hint = suggestion(name, named) or "; the configuration defines none"
            raise ProbeRefused(404, "unknown_probe", f"no probe {name!r}{hint}")
        return named[name]

    def current(self, key: ProbeKey) -> ProbeKey | None:
        """The current key of a probe of other settings, or of an earlier mailtrip; None if it is
        not allowed."""
        if key.module not in self.settings.modules or not self.settings.allows(
            key.module, key.target
        ):
            return None
        return self.settings.key(key.module, key.target)

    def configuration(self, key: ProbeKey) -> str:
        """The configuration of the probe's module, as YAML, without secrets."""
        return self.settings.shown_module(key.module)

    async def scrape(self, key: ProbeKey, patience: float) -> None:
        """Handles a scrape of this probe. See Prober.scrape."""
        await self._prober.scrape(self.get_or_create(key), patience)

    def start_now(self, probe: Probe) -> "asyncio.Future[None]":
        """See Prober.start_now."""
        return self._prober.start_now(probe)

    def get_or_create(self, key: ProbeKey) -> Probe:
        """The probe of an allowed key, created if necessary."""
        return self._probes.get(key) or self._add(key, None, None)

    def find(self, key: ProbeKey) -> Probe:
        """The probe of an allowed key; if it does not exist, a temporary one that makes no
        trips."""
        return self._probes.get(key) or self._make(key, None, None)

    def forget_idle(self) -> None:
        """Forgets the pairs that are no longer scraped. Call it periodically."""
        now = self._clock.monotonic()
        for probe in self:
            idle = max(FORGET_AFTER_INTERVALS * probe.schedule.interval, FORGET_AFTER)
            if (
                probe.name is None
                and not (probe.flights or probe.visits)
                and now - max(probe.last_scraped, probe.schedule.last_start) > idle
            ):
                del self._probes[probe.key]
                self._observer.forgotten(probe.key)
                if probe.outages.kept:
                    self._forgotten[probe.key] = probe.outages
        for key in list(self._forgotten)[:-MOST_FORGOTTEN]:
            del self._forgotten[key]

    def _add(self, key: ProbeKey, name: str | None, interval: float | None) -> Probe:
        probe = self._probes[key] = self._make(key, name, interval)
        probe.last_scraped = self._clock.monotonic()
        probe.outages = self._forgotten.pop(key, probe.outages)
        probe.cell = self._cell(key)
        for removed in self.leaving:
            if removed.key == key:
                probe.follow(removed)
        self._show(probe)
        return probe

    def _cell(self, key: ProbeKey) -> Cell | None:
        entry = self.settings.entries.get(key)
        return entry.matrix.cell if entry and entry.matrix else None

    def _show(self, probe: Probe) -> None:
        module = probe.key.module
        if module not in self._scopes:
            self._scopes[module] = self.settings.scope(module)
        self._observer.known(probe.key, probe.name, self._scopes[module], probe.cell)
