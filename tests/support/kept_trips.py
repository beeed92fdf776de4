"""What a store keeps of trips."""

from exporter.core.model import Outcome, ProbeKey
from exporter.state.store import Store


async def kept_trips(
    store: Store, probe: ProbeKey | None = None, limit: int = 100_000
) -> list[Outcome]:
    """The newest trips of one probe or of all, each with all that is kept of it."""
    trips = [await store.outcome(one.trip) for one in await store.recent(probe, limit)]
    return [trip for trip in trips if trip]
