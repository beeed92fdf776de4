"""The pages in a real browser: what is seen, in which colours, on which screens, and that nothing
is executed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import product

import pytest

from exporter.core.facts import Arrival, ArrivedHeaders, Change, Changes
from exporter.core.model import Failure, Listing, ListState, Outcome, ProbeKey, QueriedList, Reply
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from tests.support.chromium import DESKTOP, PHONE, Browser
from tests.support.http_site import GOOD as SCRAPE
from tests.support.http_site import Site, site, until
from tests.web.pages.test_matrices import JUNK, outcome
from tests.web.pages.test_matrices import SETTINGS as MATRIX
from tests.web.test_pages import EVIL, FAILED, KEY, SPANS, kept

LONG = "x" * 300
OTHER = ProbeKey("submission", f"{'a-very-long-name-' * 3}@example.org")
LISTS = (
    QueriedList("bl.example.org", True),
    Listing("bl.example.org", "192.0.2.1", ListState.LISTED, ("127.0.0.2",)),
    QueriedList("gone.example.org", False, LONG),
    Listing("gone.example.org", "192.0.2.1", ListState.UNKNOWN, text=LONG),
)
ARRIVED = (
    Reply(250, LONG),
    Arrival(EVIL, "header", 1.0, 2.0),
    ArrivedHeaders((f"X-Evil: {EVIL}", f"X-Long: {LONG}")),
)
WELL = replace(FAILED, trip="00000000000001", failure=None, facts=ARRIVED)
WHY = Failure(Phase.SEND, Step.RCPT, Reason.REJECTED, "554", f"{EVIL} {LONG}")
FOUND = Changes(
    WELL.trip,
    WELL.started_at,
    (Change("spf_record", LONG, (LONG, EVIL), ()), Change("left_from", "", (EVIL,), (LONG,))),
    (LONG, EVIL),
    (LONG,),
)
BROKEN = Outcome(
    "00000000000002",
    OTHER,
    FAILED.started_at,
    FAILED.duration,
    SPANS,
    (*ARRIVED, *LISTS, FOUND),
    WHY,
    (LONG, EVIL),
)
PATHS = (
    "/",
    "/trips?module=submission&target=a@example.org",
    f"/trips/{WELL.trip}",
    f"/trips/{BROKEN.trip}",
    "/trips/ffffffffffffff",
    "/outages",
    "/report?month=2023-11",
    f"/outages/{BROKEN.trip}",
    "/mailboxes",
    "/mailboxes/monitor",
    "/config",
    "/mailboxes/nowhere",
    "/blocklists/bl.example.org",
    "/blocklists/gone.example.org",
    "/nowhere/at/all",
    f"/trips?probe={'x' * 300}",
)

CONTRAST = """
// WCAG 2.2, 1.4.3: each text with its own colour, and the background that shines through.
const light = c => { const [r, g, b] = c.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255)
  .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b };
const behind = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
  if (!/, 0\\)$/.test(c)) return c } return 'rgb(255, 255, 255)' };
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT); const found = [];
while (texts.nextNode()) { const e = texts.currentNode.parentElement;
  if (!texts.currentNode.data.trim() || !e.checkVisibility() || e.closest('svg')) continue;
  const [a, b] = [light(getComputedStyle(e).color), light(behind(e))].sort((x, y) => y - x);
  found.push([(a + 0.05) / (b + 0.05), e.outerHTML.slice(0, 80)]) }
return found.sort((x, y) => x[0] - y[0])
"""  # noqa: E501
BARS = """
return [...document.querySelectorAll('.waterfall tbody tr')].map(row => {
  const rect = row.querySelector('rect'), bar = rect.getBoundingClientRect();
  const room = row.querySelector('svg').getBoundingClientRect();
  return [row.cells[0].innerText, (bar.left - room.left) / room.width, bar.width / room.width,
    getComputedStyle(rect).fill] })
"""


@asynccontextmanager
async def shown(*outcomes: Outcome) -> AsyncIterator[tuple[Site, str]]:
    """A site with these trips, and its address."""
    async with site() as here:
        for outcome in outcomes:
            await kept(here, outcome)
            for outage in here.probes.find(outcome.probe).outages.add(outcome, 0.0, 0.0):
                here.rig.store.keep_outage(outage)
        yield here, f"http://{here.host}:{here.port}"


async def look(action: Callable[[], None]) -> None:
    """While the browser is asked, the site has to answer."""
    await asyncio.to_thread(action)


async def test_nothing_is_executed_and_nothing_is_missing_on_any_page(browser: Browser) -> None:
    """The browser would complain of each script, style and image that the policy forbids, or that
    is not there."""

    def all_pages() -> None:
        assert browser.complaints is not None  # of earlier pages
        for path in PATHS:
            browser.open(address + path)
            assert (
                browser.evaluate(
                    "return document.querySelectorAll('script, img, iframe, [style]').length"
                )
                == 0
            )
            assert browser.evaluate("return document.styleSheets[0].cssRules.length") > 10
            left = [one for one in browser.complaints if "404" not in one]
            assert left == [], path
        browser.open(f"{address}/trips/{BROKEN.trip}")
        assert browser.text.count(EVIL) >= 4

    async with shown(WELL, BROKEN) as (_, address):
        await look(all_pages)


async def test_a_browser_that_is_lost_finds_home(browser: Browser) -> None:
    def go_home() -> None:
        for path in ("/nowhere", "/nowhere//at/all/", "/trips/", "/x%2Fy/z"):
            browser.open(address + path)
            assert "Not Found" in browser.text, path
            assert browser.evaluate("return document.querySelector('main a').href") == home
            assert browser.evaluate("return document.querySelector('header a').href") == home

    async with shown(WELL) as (_, address):
        home = f"{address}/"
        await look(go_home)


@pytest.mark.parametrize(("width", "path"), [*product((PHONE, DESKTOP), PATHS)])
async def test_no_page_is_wider_than_the_screen(browser: Browser, width: int, path: str) -> None:
    """Tables may be pushed aside inside their own frame; the page may not."""

    def measure() -> None:
        browser.open(address + path, width)
        wide = (
            "return [...document.querySelectorAll('body *')].filter(e => !e.closest('.scroll, pre,"
            " svg') && "
        )
        wide += (
            "e.getBoundingClientRect().right > innerWidth + 0.5).map(e => e.outerHTML.slice(0, 99))"
        )
        assert browser.evaluate("return [innerWidth, document.documentElement.scrollWidth]") == [
            width,
            width,
        ]
        assert browser.evaluate(wide) == []

    async with shown(WELL, BROKEN) as (_, address):
        await look(measure)


async def test_on_a_phone_the_words_of_a_failure_are_seen_without_pushing_anything_aside(
    browser: Browser,
) -> None:
    def measure() -> None:
        browser.open(address, PHONE)
        right = (
            "return Math.max(...[...document.querySelectorAll('.cards *')].map(e =>"
            " e.getBoundingClientRect().right))"
        )
        assert browser.evaluate(right) <= PHONE
        assert str(BROKEN.failure) in browser.text

    async with shown(WELL, BROKEN) as (_, address):
        await look(measure)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_every_text_can_be_read_in_light_and_dark(browser: Browser, dark: bool) -> None:
    def measure() -> None:
        for path in PATHS:
            browser.open(address + path, dark=dark)
            found = browser.evaluate(CONTRAST)
            assert len(found) > 5
            assert found[0][0] >= 4.5, (path, found[0])
            background = browser.evaluate("return getComputedStyle(document.body).backgroundColor")
            assert (background == "rgb(255, 255, 255)") is not dark

    async with shown(WELL, BROKEN) as (_, address):
        await look(measure)


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
async def test_a_matrix_can_be_read_on_every_screen_in_light_and_dark(
    browser: Browser, width: int
) -> None:
    def measure() -> None:
        for dark in (False, True):
            browser.open(address + "/matrices", width, dark=dark)
            found = browser.evaluate(CONTRAST)
            assert found[0][0] >= 4.5, found[0]
            assert browser.evaluate("return document.documentElement.scrollWidth") == width
            cells = "return [...document.querySelectorAll('td.cell')].map(e => e.innerText)"
            assert browser.evaluate(cells) == ["1.25 s", "no trip yet", "junk", "no trip yet"]

    async with site(settings=MATRIX) as here:
        for name, failure in (("own-gmail", None), ("rented-gmail", JUNK)):
            here.probes.find(here.probes.by_name(name)).show(outcome(here, name, failure))
        address = f"http://{here.host}:{here.port}"
        await look(measure)


async def test_the_waterfall_is_drawn_in_the_order_of_time_and_what_broke_is_red(
    browser: Browser,
) -> None:
    def measure() -> None:
        browser.open(f"{address}/trips/{BROKEN.trip}")
        bars = browser.evaluate(BARS)
        assert [name for name, *_ in bars] == ["open", "send", "rcpt", "deliver"]
        for (_, x, width, _), span in zip(bars, SPANS, strict=True):
            assert x == pytest.approx(span.start / BROKEN.duration, abs=0.01)
            assert width == pytest.approx(span.duration / BROKEN.duration, abs=0.01)
        colours = {name: fill for name, _, _, fill in bars}
        assert len(set(colours.values())) == 4
        assert colours["rcpt"] == browser.evaluate(
            "return getComputedStyle(document.querySelector('.bad')).color"
        )

    async with shown(replace(BROKEN, facts=())) as (_, address):
        await look(measure)


async def test_a_click_leads_from_what_is_broken_to_why_and_back(browser: Browser) -> None:
    def click() -> None:
        browser.open(address)
        browser.evaluate("document.querySelector('td .bad ~ a').click()")
        browser.driver.find_element("css selector", ".verdict")
        assert browser.driver.current_url == f"{address}/trips/{BROKEN.trip}"
        assert f"failed: {BROKEN.failure}" in browser.text
        browser.evaluate("document.querySelector('header > a').click()")
        browser.driver.find_element("css selector", ".cards")
        assert browser.driver.current_url == f"{address}/"

    async with shown(WELL, BROKEN) as (_, address):
        browser.driver.implicitly_wait(10)
        await look(click)


async def test_a_search_among_many_probes_works_on_a_phone(browser: Browser) -> None:
    """Without a script, and under the policy, which lets forms lead only to us."""

    def search() -> None:
        browser.open(f"{address}/?page=2", PHONE)
        assert browser.evaluate("return document.documentElement.scrollWidth") == PHONE
        assert browser.evaluate("return document.querySelectorAll('input').length") == 0, (
            "it would be emptied when the page renews itself"
        )
        browser.driver.find_element("css selector", ".search .field").click()
        browser.driver.find_element("css selector", "[type=search]")
        assert browser.evaluate("return document.querySelector('[http-equiv=refresh]')") is None
        typed = browser.driver.switch_to.active_element
        assert typed.get_attribute("id") == "search"
        typed.send_keys("a@example rejected\n")
        browser.driver.find_element("css selector", ".search a")
        asked = f"{address}/?search=a%40example+rejected&refresh=off"
        assert browser.driver.current_url == asked
        assert "1 found" in browser.text
        browser.evaluate("document.querySelector('.search a').click()")
        browser.driver.find_element("css selector", "[rel=next]")
        assert browser.driver.current_url == f"{address}/?refresh=off"
        browser.evaluate("document.querySelector('.orders a:last-child').click()")
        browser.driver.find_element("css selector", ".orders a:last-child[aria-current]")
        assert browser.driver.current_url == f"{address}/?order=availability&refresh=off"

    async with shown(FAILED) as (here, address):
        for number in range(250):
            here.probes.get_or_create(ProbeKey("submission", f"{number}@example.org"))
        browser.driver.implicitly_wait(10)
        await look(search)


async def test_the_page_of_a_trip_under_way_renews_itself_until_it_is_over(
    browser: Browser,
) -> None:
    async with site(delay=None) as here:
        await here.get(SCRAPE, X_Prometheus_Scrape_Timeout_Seconds="0.7")
        probe = here.probes.get_or_create(KEY)
        (trip,) = probe.flights
        await look(lambda: browser.open(f"http://{here.host}:{here.port}/trips/{trip}"))
        await look(lambda: under_way(browser.text))
        here.rig.mailbox.deliver(here.rig.sender.sent[0])
        await until(lambda: not probe.flights)
        async with asyncio.timeout(20):
            while "round trip" not in await asyncio.to_thread(lambda: browser.text):
                await asyncio.sleep(0.2)


def under_way(text: str) -> None:
    assert "in progress" in text
    assert "round trip" not in text
