"""The pages as people with a screen reader, a keyboard or a phone meet them: WCAG 2.2, by axe-core in a
real browser."""

from collections.abc import Iterator

import pytest

from tests.support.axe import breaches
from tests.support.chromium import DESKTOP, PHONE, Browser, chromium
from tests.web.test_chromium import BROKEN, PATHS, WELL, look, shown

PAUSABLE = ("meta-refresh",)
"""A page that renews itself has to offer a link that stops it, which this rule does not know."""


@pytest.fixture(scope="module")
def browser(servers: None) -> Iterator[Browser]:
    with chromium() as one:
        yield one


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESKTOP])
async def test_no_page_breaches_what_a_machine_can_check(
    browser: Browser, width: int, dark: bool
) -> None:
    def check() -> None:
        for path in PATHS:
            browser.open(address + path, width, dark=dark)
            assert breaches(browser, without=PAUSABLE) == [], path

    async with shown(WELL, BROKEN) as (_, address):
        await look(check)


async def test_axe_core_is_awake(browser: Browser) -> None:
    def check() -> None:
        browser.open(f"{address}/outages")
        browser.evaluate("document.querySelector('h1').style.color = '#eee'")
        assert any(one.startswith("color-contrast") for one in breaches(browser))

    async with shown() as (_, address):
        await look(check)
