"""The probes, as the API describes them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from math import inf, isinf
from typing import Any, Protocol

from aiohttp import web

from exporter.core.availability.downtime import DAY, MONTH, Downtime
from exporter.core.availability.maintenance import Maintenance, Planned
from exporter.core.json_output import summary
from exporter.core.model import ProbeKey
from exporter.core.timing.clock import Clock
from exporter.core.timing.fairness import Slices, in_turns
from exporter.metrics.text import Text
from exporter.probing.probe import Probe
from exporter.probing.probes import ProbeTable
from exporter.state.schema import StateUnusable
from exporter.web.api.errors import ApiError
from exporter.web.api.frame import listed
from exporter.web.api.paging import Paging, optional
from exporter.web.pages.probe_list import AT_A_TIME, Query, State, matches, state_of

SPANS = {"day": DAY, "month": MONTH}


class Downtimes(Protocol):
    async def downtimes(
        self, probes: Sequence[ProbeKey], spans: Sequence[float], now: float
    ) -> Mapping[ProbeKey, Sequence[Downtime]]: ...

    async def last_ends(self) -> Mapping[ProbeKey, float]: ...


class Probes:
    """Answers for the probes, in the order of the configuration."""

    def __init__(
        self, probes: ProbeTable, records: Downtimes, maintenance: Maintenance, clock: Clock
    ) -> None:
        self._probes = probes
        self._records = records
        self._maintenance = maintenance
        self._clock = clock

    async def get(self, request: web.Request) -> Text:
        """Of the probes those that search= and state= ask for, or the one that is named."""
        paging = Paging.of(request)
        search, state = optional(request, "search"), optional(request, "state")
        name = optional(request, "probe")
        try:
            query = Query.parse({"search": search, "state": state})
        except ValueError as error:
            raise ApiError(HTTPStatus.BAD_REQUEST, str(error)) from None
        words = query.words
        found = [
            probe
            async for probe in in_turns(self._probes, AT_A_TIME)
            if query.state in (None, state_of(probe))
            and (not words or matches(probe, words))
            and name in ("", probe.name)
        ]
        following = paging.next_of(request) if len(found) > paging.end else None
        return await listed(self._described(found[paging.offset : paging.end]), following)

    async def _described(self, probes: list[Probe]) -> AsyncIterator[dict[str, Any]]:
        last_ends: Mapping[ProbeKey, float] = dict[ProbeKey, float]()
        downtimes: Mapping[ProbeKey, Sequence[Downtime]] = dict[ProbeKey, Sequence[Downtime]]()
        keys, spans = [probe.key for probe in probes], list(SPANS.values())
        with suppress(StateUnusable):  # what the disk cannot say now is unknown
            last_ends = await self._records.last_ends()
            downtimes = await self._records.downtimes(keys, spans, self._clock.wall())
        slices = Slices(self._clock.monotonic)
        for probe in probes:
            yield self._status(probe, downtimes.get(probe.key), last_ends.get(probe.key))
            await slices.pause()

    def _status(
        self, probe: Probe, downtimes: Sequence[Downtime] | None, last_end: float | None
    ) -> dict[str, Any]:
        state, lasting = state_of(probe), probe.outages.lasting
        recovered = last_end if state is State.OK else None
        recheck, cell = probe.schedule.interval_after_failure, probe.cell
        window = self._window_of(probe)
        return {
            "name": probe.name,
            "module": probe.key.module,
            "target": probe.key.target,
            "matrix": cell and {"name": cell.matrix, "from": cell.sender, "to": cell.recipient},
            "state": state,
            "since": lasting.start if lasting else recovered,
            "failures": lasting.failures if lasting else 0,
            "outage": lasting.id if lasting else None,
            "maintenance": window and window.window,
            "maintenance_ends_at": window and window.occurrence.end,
            "newest": probe.newest and summary(probe.newest),
            "in_progress": list(probe.flights),
            "next_trip_at": self._next_trip_at(probe),
            "interval": probe.schedule.interval,
            "interval_after_failure": min(recheck, probe.schedule.interval),
            "timeout": probe.timeout,
            "availability": downtimes
            and {span: one.availability for span, one in zip(SPANS, downtimes, strict=True)},
        }

    def _window_of(self, probe: Probe) -> Planned | None:
        """A window of maintenance that lasts."""
        now = self._clock.wall()
        if not self._maintenance.lasts(probe.called, now):
            return None
        return self._maintenance.planned(probe.called, now)[0]

    def _next_trip_at(self, probe: Probe) -> float | None:
        """When the next trip is due, in seconds since the epoch; None if only a scrape starts it,
        or if none has started yet."""
        if not probe.name or probe.schedule.last_start == -inf:
            return None
        wait = max(probe.schedule.due_at - self._clock.monotonic(), 0.0)
        return None if isinf(wait) else self._clock.wall() + wait
