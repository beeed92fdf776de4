"""The end of the HTTP server."""

import asyncio

import pytest

from tests.support.http_site import GOOD, site, until


@pytest.mark.slow
async def test_stopping_lets_a_running_scrape_finish() -> None:
    async with site(delay=0.4) as here:
        scrape = asyncio.create_task(here.get(GOOD))
        await until(lambda: len(here.rig.sender.sent) == 1)
        await here.server.__aexit__()
        assert "probe_success 1.0" in (await scrape)[1].splitlines()


@pytest.mark.slow
async def test_stopping_does_not_wait_for_a_long_trip_and_answers_with_what_is_known() -> None:
    async with site(delay=None) as here:
        scrape = asyncio.create_task(here.get(GOOD))
        await until(lambda: len(here.rig.sender.sent) == 1)
        await here.server.__aexit__()
        status, text = await scrape
        assert status == 200
        assert "mailtrip_trips_in_flight 1.0" in text.splitlines()
