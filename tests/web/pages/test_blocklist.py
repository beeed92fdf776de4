"""The page of one blocklist."""

import re
from dataclasses import replace
from html import unescape

import pytest

from exporter.core.model import Fact, Listing, ListState, ProbeKey, QueriedList
from exporter.settings import Settings
from exporter.web.blocklist_status import blocklist_statuses
from exporter.web.pages.blocklist import (
    MOST_LISTED,
    MOST_PROBES,
    BlocklistPage,
    blocklist_page,
    configured_lists,
)
from exporter.web.pages.styles import BAD, GOOD, PLAIN
from tests.support.axe import breaches
from tests.support.blocklist_app import trip
from tests.support.chromium import DESKTOP, Browser
from tests.support.http_site import Site, site, words_of
from tests.support.lookup_site import lookup_site
from tests.support.name_server import name_server
from tests.support.pauses import at_once, with_pauses
from tests.web.pages.test_lookup import BAD as BAD_ZONE
from tests.web.pages.test_probe_list import NoCheck
from tests.web.test_chromium import look
from tests.web.test_lookups_now import LISTS
from tests.web.test_pages import EVIL, FAILED, kept

CATALOGUE = Settings.parse(
    b"""
modules:
  one: {dnsbl: {lists: [zen.spamhaus.org, {zone: both.example, kind: info}], domain_lists: [both.example]}}
  two: {dnsbl: {lists: [{zone: "{key}.zen.dq.spamhaus.net", key: hunter2hunter2}]}}
""",  # noqa: E501
    "test.yml",
)
ODD = f"{EVIL}/?#%2F"


QUERIES = NoCheck()
QUERIES.blocklists = ("bad",)


async def asked(here: Site, *facts: Fact) -> None:
    await kept(here, replace(FAILED, facts=facts))


async def page_of(here: Site, name: str) -> BlocklistPage:
    probes = list(here.probes)
    return await blocklist_page(name, await blocklist_statuses(probes), (), probes)


def test_what_the_catalogue_knows_is_said_without_the_key() -> None:
    known = at_once(configured_lists(CATALOGUE.modules.values()))
    assert [*known] == ["zen.spamhaus.org", "both.example", "zen.dq.spamhaus.net"]

    def words_about(name: str) -> BlocklistPage:
        return at_once(blocklist_page(name, [], known[name], []))

    (zen,) = words_about("zen.spamhaus.org").words
    assert (zen.asked_about, zen.severity) == ("IPv4 addresses, IPv6 addresses", "high")
    assert zen.delisting == "https://check.spamhaus.org/"
    assert ("127.0.0.2", "SBL (spam source)") in zen.meanings
    first, second = words_about("both.example").words
    assert (first.asked_about, second.asked_about) == ("IPv4 addresses", "domains")
    assert "only reported" in first.kind
    assert "is a failure" in second.kind
    secret = words_about("zen.dq.spamhaus.net")
    assert secret.words
    assert "hunter2" not in repr(secret)
    assert secret.verdict[:2] == (PLAIN, "unknown")


async def test_a_list_is_usable_or_not_and_a_listing_is_red_only_if_it_is_a_failure() -> None:
    async with site() as here:
        await asked(
            here,
            QueriedList("bad", True),
            Listing("bad", "192.0.2.1", ListState.LISTED),
            QueriedList("gone", False, "no answer in time", since=86400.0),
            QueriedList("good", True),
            Listing("good", "192.0.2.1", ListState.CLEAN),
            Listing("allow", "192.0.2.1", ListState.LISTED, alarming=False),
        )
        found = {name: (await page_of(here, name)) for name in ("bad", "gone", "good", "allow")}
        assert {name: one.verdict for name, one in found.items()} == {
            "bad": (BAD, "lists 1 address or domain", ""),
            "gone": (PLAIN, "unusable", ": no answer in time"),
            "good": (GOOD, "usable", ", and lists nothing that is checked"),
            "allow": (GOOD, "lists 1 address or domain", ", which is not a failure"),
        }
        assert [len(one.listed) for one in found.values()] == [1, 0, 0, 1]
        seen = words_of((await here.get("/blocklists/gone"))[1])
        since = r"unusable since 1970-01-02 00:00:00 UTC \([0-9]+ d.*\): no answer in time"
        assert re.search(since, seen), seen
        assert "What it lists now Unknown." in seen
        assert "It is not in the configuration any more." in seen
        described = (await here.get("/api/v1/blocklists?limit=1&offset=1"))[1]
        assert '"gone"' in described
        link = 'href="../api/v1/blocklists?limit=1&amp;offset=1"'
        assert link in (await here.get("/blocklists/gone"))[1]


async def test_it_says_what_is_listed_why_by_whom_and_how_to_get_off(browser: Browser) -> None:
    def look_at() -> None:
        for width, dark in ((390, False), (390, True), (DESKTOP, False), (DESKTOP, True)):
            browser.open(f"{here.address}/blocklists/bl.example", width, dark=dark)
            assert breaches(browser) == []
            assert browser.evaluate("return document.documentElement.scrollWidth") == width
            assert "192.0.2.9" in browser.text
        assert browser.complaints == []

    async with name_server(BAD_ZONE) as dns, lookup_site(dns, LISTS, "192.0.2.9") as here:
        status, page = await here.get("/blocklists/bl.example")
        assert status == 200
        assert "unknown : no check that queries it has ended yet" in words_of(page)
        checked = await trip(here.app, "192.0.2.9")
        page = (await here.get("/blocklists/bl.example"))[1]
        await look(look_at)
        start = (await here.get("/"))[1]
        of_trip = (await here.get(f"/trips/{checked.trip}"))[1]
    assert '<td><a href="blocklists/bl.example">bl.example</a>' in start
    assert '<td><a href="../blocklists/bl.example">bl.example</a>' in of_trip
    seen = words_of(page)
    assert "Blocklist bl.example lists 1 address or domain Newest check" in seen
    assert re.search(
        r"found by 192\.0\.2\.9 since \S+ \S+ UTC (now|\S+ s ago) 127\.0\.0\.3", seen
    ), seen
    assert "asked about IPv4 addresses kind a list of bad senders: a listing is a failure" in seen
    assert seen.count("https://bl.example/off") == 2
    assert 'class="word bad">192.0.2.9<' in page
    assert f'href="../trips/{checked.trip}">its newest check<' in page
    named = page.partition("Probes that query it")[2]
    assert re.findall('<a href="[^"]+">([^<]+)', named) == ["named"]
    assert "<script" not in page
    assert '<a href="../lookup">' in page
    assert 'href="../config#module-reputation"' in page


async def test_an_unknown_blocklist_is_not_found_as_a_page_for_browsers() -> None:
    async with site() as here:
        await asked(here, QueriedList("bl.example.org", True))
        status, text = await here.get("/blocklists/bl.example.com")
        assert status == 404
        assert text == "no blocklist 'bl.example.com'; did you mean bl.example.org?\n"
        status, page = await here.get("/blocklists/%3Cscript%3E", Accept="text/html")
        assert status == 404
        assert "no blocklist &#39;&lt;script&gt;" in page
        assert 'href="../style.css' in page


async def test_a_name_of_any_characters_has_an_address() -> None:
    """An earlier mailtrip may have written it."""
    async with site() as here:
        await asked(here, QueriedList(ODD, False, EVIL), Listing(ODD, EVIL, ListState.LISTED))
        for path, links in (("/", "blocklists/"), (f"/trips/{FAILED.trip}", "../blocklists/")):
            page = (await here.get(path))[1]
            (link,) = re.findall(f'<td><a href="{links}([^"]*)"', page)
            assert re.fullmatch(r"[\w.~%-]+", link)
            url = f"http://{here.host}:{here.port}/blocklists/{link}"
            async with here.http.get(url) as answer:
                assert answer.status == 200
                shown = await answer.text()
            assert unescape(shown).count(ODD) == 2
            assert "<script" not in shown


@pytest.mark.slow
async def test_ten_thousand_probes_take_no_long_turn_and_no_long_page() -> None:
    async with site() as here:
        for number in range(10_000):
            facts = (
                QueriedList("bad", True),
                Listing("bad", f"192.0.{number // 250}.{number % 250}", ListState.LISTED),
            )
            key = ProbeKey("submission", f"{number}@example.org")
            await kept(here, replace(FAILED, trip=f"{number:014x}", probe=key, facts=facts))
        page, pauses = with_pauses(here.pages.blocklist("bad"))
        assert pauses >= 60
        assert page.count("its newest check") == MOST_LISTED
        assert "9,900 more are not shown" in page
        assert len(page) < 60_000
        probes = list(here.probes)
        for probe in probes:
            probe.check = QUERIES
        found, pauses = with_pauses(blocklist_page("bad", [], (), probes))
        assert (found.known, len(found.named)) == (10_001, MOST_PROBES)
        assert pauses >= 50
        assert with_pauses(blocklist_page("another", [], (), probes))[1] >= 60
