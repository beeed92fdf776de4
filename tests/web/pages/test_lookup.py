"""The form for look-ups and its answer in a real browser: without script, by keyboard, on a
phone."""

import time

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.support.axe import breaches
from tests.support.chromium import DESKTOP, PHONE, Browser
from tests.support.lookup_site import lookup_site
from tests.support.name_server import Zone, name_server
from tests.web.test_chromium import look
from tests.web.test_lookups_now import HOUR, LISTS, ZONE, check, happened

LONG = "x" * 250
EVIL = f'"<script>document.title=1</script> http://bl.example/{LONG[:90]}?a=<b>"'
BAD: Zone = {
    **ZONE,
    "9.2.0.192.bl.example": {"A": ["127.0.0.3"], "TXT": [EVIL, f'"{LONG}"']},
    "bad.test": {"A": ["192.0.2.9", "192.0.2.1"], "MX": ["10 bad.test."]},
}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESKTOP])
async def test_a_name_is_looked_up_by_keyboard_and_the_answer_can_be_read(
    browser: Browser, width: int, dark: bool
) -> None:
    def look_up() -> None:
        browser.open(f"{address}/", width, dark=dark)
        assert breaches(browser) == []
        assert browser.driver.find_element(By.NAME, "what").is_displayed()
        link = browser.driver.find_element(By.LINK_TEXT, "page for look-ups")
        browser.press(link, Keys.ENTER)
        assert browser.evaluate("return document.querySelector('[http-equiv=refresh]')") is None
        field = browser.driver.switch_to.active_element
        assert field.get_attribute("name") == "what", "a page that does not renew itself"
        browser.press(field, "bad.test", Keys.ENTER)
        assert "Is bad.test on a blocklist?" in browser.text
        assert "listed since" in browser.text
        assert "how to be delisted" in browser.text
        assert "No probe checks 192.0.2.1" in browser.text
        assert browser.driver.title == "bad.test on blocklists · mailtrip"
        assert breaches(browser) == []
        screen = "return [innerWidth, document.documentElement.scrollWidth]"
        assert browser.evaluate(screen) == [width, width]
        if width == PHONE:
            right = (
                "return Math.max(...[...document.querySelectorAll('.cards *')].map(e =>"
                " e.getBoundingClientRect().right))"
            )
            assert browser.evaluate(right) <= PHONE
        assert browser.complaints == []

    now = time.time()
    checks = [check(n, now - (9 - n) * HOUR, bl="listed" if n > 4 else "clean") for n in range(9)]
    async with name_server(BAD) as dns, lookup_site(dns, LISTS, "192.0.2.9") as here:
        await happened(here, *checks)
        address = here.address
        await look(look_up)
