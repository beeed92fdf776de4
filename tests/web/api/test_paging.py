"""Lists of the API in pages, and what cannot be listed."""

import json

import pytest

from exporter.core.model import ProbeKey
from tests.support.happened_trips import WHY, get, happened, trip
from tests.support.http_site import site


@pytest.mark.parametrize("path", ["/probes", "/trips", "/outages"])
async def test_pages_have_every_item_once(path: str) -> None:
    probes = [ProbeKey("submission", f"{number}@example.org") for number in range(5)]
    async with site() as here:
        await happened(here, *(trip(n, WHY, probe) for n, probe in enumerate(probes)))
        whole = (await get(here, path))["items"]
        assert len(whole) >= 5
        parts, following = [], f"/api/v1{path}?limit=2"
        while following:
            page = json.loads((await here.get(following))[1])
            assert len(page["items"]) <= 2
            parts += page["items"]
            following = page["next"]
        for one in (*whole, *parts):
            one.pop("seconds", None)  # of outages that last
            one.pop("availability", None)
        assert parts == whole


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=1001",
        "limit=x",
        "limit=-1",
        "offset=-1",
        "offset=99999999999",
        "limit=1&limit=2",
        "state=broken",
        f"search={'x' * 400}",
    ],
)
async def test_what_cannot_be_listed_is_one_clear_line(query: str) -> None:
    async with site() as here:
        error = await get(here, f"/probes?{query}", 400)
        assert error["error"] == "bad_request"
        assert "\n" not in error["message"]
