"""A failure on a page leads to its runbook and to what it means, where the documentation is."""

import re
import tomllib

import pytest

from exporter.core.reasons import Reason
from exporter.web.pages.documentation import FLAG, SITE, Documentation, runbook, runbook_of
from exporter.web.pages.pages import Pages, PageSettings
from tests.documents.test_links import anchors
from tests.support.http_site import site
from tests.support.tree import ROOT


def test_the_address_of_the_documentation_is_the_one_that_rules_and_the_package_name() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["urls"]["Documentation"] == SITE
    rules = (ROOT / "dashboards/rules/mailtrip.alerts.yml").read_text(encoding="utf-8")
    for reason in Reason:
        assert f"runbook_url: {SITE}{runbook(reason)}\n" in rules


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
    page, _, heading = reason.documentation.partition("#")
    assert heading in anchors(ROOT / "docs" / page)


@pytest.mark.parametrize("url", ["https://wiki.example.org/mail", "http://[::1]:8000/docs/"])
async def test_every_link_to_the_documentation_leads_where_the_flag_says(url: str) -> None:
    async with site() as here:
        pages = Pages(
            here.probes,
            here.rig.store,
            here.rig.watchers,
            here.rig.clock.wall,
            settings=PageSettings(documentation=Documentation.from_flag(url)),
        )
        page = await pages.overview()
        assert f'<a href="{url.rstrip("/")}/">documentation</a>' in page
        assert SITE not in page


def test_without_the_flag_links_lead_to_the_published_documentation() -> None:
    assert Documentation.from_flag(None).link("cli.md#x") == f"{SITE}cli.md#x"


@pytest.mark.parametrize(
    "url", ["wiki.example.org", "javascript:alert(1)", "https://a:b@c.example"]
)
def test_what_is_no_address_of_the_documentation_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=FLAG) as refused:
        Documentation.from_flag(url)
    assert "a:b" not in str(refused.value)


def test_the_reasons_of_an_outage_lead_to_their_runbook_if_they_are_known() -> None:
    assert runbook_of("verify/junk") == "alerts.md#mailtripmailjunked"
    assert runbook_of("send/of_another_version") == ""
