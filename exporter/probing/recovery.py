"""Restores trips and probes from the state of an earlier process."""

from collections.abc import Callable, Container, Iterable
from dataclasses import replace
from functools import cache

from exporter.core.model import ProbeKey
from exporter.core.timing.clock import Clock
from exporter.core.timing.fairness import Slices
from exporter.metrics.metrics import Metrics
from exporter.probing.bugs import contained
from exporter.probing.ledger import Ledger
from exporter.probing.outages import Outages
from exporter.probing.probe import Probe
from exporter.probing.prober import Prober
from exporter.probing.probes import ProbeTable
from exporter.state.store import Store
from exporter.state.trip import Trip


class Recovery:
    """Continues trips, and restores the results of probes."""

    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        prober: Prober,
        probes: ProbeTable,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._prober = prober
        self._probes = probes
        self._metrics = metrics
        self._clock = clock

    def recover(self) -> list[Trip]:
        """Restores what an earlier process knew. Returns the trips to continue."""
        self.restore(self._probes.current)
        trips = self._ledger.recover()
        self._forget_idle({self._probes.current(trip.probe) for trip in trips})
        return trips

    async def resume(self, trips: Iterable[Trip]) -> None:
        """Continues trips where an earlier process stopped. Other tasks run in between, since there
        may be ten thousand."""
        slices = Slices(self._clock.monotonic)
        for trip in trips:
            with contained(trip.id, trip.probe):
                if key := self._probes.current(trip.probe):
                    self._prober.resume(self._probes.get_or_create(key), trip)
                else:
                    self._ledger.abandon(trip)
            await slices.pause()

    def restore(self, wanted: Callable[[ProbeKey], ProbeKey | None]) -> None:
        """Restores the stored results of some probes; `wanted` returns their current keys."""
        wanted = cache(wanted)
        unsettled = self._store.unsettled_outages()
        offset = self._clock.monotonic() - self._clock.wall()
        for known in self._store.last_known(lambda stored: wanted(stored) is not None):
            if key := wanted(known.outcome.probe):
                probe, outcome = self._probes.get_or_create(key), replace(known.outcome, probe=key)
                outages = Outages(key, unsettled.get(known.outcome.probe), offset)
                probe.remember(outcome, known.history, outages)
                self._metrics.restored(outcome, known.last_success, probe.outages.standing())
                self._keep_interval(probe, outcome.started_at)
        for stored, started in self._ledger.last_starts().items():
            # Its message may have left, even if we were killed before we knew.
            if key := wanted(stored):
                probe = self._probes.get_or_create(key)
                probe.schedule.resume(started)

    def _forget_idle(self, in_flight: Container[ProbeKey | None]) -> None:
        """Forgets the pairs that were no longer scraped when the earlier process ended: its newest
        trip is its last sign of life. How long mailtrip did not run says nothing about them."""
        now = self._clock.wall()
        ends = [(one, one.newest.finished_at) for one in self._probes if one.newest]
        last_sign = max((end for _, end in ends if end <= now), default=now)
        for probe, end in ends:
            if probe.key not in in_flight:
                probe.last_scraped -= max(last_sign - end, 0.0)
        self._probes.forget_idle()

    def _keep_interval(self, probe: Probe, started_at: float) -> None:
        """Ensures at most one trip per interval, however often mailtrip restarts.

        A start in the future precedes a change of the clock. Its age is then unknown, and trips
        must not pause until that time, however often mailtrip restarts.
        """
        ago = self._clock.wall() - started_at
        if ago > -probe.schedule.interval:
            probe.schedule.resume(self._clock.monotonic() - max(ago, 0.0))
