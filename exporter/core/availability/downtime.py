"""How long a probe was in outages."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from exporter.core.availability.outage import Outage

DAY, MONTH = 86400.0, 30 * 86400.0
"""The spans until now of which readers get the availability, in seconds."""


@dataclass(frozen=True, slots=True)
class Downtime:
    """What of the time in which a probe was watched was in outages. In seconds."""

    watched: float
    down: float  # in outages that were not planned
    planned: float  # in outages in maintenance windows

    @classmethod
    def of(cls, outages: Iterable[Outage], since: float, until: float) -> Self:
        """Between two moments in seconds since the epoch. Of an outage that exceeds them, the same
        share was planned as of the whole."""
        down = planned = 0.0
        for outage in outages:
            whole = outage.seconds(until)
            inside = max(min(outage.end or until, until) - max(outage.start, since), 0.0)
            share = min(outage.planned_seconds / whole, 1.0) if whole else 0.0
            if outage.lasts and outage.planned:
                share = 1.0  # also since its newest trip
            down += inside * (1 - share)
            planned += inside * share
        return cls(max(until - since, 0.0), down, planned)

    @property
    def availability(self) -> float | None:
        """The share of the time without outages; None if no time is left without planned ones."""
        counted = self.watched - self.planned
        return max(1 - self.down / counted, 0.0) if counted > 0 else None
