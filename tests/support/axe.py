"""What axe-core finds on a page: breaches of WCAG 2.2, level AA, that a machine can see."""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from json import dumps

from tests.support.chromium import Browser

RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
"""Their tags. Target sizes are only checked if they are named."""


@cache
def axe_core() -> str:
    """Its script."""
    return (files("selenium_axe_python") / "axe-core/axe.min.js").read_text(encoding="utf-8")


def breaches(browser: Browser, without: Sequence[str] = ()) -> list[str]:
    """Each breach on the page that is shown, with the element. It leaves out the rules `without`."""
    options = {
        "runOnly": {"type": "tag", "values": RULES},
        "rules": {rule: {"enabled": False} for rule in without},
        "resultTypes": ["violations"],
    }
    browser.evaluate(axe_core())
    found = browser.driver.execute_async_script(
        f"const done = arguments[arguments.length - 1]; axe.run(document, {dumps(options)})"
        ".then(result => done(result.violations.flatMap(rule => rule.nodes.map(node =>"
        " `${rule.id}: ${rule.help}: ${node.html.slice(0, 160)}`))), error => done([`${error}`]))"
    )
    return list(found)
