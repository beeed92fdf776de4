"""The trips, as the API describes them."""

from collections.abc import AsyncIterator, Sequence
from http import HTTPStatus
from typing import Any, Protocol

from aiohttp import web

from exporter.core.json_output import pieces, summary
from exporter.core.model import Outcome, ProbeKey
from exporter.core.timing.fairness import in_turns
from exporter.mail.tokens import without_tokens
from exporter.metrics.text import Text
from exporter.probing.probes import ProbeTable
from exporter.web.api.errors import ApiError
from exporter.web.api.frame import listed
from exporter.web.api.paging import Paging
from exporter.web.parameters import perhaps_probe_key

AT_A_TIME = 50  # trips that are described at a time: a millisecond of work


class Outcomes(Protocol):
    async def recent(
        self, probe: ProbeKey | None, limit: int, offset: int = 0
    ) -> list[Outcome]: ...

    async def outcome(self, trip_id: str, probe: ProbeKey | None = None) -> Outcome | None: ...


class Trips:
    """Answers for the trips."""

    def __init__(self, probes: ProbeTable, records: Outcomes) -> None:
        self._probes = probes
        self._records = records

    async def get(self, request: web.Request) -> Text:
        """The finished trips of a probe or of all, the newest first."""
        paging, probe = Paging.of(request), perhaps_probe_key(request, self._probes)
        found = await self._records.recent(probe, paging.limit + 1, paging.offset)
        following = paging.next_of(request) if len(found) > paging.limit else None
        return await listed(_summaries(found[: paging.limit]), following)

    async def get_one(self, request: web.Request) -> Text:
        """One trip, in progress or finished."""
        trip_id = request.match_info["trip"]
        if found := await self._probes.run_of(trip_id):
            probe, run = found
            return await _whole(run.outcome(trip_id, probe.key), in_progress=True)
        complete = await self._probes.is_complete(trip_id)  # at the time of what is read then
        if outcome := await self._records.outcome(trip_id):
            return await _whole(outcome, complete=complete)
        raise ApiError(HTTPStatus.NOT_FOUND, f"there is no record of trip {trip_id}")


async def _whole(outcome: Outcome, *, in_progress: bool = False, complete: bool = True) -> Text:
    parts = in_turns(pieces(outcome, in_progress=in_progress, complete=complete), AT_A_TIME)
    return Text([*[without_tokens(part).encode() async for part in parts], b"\n"])


async def _summaries(outcomes: Sequence[Outcome]) -> AsyncIterator[dict[str, Any]]:
    async for outcome in in_turns(outcomes, AT_A_TIME):
        yield summary(outcome)
