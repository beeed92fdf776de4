"""Trips that are asked for by hand."""

import asyncio
from dataclasses import dataclass
from http import HTTPStatus

from exporter.core.model import ProbeKey, ProbeRefused
from exporter.probing.probes import ProbeTable

PATIENCE = 5.0  # seconds until a trip has started, if mailtrip is overloaded


@dataclass(frozen=True, slots=True)
class TripNow:
    """The answer to a request for a trip."""

    trip: str
    started: bool  # for this request; otherwise it is the one in progress, or has just ended


class TripsNow:
    """Makes trips by hand: not while one is in progress, and not within the sender's gap."""

    def __init__(self, probes: ProbeTable) -> None:
        self._probes = probes

    async def start(self, key: ProbeKey) -> TripNow:
        """Starts a trip if one may start. Raises ProbeRefused."""
        probe = self._probes.get_or_create(key)
        known = set(probe.flights)
        turn = self._probes.start_now(probe)
        if not turn.done():
            await asyncio.wait([turn], timeout=PATIENCE)
        if not turn.done():
            text = "mailtrip is overloaded: the trip starts later"
            raise ProbeRefused(HTTPStatus.SERVICE_UNAVAILABLE, "overloaded", text)
        turn.result()  # raises what a bug has raised
        if probe.flights:
            trip = next(reversed(probe.flights))
            return TripNow(trip, started=trip not in known)
        if probe.newest:
            return TripNow(probe.newest.trip, started=False)
        text = f"the last trip started less than {probe.schedule.gap:g} s ago: ask again later"
        raise ProbeRefused(HTTPStatus.TOO_MANY_REQUESTS, "too_soon", text)
