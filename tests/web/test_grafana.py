"""Links from the page of a probe to its dashboard in Grafana."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from exporter.core.model import ProbeKey
from exporter.web.grafana import FLAG, NO_GRAFANA, ONE_PROBE, Grafana
from exporter.web.pages.pages import Pages, PageSettings
from tests.support.http_site import GOOD, site
from tests.support.tree import ROOT

KEY = ProbeKey("submission", "a+b&c@example.org")
AWKWARD = 'a b&var-job=x#"<é/'


def chosen(link: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(link).query, keep_blank_values=True)


@pytest.mark.parametrize("url", ["https://g.example.org", "http://[::1]:3000/grafana/"])
def test_a_probe_is_chosen_by_its_name_or_else_by_its_target(url: str) -> None:
    grafana = Grafana.from_flag(url)
    named = grafana.dashboard_of(KEY, AWKWARD)
    assert named.startswith(f"{url.rstrip('/')}/d/{ONE_PROBE}?var-probe=a%20b%26")
    assert chosen(named) == {"var-probe": [AWKWARD]}
    assert chosen(grafana.dashboard_of(KEY, None)) == {
        "var-instance": [KEY.target],
        "var-probe": [""],
    }


def test_the_dashboard_and_its_variables_exist() -> None:
    shipped = json.loads((ROOT / "dashboards/one-probe.json").read_text())
    variables = {one["name"] for one in shipped["templating"]["list"]}
    assert shipped["uid"] == ONE_PROBE
    assert {"instance", "probe"} <= variables


def test_without_the_flag_there_is_no_link() -> None:
    assert Grafana.from_flag(None) == NO_GRAFANA
    assert NO_GRAFANA.dashboard_of(KEY, "name") == ""


@pytest.mark.parametrize(
    "url", ["grafana.example.org", "javascript:alert(1)", "https://", "https://a:b@c.example"]
)
def test_what_is_no_address_of_grafana_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=FLAG) as refused:
        Grafana.from_flag(url)
    assert "a:b" not in str(refused.value)


async def test_the_page_of_a_probe_has_the_link_only_with_the_flag() -> None:
    async with site() as here:
        await here.get(GOOD)
        probe = next(iter(here.probes))
        link = Grafana("https://g.example.org").dashboard_of(probe.key, probe.name)
        for grafana, there in ((Grafana("https://g.example.org"), True), (NO_GRAFANA, False)):
            pages = Pages(
                here.probes,
                here.rig.store,
                here.rig.watchers,
                here.rig.clock.wall,
                settings=PageSettings(grafana=grafana),
            )
            page = await pages.trips(probe.key)
            assert (f'<a href="{link.replace("&", "&amp;")}">' in page) == there
            assert ("Grafana" in page) == there
