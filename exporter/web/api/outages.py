"""The outages, as the API describes them."""

from collections.abc import AsyncIterator, Sequence
from http import HTTPStatus
from typing import Any

from aiohttp import web

from exporter.core.availability.outage import Outage
from exporter.core.timing.clock import Clock
from exporter.core.timing.fairness import in_turns
from exporter.metrics.text import Text
from exporter.probing.probes import ProbeTable
from exporter.web.api.errors import ApiError
from exporter.web.api.frame import document, listed
from exporter.web.api.paging import Paging, optional
from exporter.web.pages.records import OutageRecords
from exporter.web.parameters import perhaps_probe_key

AT_A_TIME = 50  # outages that are described at a time: a millisecond of work
LASTING = {"": None, "true": True, "false": False}


class Outages:
    """Answers for the outages."""

    def __init__(self, probes: ProbeTable, records: OutageRecords, clock: Clock) -> None:
        self._probes = probes
        self._records = records
        self._clock = clock

    async def get(self, request: web.Request) -> Text:
        """The outages of a probe or of all, the newest first: all of them, those that last, or
        those that do not."""
        paging, probe = Paging.of(request), perhaps_probe_key(request, self._probes)
        if (word := optional(request, "lasting")) not in LASTING:
            raise ApiError(HTTPStatus.BAD_REQUEST, "parameter lasting is neither true nor false")
        found = await self._records.outages(
            probe, paging.limit + 1, paging.offset, lasting=LASTING[word]
        )
        following = paging.next_of(request) if len(found) > paging.limit else None
        return await listed(self._described(found[: paging.limit]), following)

    async def get_one(self, request: web.Request) -> Text:
        outage_id = request.match_info["outage"]
        if outage := await self._records.outage(outage_id):
            return document(self._outage(outage))
        raise ApiError(HTTPStatus.NOT_FOUND, f"there is no record of outage {outage_id}")

    async def _described(self, outages: Sequence[Outage]) -> AsyncIterator[dict[str, Any]]:
        async for outage in in_turns(outages, AT_A_TIME):
            yield self._outage(outage)

    def _outage(self, outage: Outage) -> dict[str, Any]:
        watched = self._probes.get(outage.probe) is not None
        return {
            "outage": outage.id,
            "probe": {"module": outage.probe.module, "target": outage.probe.target},
            "start": outage.start,
            "end": outage.end,
            "watched": watched,
            "seconds": outage.seconds(self._clock.wall() if watched else outage.last_start),
            "planned": outage.planned,
            "planned_seconds": outage.planned_seconds,
            "leg": outage.leg,
            "reasons": list(outage.reasons),
            "failures": outage.failures,
            "first_trip": outage.first_trip,
            "last_trip": outage.last_trip,
            "last_start": outage.last_start,
        }
