"""What the API says of blocklists."""

from dataclasses import replace

from exporter.core.model import Listing, ListState, QueriedList
from tests.support.happened_trips import get, happened, trip
from tests.support.http_site import site


async def test_blocklists_are_usable_or_say_why_not() -> None:
    facts = (
        QueriedList("bl.example.org", True),
        Listing("bl.example.org", "192.0.2.1", ListState.LISTED, ("127.0.0.2",), since=7.5),
        QueriedList("gone.example.org", False, "REFUSED", since=9.5),
    )
    async with site() as here:
        await happened(here, replace(trip(1), facts=facts))
        assert (await get(here, "/blocklists"))["items"] == [
            {
                "name": "bl.example.org",
                "usable": True,
                "trouble": None,
                "unusable_since": None,
                "listed": ["192.0.2.1"],
                "listings": [{"subject": "192.0.2.1", "since": 7.5}],
                "more_listed": 0,
                "alarming": True,
            },
            {
                "name": "gone.example.org",
                "usable": False,
                "trouble": "REFUSED",
                "unusable_since": 9.5,
                "listed": [],
                "listings": [],
                "more_listed": 0,
                "alarming": True,
            },
        ]
