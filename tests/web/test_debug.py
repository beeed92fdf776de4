"""`/probe?…&debug=true` over real sockets."""

import asyncio
import re

import pytest

from exporter.app import App
from exporter.core.model import Listing
from exporter.core.reasons import Reason
from exporter.mail.tokens import new_key
from exporter.settings import Settings
from exporter.state.store import Store
from exporter.web.debug import MOST_FLIGHTS, debug_page, trip_text
from tests.support.http_site import GOOD, site, until
from tests.support.tokens import tokens_in

DEBUG = f"{GOOD}&debug=true"
BLOCKLISTS = b"""
resolver: {nameservers: ["127.0.0.1:1"], timeout: 1s}
modules:
  reputation:
    targets: ["192.0.2.0/24", mx.example.org]
    dnsbl: {lists: [{zone: "{key}.lists.example.org", key: hidden0key}]}
"""
TITLES = [
    "Trips in progress",
    "Newest finished trip",
    "Configuration of the module",
    "Series that a scrape would get",
]


def part(page: str, title: str) -> str:
    """What stands under a title."""
    begin = page.index(title)
    ends = [page.index(other) for other in TITLES if page.index(other) > begin]
    return page[begin : min(ends, default=len(page))]


async def test_it_shows_the_newest_trip_the_module_and_the_series_and_makes_no_trip() -> None:
    async with site() as here:
        series = (await here.get(GOOD))[1]
        status, page = await here.get(DEBUG)
        assert status == 200
        assert len(here.rig.sender.sent) == 1
        (probe,) = (probe for probe in here.probes if probe.key.target == "a@example.org")
        newest = part(page, TITLES[1])
        assert probe.newest
        assert f"trip {probe.newest.trip}" in newest
        for words in ("  OK  ", "█", "send    C: DATA", "mailbox C: EXPUNGE", "delivery delay"):
            assert words in newest
        assert part(page, TITLES[0]).startswith("Trips in progress (0):\n\nNone.")
        assert "submission:\n" in part(page, TITLES[2])
        assert "monitor:\n" in part(page, TITLES[2])
        assert "private" not in part(page, TITLES[2])
        assert part(page, TITLES[3]).endswith(f":\n\n{series}\n")


async def test_before_the_first_trip_it_says_so_and_starts_none() -> None:
    async with site() as here:
        status, page = await here.get(DEBUG)
        assert status == 200
        assert "No trip has finished yet." in page
        assert "mailtrip_trips_in_flight 0.0" in page.splitlines()
        assert here.rig.sender.sent == []


async def test_only_the_word_true_asks_for_it() -> None:
    async with site() as here:
        assert "probe_success 1.0" in (await here.get(f"{GOOD}&debug=false"))[1].splitlines()
        assert len(here.rig.sender.sent) == 1


async def test_a_failure_is_told_with_its_place_and_its_transcript() -> None:
    async with site() as here:
        here.rig.sender.refusal = Reason.REJECTED
        await here.get(GOOD)
        newest = part((await here.get(DEBUG))[1], TITLES[1])
        assert "FAILED" in newest
        assert "send/data: rejected 550: refused" in newest
        assert "send    C: DATA" in newest


async def test_the_newest_trip_is_read_from_the_state_and_without_it_told_in_brief() -> None:
    async with site() as here:
        await here.get(GOOD)
        (probe,) = (probe for probe in here.probes if probe.newest)
        in_memory = part((await here.get(DEBUG))[1], TITLES[1])
        await until(lambda: probe.unwritten is None)
        assert part((await here.get(DEBUG))[1], TITLES[1]) == in_memory
        await here.rig.store.close()
        assert probe.newest
        (told,) = (line for line in (await here.get(DEBUG))[1].splitlines() if "cannot be" in line)
        assert told.startswith(f"trip {probe.newest.trip}: OK, round trip ")


async def test_trips_under_way_are_shown_as_far_as_they_have_come_the_newest_few() -> None:
    async with site(delay=None) as here:
        probe = here.probes.get_or_create(here.probes.key("submission", "a@example.org"))
        for _ in range(MOST_FLIGHTS + 2):
            here.rig.prober.start(probe)
        while len(here.rig.sender.sent) < MOST_FLIGHTS + 2:
            await asyncio.sleep(0.01)
        under_way = part((await here.get(DEBUG))[1], TITLES[0])
        assert under_way.startswith(f"Trips in progress ({MOST_FLIGHTS + 2}):")
        assert under_way.count("  in progress  ") == under_way.count("  deliver ") == MOST_FLIGHTS
        assert under_way.count("S: 250 taken") == MOST_FLIGHTS
        assert list(probe.flights)[-1] in under_way
        assert next(iter(probe.flights)) not in under_way
        assert "  OK  " not in under_way


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/probe?module=submission&target=a@example.com&debug=true", 403),
        ("/probe?module=submision&target=a@example.org&debug=true", 400),
        ("/probe?target=a@example.org&debug=true", 400),
    ],
)
async def test_the_rules_for_targets_are_those_of_a_scrape(path: str, status: int) -> None:
    async with site() as here:
        got, text = await here.get(path)
        assert got == status
        assert len(text.splitlines()) == 1
        assert text == (await here.get(path.removesuffix("&debug=true")))[1]


async def test_a_browser_and_a_terminal_take_it_for_text_whatever_a_server_said() -> None:
    evil = "<script>alert(1)</script> \x1b]0;title\x07 \x9b31m \u202e \r\n\x00 [bold]:smile:[/bold]"
    async with site() as here:
        here.rig.sender.says = lambda raw: [f"550 {evil}"]
        here.rig.sender.refusal, here.rig.sender.words = Reason.REJECTED, evil
        await here.get(GOOD)
        async with here.http.get(f"http://{here.host}:{here.port}{DEBUG}") as answer:
            page = await answer.text()
            assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Cache-Control"] == "no-store"
    assert page.count("<script>alert(1)</script>") == 2  # the failure and the transcript
    assert page.count("[bold]:smile:[/bold]") == 2
    assert all(line.isprintable() for line in page.split("\n"))


@pytest.mark.slow
async def test_no_token_is_on_the_page_also_not_when_the_server_repeats_it() -> None:
    async with site(delay=None) as here:
        here.rig.sender.says = lambda raw: [f"250 <{word}@example.org>" for word in tokens_in(raw)]
        await here.get(GOOD, X_Prometheus_Scrape_Timeout_Seconds="1")
        (probe,) = (probe for probe in here.probes if probe.key.target == "a@example.org")
        (run,) = probe.runs.values()
        assert "mtrip1" in str(run.transcript)
        page = (await here.get(DEBUG))[1]
        assert "S: 250 <<token>@example.org>" in page
        assert "mtrip1" not in page.lower()


@pytest.mark.slow
async def test_of_a_check_that_could_query_no_list_it_draws_no_round_trip() -> None:
    """Its target was not found, so there are no answers."""
    async with App(Settings.parse(BLOCKLISTS, "test.yml"), Store.open(None), new_key()) as app:
        probe = app.probes.get_or_create(app.probes.key("reputation", "mx.example.org"))
        outcome = await app.prober.start(probe)
    assert not any(isinstance(fact, Listing) for fact in outcome.facts)
    text = trip_text(outcome, under_way=False)
    assert f"trip {outcome.trip}  reputation → mx.example.org  FAILED" in text
    assert "█" not in text
    assert f"\n{outcome.failure}\n" in text


async def test_of_a_module_that_asks_blocklists_it_shows_the_answers_and_no_key() -> None:
    async with App(Settings.parse(BLOCKLISTS, "test.yml"), Store.open(None), new_key()) as app:
        key = app.probes.key("reputation", "192.0.2.1")
        probe = app.probes.get_or_create(key)
        await app.prober.start(probe)
        page = debug_page(probe, probe.unwritten, app.probes.configuration(key), "")
    assert "lists.example.org  192.0.2.1  unknown" in page
    assert re.search(r"\d lists +-- lists\.example\.org", page)
    assert "key: <secret>" in page
    assert "hidden0key" not in page
