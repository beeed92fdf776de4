"""What axe-core finds on a page: breaches of WCAG 2.2, level AA, that a machine can see."""

from functools import cache
from importlib.resources import files
from json import dumps

from tests.support.chromium import Browser

RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
"""Their tags. Target sizes are only checked if they are named."""
PAUSABLE = "return [...document.links].some(one => one.innerText == 'pause')"
"""A page may renew itself if it has a link that stops it, of which the rule `meta-refresh` knows
nothing."""


@cache
def axe_core() -> str:
    """Its script."""
    return (files("selenium_axe_python") / "axe-core/axe.min.js").read_text(encoding="utf-8")


def breaches(browser: Browser) -> list[str]:
    """Each breach on the page that is shown, with the element."""
    options = {
        "runOnly": {"type": "tag", "values": RULES},
        "rules": {"meta-refresh": {"enabled": not browser.evaluate(PAUSABLE)}},
        "resultTypes": ["violations"],
    }
    browser.evaluate(axe_core())
    found = browser.driver.execute_async_script(
        f"const done = arguments[arguments.length - 1]; axe.run(document, {dumps(options)})"
        ".then(result => done(result.violations.flatMap(rule => rule.nodes.map(node =>"
        " `${rule.id}: ${rule.help}: ${node.html.slice(0, 160)}`))), error => done([`${error}`]))"
    )
    return list(found)
