"""What the API says of probes."""

from dataclasses import replace

import pytest

from tests.support.happened_trips import STARTED, WHY, get, happened, trip
from tests.support.http_site import site


async def test_a_probe_that_fails_says_since_when_and_why() -> None:
    async with site() as here:
        await happened(here, trip(1), trip(2, WHY), trip(3, WHY))
        (probe,) = (await get(here, "/probes?search=a@example.org"))["items"]
        assert (probe["module"], probe["target"]) == ("submission", "a@example.org")
        assert probe["state"] == "failed"
        assert probe["since"] == STARTED + 120
        assert probe["outage"] == trip(2).trip
        assert probe["newest"]["trip"] == trip(3).trip
        assert probe["newest"]["failure"]["reason"] == "rejected"
        assert probe["interval"] == 300
        assert probe["in_progress"] == []


async def test_a_probe_that_works_again_says_since_when() -> None:
    async with site() as here:
        await happened(here, trip(1, WHY), trip(2))
        (probe,) = (await get(here, "/probes?search=a@example.org"))["items"]
        assert (probe["state"], probe["since"], probe["outage"]) == ("ok", STARTED + 120, None)
        assert (probe["newest"]["delay"], probe["newest"]["round_trip"]) == (1.5, 2.5)


async def test_availability_is_what_outages_leave_of_a_day_and_of_a_month() -> None:
    async with site() as here:
        now = here.rig.clock.wall()
        first, failed, good, last = (
            replace(trip(number), started_at=now - ago)
            for number, ago in enumerate((40 * 86400, 7200, 3600, 0))
        )
        await happened(here, first, replace(failed, facts=(), failure=WHY), good, last)
        (probe,) = (await get(here, "/probes?search=a@example.org"))["items"]
        assert probe["availability"]["day"] == pytest.approx(1 - 3600 / 86400, abs=1e-4)
        assert probe["availability"]["month"] == pytest.approx(1 - 3600 / (30 * 86400), abs=1e-6)


async def test_probes_that_do_not_exist_are_refused_as_on_other_pages() -> None:
    async with site() as here:
        assert (await get(here, "/trips?probe=x", 404))["error"] == "unknown_probe"
        assert (await get(here, "/trips?module=x&target=y", 400))["error"] == "unknown_module"
        assert (await get(here, "/outages?module=submission", 400))["error"] == "bad_request"
