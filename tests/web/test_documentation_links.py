"""A failure on a page leads to its runbook and to what it means, where the documentation is."""

import re
import tomllib
from pathlib import Path

import pytest

from exporter.core.reasons import Reason
from exporter.web.pages.documentation import SITE, explanation, runbook, runbook_of

ROOT = Path(__file__).resolve().parents[2]


def test_the_address_of_the_documentation_is_the_one_that_rules_and_the_package_name() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["urls"]["Documentation"] == SITE
    rules = (ROOT / "dashboards/rules/mailtrip.alerts.yml").read_text(encoding="utf-8")
    for reason in Reason:
        assert f"runbook_url: {runbook(reason)}\n" in rules


def headings_of(page: str) -> list[str]:
    """As addresses have them."""
    return [
        "".join(c for c in line.lstrip("# ").lower().replace(" ", "-") if c.isalnum() or c == "-")
        for line in (ROOT / "docs" / page).read_text(encoding="utf-8").splitlines()
        if line.startswith("#")
    ]


def test_each_place_that_a_page_leads_to_exists() -> None:
    templates = (ROOT / "exporter/web/pages/templates").glob("*.html")
    text = "".join(one.read_text(encoding="utf-8") for one in templates)
    places = re.findall(r'documented\("([^"]*)"\)', text)
    assert places
    for place in places:
        page, _, heading = place.partition("#")
        assert not heading or heading in headings_of(page), place


@pytest.mark.parametrize("reason", Reason)
def test_each_reason_is_explained_on_a_page_that_exists(reason: Reason) -> None:
    page, _, heading = explanation(reason).removeprefix(SITE).partition("#")
    assert heading in headings_of(page)


def test_the_reasons_of_an_outage_lead_to_their_runbook_if_they_are_known() -> None:
    assert runbook_of("verify/junk") == f"{SITE}alerts.md#mailtripmailjunked"
    assert runbook_of("send/of_another_version") == ""
