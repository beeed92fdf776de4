"""A real Chromium, which draws the pages and tells what it sees. Selenium drives it, with Debian's
driver."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

PROGRAM, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
FLAGS = (
    *(
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
    ),
    *(
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ),
)
DESKTOP, PHONE = 1280, 360  # pixels


class Browser:
    """One window. Its methods wait until a page is drawn."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def open(self, address: str, width: int = DESKTOP, *, dark: bool = False) -> None:
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width == PHONE}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        self.driver.get(address)
        self._wait()

    def press(self, element: WebElement, *keys: str) -> None:
        """Presses keys in an element, and waits for the page that they lead to."""
        self.driver.execute_script("window.left = true")
        element.send_keys(*keys)
        # Between two pages the driver answers with errors of many kinds.
        wait = WebDriverWait(self.driver, 60, 0.02, ignored_exceptions=[WebDriverException])
        wait.until(lambda driver: driver.execute_script("return !window.left"))
        self._wait()

    def evaluate(self, script: str, *arguments: Any) -> Any:
        """What a script says of the page. It runs beside the page, which may run none."""
        self._wait()
        return self.driver.execute_script(script, *arguments)

    def _wait(self) -> None:
        """The driver sometimes returns from `get` before the page has its style sheet."""
        complete = "return document.readyState === 'complete'"
        WebDriverWait(self.driver, 30, 0.02).until(lambda driver: driver.execute_script(complete))

    @property
    def text(self) -> str:
        """What a reader sees."""
        return str(self.evaluate("return document.body.innerText"))

    @property
    def complaints(self) -> list[str]:
        """What the browser has to say of the pages since the last time: what is missing, or
        forbidden to them."""
        return [str(entry["message"]) for entry in self.driver.get_log("browser")]  # type: ignore[no-untyped-call]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Runs until the end of the block."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(PROGRAM)
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, Service(str(DRIVER)))
    try:
        yield Browser(driver)
    finally:
        driver.quit()
