"""Pages while the state cannot be read."""

import sqlite3

import pytest

from exporter.state.store import Store
from tests.support.balky_disk import balky, store_on
from tests.support.http_site import GOOD as SCRAPE
from tests.support.http_site import site
from tests.web.test_pages import FAILED


def unreadable() -> Store:
    connection = balky()
    connection.words, connection.refuses = ("SELECT",), sqlite3.SQLITE_BUSY
    return store_on(connection)


@pytest.mark.parametrize(
    "path", ["/trips?module=submission&target=a@example.org", "/trips/0123456789abcd"]
)
async def test_a_page_says_in_words_that_the_state_cannot_be_read_now_and_all_else_goes_on(
    path: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with site(store=unreadable()) as here:
        status, page = await here.get(SCRAPE)
        assert (status, "probe_success 1" in page) == (200, True)
        status, page = await here.get(path)
        assert status == 503
        assert page.startswith("the state cannot be read now: ")
        assert page.count("\n") == 2
        assert "/probe with debug=true" in page
        status, page = await here.get(path, Accept="text/html")
        assert (status, "the state cannot be read now: " in page) == (503, True)
        assert page.startswith("<!DOCTYPE html>")
        status, page = await here.get(f"{SCRAPE}&debug=true")
        assert (status, "Newest finished trip:\n\ntrip " in page) == (200, True)
        for other in ("/metrics", "/config", "/sd", "/-/healthy"):
            assert (await here.get(other))[0] == 200
    assert not [record for record in caplog.records if record.exc_info]


async def test_the_start_page_says_what_fails_also_without_the_state(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with site(store=unreadable()) as here:
        here.probes.get_or_create(FAILED.probe).show(FAILED)
        status, page = await here.get("/")
    assert status == 200
    assert "1 of 2 probes is failing" in page
    assert "the state cannot be read now: " in page
    assert "availability and outages are unknown" in page
    assert " %" not in page
    assert not [record for record in caplog.records if record.exc_info]
