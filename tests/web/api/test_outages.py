"""What the API says of outages."""

from exporter.core.model import ProbeKey
from tests.support.happened_trips import STARTED, WHY, get, happened, trip
from tests.support.http_site import site


async def test_outages_are_listed_by_probe_and_by_whether_they_last() -> None:
    other = ProbeKey("submission", "b@example.org")
    async with site() as here:
        await happened(here, trip(1, WHY), trip(2), trip(3, WHY), trip(4, WHY, other))

        async def listed(query: str) -> list[str]:
            return [one["outage"] for one in (await get(here, f"/outages{query}"))["items"]]

        assert await listed("") == [trip(4).trip, trip(3).trip, trip(1).trip]
        assert await listed("?lasting=true") == [trip(4).trip, trip(3).trip]
        assert await listed("?lasting=false") == [trip(1).trip]
        assert await listed("?module=submission&target=b@example.org") == [trip(4).trip]
        await get(here, "/outages?lasting=maybe", 400)
        outage = await get(here, f"/outages/{trip(1).trip}")
        assert outage["watched"]
        assert (outage["start"], outage["end"]) == (STARTED + 60, STARTED + 120)
        assert (outage["seconds"], outage["failures"]) == (60, 1)
        assert (outage["leg"], outage["reasons"]) == ("send", ["send/rejected"])
        assert (outage["first_trip"], outage["last_trip"]) == (trip(1).trip, trip(1).trip)
        await get(here, "/outages/ffffffffffffff", 404)
