"""The order of the list of probes."""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from heapq import merge
from itertools import islice
from math import inf
from operator import itemgetter
from typing import Any

from exporter.core.model import ProbeKey
from exporter.core.timing.fairness import in_turns
from exporter.probing.probe import Probe

AT_A_TIME = 500  # probes that are sorted before others have their turn: a millisecond of work


class Order(StrEnum):
    """By what the list is ordered. Probes that are equal in it are in the order of the
    configuration."""

    STATE = "state"
    OUTAGE = "outage"
    NAME = "name"
    DELAY = "delay"
    AVAILABILITY = "availability"

    @property
    def text(self) -> str:
        return _TEXTS[self]


_TEXTS = {
    Order.STATE: "failed first",
    Order.OUTAGE: "newest outage first",
    Order.NAME: "by name",
    Order.DELAY: "slowest first",
    Order.AVAILABILITY: "lowest availability first",
}


def _state(probe: Probe) -> bool:
    return not (probe.newest and probe.newest.failure)


def _outage(probe: Probe) -> float:
    lasting = probe.outages.lasting
    return -lasting.start if lasting else inf


def _name(probe: Probe) -> str:
    return probe.called.lower()


def _delay(probe: Probe) -> float:
    """The slowest first; then those whose newest trip has no delay."""
    newest = probe.history.newest
    return -newest.seconds if newest and newest.success else inf


_KEYS: Mapping[Order, Callable[[Probe], Any]] = {
    Order.STATE: _state,
    Order.OUTAGE: _outage,
    Order.NAME: _name,
    Order.DELAY: _delay,
}


def _availability(known: Mapping[ProbeKey, float]) -> Callable[[Probe], float]:
    """By that of 30 days; then those without an outage, and those without a result."""
    return lambda probe: known.get(probe.key, 1.0 if probe.newest else inf)


async def ordered(
    probes: Iterable[Probe],
    order: Order,
    first: int,
    availabilities: Mapping[ProbeKey, float] | None = None,
) -> list[Probe]:
    """So many of the probes that are first in this order. `availabilities` are those of the probes
    with outages."""
    key = _KEYS.get(order) or _availability(availabilities or {})
    runs, run, number = list[list[tuple[Any, int, Probe]]](), list[Any](), 0
    async for probe in in_turns(probes, AT_A_TIME):
        run.append((key(probe), number, probe))
        number += 1
        if len(run) == AT_A_TIME:
            runs.append(sorted(run, key=_PLACE))
            run = []
    runs.append(sorted(run, key=_PLACE))
    merged = islice(merge(*runs, key=_PLACE), first)
    return [probe async for _, _, probe in in_turns(merged, AT_A_TIME)]


_PLACE = itemgetter(0, 1)
