"""A failure on a page leads to its runbook and to what it means, where the documentation is."""

import re
import tomllib

import pytest

from exporter.core.reasons import Reason
from exporter.web.pages.documentation import SITE, explanation, runbook, runbook_of
from tests.documents.test_links import anchors
from tests.support.tree import ROOT


def test_the_address_of_the_documentation_is_the_one_that_rules_and_the_package_name() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["urls"]["Documentation"] == SITE
    rules = (ROOT / "dashboards/rules/mailtrip.alerts.yml").read_text(encoding="utf-8")
    for reason in Reason:
        assert f"runbook_url: {runbook(reason)}\n" in rules


def test_each_place_that_a_page_leads_to_exists() -> None:
    templates = (ROOT / "exporter/web/pages/templates").glob("*.html")
    text = "".join(one.read_text(encoding="utf-8") for one in templates)
    places = re.findall(r'documented\("([^"]*)"\)', text)
    assert places
    for place in places:
        page, _, heading = place.partition("#")
        assert (ROOT / "docs" / page).exists(), place
        assert not heading or heading in anchors(ROOT / "docs" / page), place


@pytest.mark.parametrize("reason", Reason)
def test_each_reason_is_explained_on_a_page_that_exists(reason: Reason) -> None:
    page, _, heading = explanation(reason).removeprefix(SITE).partition("#")
    assert heading in anchors(ROOT / "docs" / page)


def test_the_reasons_of_an_outage_lead_to_their_runbook_if_they_are_known() -> None:
    assert runbook_of("verify/junk") == f"{SITE}alerts.md#mailtripmailjunked"
    assert runbook_of("send/of_another_version") == ""
