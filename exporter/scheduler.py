"""When: every probe of `probes:` has a fixed beat, with a splay that its name decides.

The splay spreads the first trips, so that a thousand probes do not start at once; few probes start at once anyway.
"""

import asyncio
from hashlib import sha256

from exporter.prober import Probe, Prober
from exporter.run import Clock

STARTS_PER_SECOND = 10.0  # while the first trips are spread


def splay(name: str, interval: float, probes: int) -> float:
    """Seconds from the start of the program to a probe's first beat."""
    share = int.from_bytes(sha256(name.encode()).digest()[:4], "big") / 2**32
    return share * min(interval, (probes - 1) / STARTS_PER_SECOND)


class Scheduler:
    """Keeps the beat of the probes until it is cancelled."""

    def __init__(self, prober: Prober, clock: Clock) -> None:
        self._prober = prober
        self._clock = clock

    async def run(self, probes: list[Probe]) -> None:
        async with asyncio.TaskGroup() as group:
            for probe in probes:
                first = splay(probe.name or "", probe.interval, len(probes))
                group.create_task(self._beat(probe, first), name=f"beat of {probe.name}")

    async def _beat(self, probe: Probe, first: float) -> None:
        """A trip that a scrape has started counts for the beat; a late beat does not shift those that follow."""
        now = self._clock.monotonic()
        next_beat = max(now + first, probe.last_start + probe.interval)
        while True:
            await asyncio.sleep(max(next_beat - self._clock.monotonic(), 0.0))
            self._prober.start_if_due(probe)
            next_beat += probe.interval
            next_beat = max(next_beat, self._clock.monotonic())
