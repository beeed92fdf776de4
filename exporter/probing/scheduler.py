"""The schedule: every probe of `probes:` has a fixed interval, with a splay derived from its name.

The splay spreads the first trips, so that a thousand probes do not start at once; a few start
immediately.
"""

import asyncio
from collections.abc import Callable
from hashlib import sha256

from exporter.core.model import ProbeKey
from exporter.core.timing.clock import Clock
from exporter.probing.probe import Probe
from exporter.probing.prober import Prober
from exporter.probing.schedule import MOST_SLACK, Schedule

STARTS_PER_SECOND = 10.0  # while the first trips are spread


def splay(name: str, interval: float, probes: int) -> float:
    """Seconds from the start of the program to a probe's first trip."""
    share = int.from_bytes(sha256(name.encode()).digest()[:4], "big") / 2**32
    return share * min(interval, (probes - 1) / STARTS_PER_SECOND)


class Scheduler:
    """Starts the trips of the probes until it is cancelled. `probes` is called again after
    `changed`."""

    def __init__(self, prober: Prober, clock: Clock, probes: Callable[[], list[Probe]]) -> None:
        self._prober = prober
        self._clock = clock
        self._probes = probes
        self._changed = asyncio.Event()
        self._first: dict[ProbeKey, float] = {}  # when a probe's first trip is, once decided

    def changed(self) -> None:
        """Reports that probes or intervals have changed."""
        self._changed.set()

    async def run(self) -> None:
        while True:
            self._changed.clear()
            probes = self._probes()
            self._first = {probe.key: self._first_of(probe, len(probes)) for probe in probes}
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._schedule(one), name=f"schedule of {one.name}")
                    for one in probes
                ]
                await self._changed.wait()
                for task in tasks:
                    task.cancel()

    def _first_of(self, probe: Probe, probes: int) -> float:
        known = self._first.get(probe.key)
        splayed = self._clock.monotonic() + splay(probe.name or "", probe.schedule.interval, probes)
        return splayed if known is None else min(known, splayed)

    async def _schedule(self, probe: Probe) -> None:
        """Starts trips. One that a scrape has started counts; one that is a little late does not
        shift those that follow. After a longer wait for its turn, or one that followed a failure,
        the interval counts from its start: when an overload ends, trips do not come in a burst.
        """
        schedule = probe.schedule
        next_trip = max(self._first[probe.key], schedule.following)
        while True:
            due = min(next_trip, schedule.recheck_at())
            if (wait := due - self._clock.monotonic()) > 0:
                await schedule.changed.sleep(wait)
                continue
            await asyncio.shield(self._prober.start_if_due(probe))
            if due < next_trip:
                next_trip = schedule.following
            else:
                next_trip = max(_following(schedule, next_trip), schedule.next_start)


def _following(schedule: Schedule, due: float) -> float:
    """When the next trip is due after this moment. If a trip by hand was in its place, an interval
    later than that."""
    regular, by_hand = due + schedule.interval, schedule.following + MOST_SLACK
    return min(regular, by_hand) if schedule.last_start > due - schedule.interval else regular
