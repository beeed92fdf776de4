"""The list of probes on the overview: pages, states, a search."""

import gzip
import json
import re
from dataclasses import replace
from urllib.parse import parse_qsl

import pytest

from exporter.checks.check import QueryCheck
from exporter.core.model import ProbeKey
from exporter.core.trace.run import Run
from exporter.probing.probe import Probe
from exporter.probing.schedule import Schedule
from exporter.state.history import HISTORY_LENGTH
from exporter.web.pages.probe_list import (
    AT_A_TIME,
    LONGEST_SEARCH,
    PER_PAGE,
    Query,
    State,
    page_of,
    state_of,
)
from exporter.web.pages.probe_order import AT_A_TIME as SORTED_AT_A_TIME
from exporter.web.pages.probe_order import Order
from exporter.web.routes import GROUPS
from tests.metrics.test_outcome import SUCCESS
from tests.support.http_site import site
from tests.support.imap_attacker import Ticker
from tests.support.pauses import at_once, with_pauses
from tests.web.test_pages import FAILED, kept

MANY = 10_000


class NoCheck(QueryCheck):
    """Is never run."""

    async def run(self, run: Run) -> None: ...


def probes(count: int) -> list[Probe]:
    """Of ten probes the first has failed, and the last has no result yet."""
    made = []
    for number in range(count):
        key = ProbeKey("submission", f"user{number}@example.org")
        probe = Probe(key, NoCheck(), Schedule(300), 600, 30, f"Name {number}")
        if number % 10 != 9:
            probe.show(replace(SUCCESS if number % 10 else FAILED, probe=key))
        made.append(probe)
    return made


PROBES = probes(450)


def test_failed_probes_come_first_and_the_rest_in_the_order_of_the_configuration() -> None:
    pages = [at_once(page_of(PROBES, Query(page=number))) for number in range(1, 6)]
    shown = [probe for page in pages for probe in page.probes]
    failed = [probe for probe in PROBES if state_of(probe) is State.FAILED]
    assert shown == failed + [probe for probe in PROBES if probe not in failed]
    assert [len(page.probes) for page in pages] == [PER_PAGE] * 4 + [50]
    assert {page.pages for page in pages} == {5}


def test_every_page_tells_how_many_probes_there_are_of_each_state() -> None:
    counts = {State.FAILED: 45, State.OK: 360, State.UNKNOWN: 45}
    for query in (Query(), Query(page=5), Query(state=State.FAILED), Query(state=State.OK, page=2)):
        page = at_once(page_of(PROBES, query))
        assert (page.counts, page.found, page.known) == (counts, 450, 450)
        assert all(query.state in (None, state_of(probe)) for probe in page.probes)


@pytest.mark.parametrize(
    ("search", "count"),
    [
        ("USER12", 11),  # user12, user120 to user129
        ("name submission 449", 1),
        ("rejected", 45),  # what the server said to those that have failed
        ("user1 rejected", 11),
        ("none", 0),
        ("nobody", 0),
    ],
)
def test_a_search_finds_names_modules_targets_and_failures(search: str, count: int) -> None:
    page = at_once(page_of(PROBES, Query(search)))
    assert (page.found, page.known) == (count, 450)
    assert len(page.probes) == min(count, PER_PAGE)


def test_a_probe_without_a_name_is_not_found_by_a_word_for_nothing() -> None:
    unnamed = probes(2)[1]
    unnamed.name = None
    assert at_once(page_of([unnamed], Query("none"))).found == 0


def test_a_link_lasts_when_there_are_fewer_pages() -> None:
    page = at_once(page_of(PROBES, Query(page=99)))
    assert page.query.page == page.pages == 5
    assert len(page.probes) == 50
    assert at_once(page_of([], Query(page=99))).query.page == 1


def test_the_address_of_a_page_is_read_as_it_is_written() -> None:
    for query in (
        Query(),
        Query("a&b=c d", State.OK, 12),
        Query("", State.FAILED),
        Query("", None, 2),
        Query("x", None, 2, Order.DELAY, refresh=False),
    ):
        assert Query.parse(dict(parse_qsl(query.link.partition("?")[2]))) == query
    assert Query().link == "./"
    assert Query("x", State.OK, 3).of_state(State.FAILED) == Query("x", State.FAILED, 1)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"state": "down"}, "unknown state 'down'; use failed, ok, unknown"),
        ({"order": "x"}, "unknown order 'x'; use state, outage, name, delay"),
        ({"refresh": "on"}, "unknown value 'on' of refresh; use off, or leave it out"),
        ({"page": "0"}, "page '0' is not a page number; the first page is 1"),
        ({"page": "-1"}, "is not a page number"),
        ({"page": "٣"}, "is not a page number"),
        ({"page": "9" * 5000}, "is not a page number"),
        ({"search": "x" * (LONGEST_SEARCH + 1)}, "search is longer than 320 characters"),
    ],
)
def test_an_address_that_means_nothing_is_refused(parameters: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        Query.parse(parameters)


def test_pages_nearby_and_at_both_ends_are_linked() -> None:
    page = at_once(page_of(PROBES, Query()))
    numbers = [
        replace(page, query=Query(page=here), pages=pages).numbers
        for here, pages in ((1, 1), (1, 5), (3, 5), (50, 100), (100, 100))
    ]
    assert numbers == [
        [1],
        [1, 2, 3, None, 5],
        [1, 2, 3, 4, 5],
        [1, None, 48, 49, 50, 51, 52, None, 100],
        [1, None, 98, 99, 100],
    ]


def test_of_many_probes_a_thousand_are_looked_at_in_a_turn() -> None:
    every = PROBES * (MANY // len(PROBES))
    page, pauses = with_pauses(page_of(every, Query("rejected", page=3)))
    looked_at = len(every) // AT_A_TIME
    assert looked_at >= 9
    assert pauses == looked_at + page.found // SORTED_AT_A_TIME
    assert len(page.probes) == PER_PAGE


async def test_the_overview_shows_a_page_and_links_to_the_others() -> None:
    async with site() as here:
        for number in range(250):
            probe = here.probes.get_or_create(ProbeKey("submission", f"{number}@example.org"))
            if number in (120, 121):
                probe.show(replace(FAILED, probe=probe.key))
        status, page = await here.get("/")
        assert (status, page.count("@example.org</a>")) == (200, PER_PAGE - 1)  # and `named`
        assert page.index("120@example.org") < page.index(">0@example.org")
        assert "<b>251</b> in total" in page
        assert "<b>2</b> failed" in page
        assert 'href="?page=3"' in page
        assert "2 of 251 probes are failing" in page
        assert 'aria-label="Causes"' in page
        status, page = await here.get("/?page=3")
        assert (status, page.count("@example.org</a>")) == (200, 51)
        assert "<b>2</b> failed" in page
        assert 'href="?page=2" rel="prev"' in page
        assert "2 of 251 probes are failing" in page
        assert 'aria-label="Causes"' not in page
        page = (await here.get("/?state=failed"))[1]
        assert page.count("@example.org</a>") == 2
        assert 'rel="next"' not in page
        page = (await here.get("/?search=nobody"))[1]
        assert "No probe matches." in page
        assert await here.get("/?state=x") == (400, "unknown state 'x'; use failed, ok, unknown\n")
        assert (await here.get("/?page=1&page=2"))[0] == 400
        evil = (await here.get("/?search=%22%3E%3Cscript%3E"))[1]
        assert ">Search: &#34;&gt;&lt;script&gt;</a>" in evil
        evil = (await here.get("/?search=%22%3E%3Cscript%3E&refresh=off"))[1]
        assert 'value="&#34;&gt;&lt;script&gt;"' in evil


async def test_a_reader_may_stop_the_page_from_renewing_itself_and_every_link_keeps_that() -> None:
    async with site() as here:
        await kept(here, FAILED)
        for number in range(250):
            here.probes.get_or_create(ProbeKey("submission", f"{number}@example.org"))
        page = (await here.get("/"))[1]
        assert 'http-equiv="refresh"' in page
        assert '<a href="?refresh=off">pause</a>' in page
        page = (await here.get("/?refresh=off&page=2"))[1]
        assert 'http-equiv="refresh"' not in page
        assert '<a href="?page=2">resume</a>' in page
        links = re.findall(r'<a href="(\?[^"]*)"', page)
        assert len(links) > 5
        assert [one for one in links if "refresh=off" not in one] == ["?page=2"]
        assert '<input type="hidden" name="refresh" value="off">' in page
        (first,) = set(re.findall(r'<a href="(\?[^"]*)" class="bad"', page))
        page = (await here.get(f"/{first.replace('&amp;', '&')}"))[1]
        assert 'http-equiv="refresh"' not in page


async def test_a_page_of_failing_probes_with_their_whole_history_is_small() -> None:
    async with site() as here:
        for number in range(150):
            probe = here.probes.get_or_create(ProbeKey("submission", f"{number}@example.org"))
            for trip in range(HISTORY_LENGTH):
                outcome = replace(SUCCESS if trip % 3 else FAILED, probe=probe.key)
                probe.show(outcome)
                probe.outages.add(outcome, trip, trip)
            probe.show(replace(FAILED, probe=probe.key))
        page = (await here.get("/"))[1]
    assert page.count('class="spark"') == PER_PAGE
    assert len(page) < 2_000 * PER_PAGE


async def test_every_link_of_a_filtered_page_leads_somewhere() -> None:
    async with site() as here:
        for number in range(250):
            here.probes.get_or_create(ProbeKey("submission", f"{number}@example.org"))
        page = (await here.get("/?search=example&state=unknown&page=2"))[1]
        links = {link.replace("&amp;", "&") for link in re.findall(r'<a href="(\?[^"]*)"', page)}
        assert "?search=example&state=unknown&page=3" in links
        assert "?search=example&state=failed" in links
        for link in links:
            status, shown = await here.get("/" + link)
            for field in re.findall(
                r'<a class="field" href="(\?[^"]*)#search">Search: exam', shown
            ):
                status, shown = await here.get("/" + field.replace("&amp;", "&"))
            assert (status, 'name="search" value="example"' in shown) == (200, True)


@pytest.mark.slow
async def test_service_discovery_of_many_probes_is_written_in_turns_and_compressed() -> None:
    async with site() as here:
        for number in range(MANY):
            key = ProbeKey("submission", f"{number}@example.org")
            here.probes.get_or_create(key).name = f"probe-{number}"
        ticker = Ticker()
        url = f"http://{here.host}:{here.port}/sd"
        async with here.http.get(
            url, headers={"Accept-Encoding": "gzip"}, auto_decompress=False
        ) as answer:
            packed = await answer.read()
        ticker.stop()
    groups = json.loads(gzip.decompress(packed))
    assert len(groups) == MANY + 1
    assert groups[-1]["labels"]["probe"] == f"probe-{MANY - 1}"
    assert len(packed) < 20 * MANY
    assert ticker.turns > MANY // GROUPS
