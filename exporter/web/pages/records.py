"""What pages read of the state."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from exporter.core.availability.account import Month, ProbeAccount
from exporter.core.availability.downtime import Downtime
from exporter.core.availability.outage import Outage
from exporter.core.model import Outcome, ProbeKey
from exporter.state.evidence import ListedTrip
from exporter.state.timeline import TimelineTrip


class OutageRecords(Protocol):
    """The stored outages, also for the API."""

    async def outages(
        self,
        probe: ProbeKey | None,
        limit: int,
        offset: int = 0,
        *,
        lasting: bool | None = None,
    ) -> list[Outage]: ...

    async def outage(self, outage_id: str) -> Outage | None: ...


class Records(OutageRecords, Protocol):
    """The stored trips and outages."""

    async def downtimes(
        self, probes: Sequence[ProbeKey], spans: Sequence[float], now: float
    ) -> Mapping[ProbeKey, Sequence[Downtime]]: ...

    async def availabilities(self, span: float, now: float) -> Mapping[ProbeKey, float]: ...

    async def listed(self, probe: ProbeKey, limit: int, offset: int = 0) -> list[ListedTrip]: ...

    async def outcome(self, trip_id: str, probe: ProbeKey | None = None) -> Outcome | None: ...

    async def beside(self, outage: Outage) -> tuple[Outcome | None, Outcome | None]: ...

    async def outage_at(self, probe: ProbeKey, at: float) -> Outage | None: ...

    async def timeline(self, probe: ProbeKey, trip_id: str = "") -> list[TimelineTrip]: ...

    async def account(self, month: Month, now: float) -> list[ProbeAccount]: ...
