"""The pages as people with a screen reader, a keyboard or a phone meet them: WCAG 2.2, by axe-core
in a real browser."""

from dataclasses import replace
from urllib.parse import urlencode

import pytest
from selenium.webdriver.common.keys import Keys

from tests.support.axe import breaches
from tests.support.chromium import DESKTOP, PHONE, Browser
from tests.support.http_site import site
from tests.web.pages.test_overview import EXAMPLE
from tests.web.test_chromium import BROKEN, OTHER, PATHS, WELL, look, shown


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESKTOP])
async def test_no_page_breaches_what_a_machine_can_check(
    browser: Browser, width: int, dark: bool
) -> None:
    def check() -> None:
        for path in PATHS:
            browser.open(address + path, width, dark=dark)
            assert breaches(browser) == [], path

    async with shown(WELL, BROKEN) as (_, address):
        await look(check)


async def test_a_start_page_that_is_paused_breaches_nothing_at_all(browser: Browser) -> None:
    def check() -> None:
        browser.open(f"{address}/")
        browser.driver.find_element("link text", "pause").click()
        assert breaches(browser) == []
        assert "resume" in browser.text

    async with shown(WELL, BROKEN) as (_, address):
        await look(check)


async def test_the_first_key_leads_past_the_header_and_all_of_a_start_page_is_reached_by_keyboard(
    browser: Browser,
) -> None:
    reachable = "a[href], button, select, input:not([type=hidden])"

    def press() -> None:
        browser.open(f"{address}/?search=example")
        wanted = browser.evaluate(
            f"return [...document.querySelectorAll('{reachable}')].map(one => one.outerHTML)"
        )
        reached = []
        for number in range(len(wanted)):
            browser.driver.switch_to.active_element.send_keys(Keys.TAB)
            seen = browser.evaluate(
                "const one = document.activeElement, style = getComputedStyle(one);"
                "return [one.outerHTML, style.outlineStyle, one.getBoundingClientRect().left]"
            )
            reached.append(seen[0])
            assert seen[1] != "none", seen
            assert seen[2] >= 0, "it is on the screen"
            assert ("Skip" in seen[0]) is (number == 0)
        assert reached == wanted
        browser.evaluate("document.querySelector('.skip').focus()")
        browser.driver.switch_to.active_element.send_keys(Keys.ENTER)
        assert browser.evaluate("return document.activeElement.id") == "main"

    async with shown(WELL, BROKEN) as (_, address):
        await look(press)


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
async def test_the_start_page_of_a_first_visit_breaches_nothing(
    browser: Browser, width: int
) -> None:
    def check() -> None:
        for dark in (False, True):
            browser.open(f"{address}/", width, dark=dark)
            assert "This is a demonstration" in browser.text
            assert "imap.example.org" not in browser.text
            browser.driver.find_element("tag name", "summary").click()
            assert "imap.example.org" in browser.text
            assert breaches(browser) == []
            assert browser.evaluate("return document.documentElement.scrollWidth") == width

    async with site(demonstration=EXAMPLE) as here:
        address = f"http://{here.host}:{here.port}"
        await look(check)


async def test_axe_core_is_awake(browser: Browser) -> None:
    def check() -> None:
        browser.open(f"{address}/outages")
        browser.evaluate("document.querySelector('h1').style.color = '#eee'")
        assert any(one.startswith("color-contrast") for one in breaches(browser))
        browser.open(f"{address}/")
        browser.evaluate("for (const one of document.links) one.innerText = 'link'")
        assert any(one.startswith("meta-refresh") for one in breaches(browser))

    async with shown() as (_, address):
        await look(check)


OUTAGE = [
    replace(one, trip=f"{number:014x}", probe=OTHER, started_at=WELL.started_at + 60 * number)
    for number, one in enumerate([*[WELL] * 4, BROKEN, BROKEN, *[WELL] * 4])
]
OF_THE_OUTAGE = (
    f"/trips/{OUTAGE[4].trip}",
    f"/trips/{OUTAGE[6].trip}",
    f"/trips?{urlencode({'module': OTHER.module, 'target': OTHER.target})}",
    f"/outages?{urlencode({'module': OTHER.module, 'target': OTHER.target})}",
    f"/outages/{OUTAGE[4].trip}",
)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESKTOP])
async def test_the_pages_of_an_outage_and_its_trips_breach_nothing_either(
    browser: Browser, width: int, dark: bool
) -> None:
    def check() -> None:
        for path in OF_THE_OUTAGE:
            browser.open(address + path, width, dark=dark)
            assert breaches(browser) == [], path
            assert browser.evaluate("return document.documentElement.scrollWidth") == width, path
            if "outages?" not in path:
                assert (
                    browser.evaluate("return document.querySelectorAll('.delays use').length") == 2
                )

    async with shown(*OUTAGE) as (_, address):
        await look(check)


async def test_all_links_of_a_trip_are_reached_by_keyboard_in_their_order(browser: Browser) -> None:
    """And nothing else is: a reader who presses Tab is never in a place that does nothing."""

    def press() -> None:
        browser.open(f"{address}/trips/{OUTAGE[4].trip}")
        links = browser.evaluate("return [...document.links].map(one => one.href)")
        assert f"{address}/trips/{OUTAGE[5].trip}" in links
        reached = []
        for _ in links:
            browser.driver.switch_to.active_element.send_keys(Keys.TAB)
            reached.append(browser.evaluate("return document.activeElement.href"))
            outline = browser.evaluate(
                "return getComputedStyle(document.activeElement).outlineStyle"
            )
            assert outline != "none", "it is seen where the focus is"
        assert reached == links

    async with shown(*OUTAGE) as (_, address):
        await look(press)


async def test_on_a_phone_each_part_of_the_waterfall_is_seen_whole(browser: Browser) -> None:
    def measure() -> None:
        browser.open(f"{address}/trips/{OUTAGE[4].trip}", PHONE)
        hidden = browser.evaluate(
            "return [...document.querySelectorAll('.waterfall tbody :is(th, td)')].filter(one =>"
            " !one.checkVisibility() || one.getBoundingClientRect().right > innerWidth"
            " || one.scrollWidth > one.clientWidth).map(one => one.outerHTML)"
        )
        assert hidden == []
        assert "rejected" in browser.evaluate(
            "return document.querySelector('.waterfall').innerText"
        )

    async with shown(*OUTAGE) as (_, address):
        await look(measure)
