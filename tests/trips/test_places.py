"""docs/places.md: three mailtrips that share nothing, the examples, and who is told what when one
of them, and then another, does not get its mail through."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.alertmanager import Alertmanager, Webhook
from tests.support.examples import EXAMPLES, alertmanager_example
from tests.support.mailtrip_process import Exporter
from tests.support.ports import free_port
from tests.support.prometheus import Prometheus
from tests.trips.test_alerting import hurried_rules

PLACES = ("berlin", "oslo", "rome")
PROBE = "person@mon.example.org"
CONFIGURATION = """\
mailboxes:
  own: {smtpd: {listen: "127.0.0.1:%(own)d", recipients: [person@mon.example.org]}}
modules:
  each-relay:
    interval: 1s
    session_timeout: 5s
    targets: ["*@mon.example.org"]
    roundtrip:
      from: probe@mon.example.org
      send: {smtp: {host: 127.0.0.1, port: %(relay)d, tls: none}}
      mailbox: own
probes:
  - {name: relay, module: each-relay, target: person@mon.example.org}
"""


class Place:
    """A mailtrip whose way to the relay can be broken."""

    def __init__(self, name: str, directory: Path) -> None:
        self.name = name
        self._own = free_port()
        self.exporter = Exporter(self._configuration(self._own), directory / name)

    def break_its_network(self) -> None:
        self.exporter.configure(self._configuration(free_port()))
        status, words = self.exporter.reload()
        assert status == 200, words

    def _configuration(self, relay: int) -> str:
        return CONFIGURATION % {"own": self._own, "relay": relay}


@pytest.fixture
def oslo(servers: None, tmp_path: Path) -> Iterator[Place]:
    place = Place("oslo", tmp_path)
    yield place
    place.exporter.kill()


@pytest.fixture
def places(oslo: Place, tmp_path: Path) -> Iterator[dict[str, Place]]:
    others = [Place(name, tmp_path) for name in PLACES if name != oslo.name]
    yield {place.name: place for place in (oslo, *others)}
    for place in others:
        place.exporter.kill()


def example(places: dict[str, Place], alertmanager: str, rules: str) -> dict[str, Any]:
    """The example, in a hurry, with the addresses of this test."""
    text = (EXAMPLES / "places.yml").read_text(encoding="utf-8")
    for name, place in places.items():
        theirs = f"mailtrip.{name}.example.org:10925"
        assert theirs in text
        text = text.replace(theirs, place.exporter.address)
    content: dict[str, Any] = yaml.safe_load(text.replace("localhost:9093", alertmanager))
    content["global"] = {
        "scrape_interval": "1s",
        "scrape_timeout": "1s",
        "evaluation_interval": "1s",
    }
    content["rule_files"] = [rules]
    mail = content["scrape_configs"][1]
    for scraped in mail["static_configs"]:
        scraped["targets"] = [PROBE]
    # Its addresses differ by the name of the place; here, by the port.
    (by_place,) = [rule for rule in mail["relabel_configs"] if "$1" in rule.get("replacement", "")]
    at = mail["relabel_configs"].index(by_place)
    mail["relabel_configs"][at : at + 1] = [
        by_place | {"regex": name, "replacement": place.exporter.address}
        for name, place in places.items()
    ]
    return content


def in_a_hurry(webhook: str) -> str:
    """The example for Alertmanager, grouped for several places as it says."""
    content = alertmanager_example(webhook)
    content["route"] |= {"group_wait": "6s", "group_interval": "1s"}
    content["route"]["group_by"] = ["job", "probe", "mailbox"]
    return json.dumps(content)


@pytest.mark.first
@pytest.mark.timeout(300)
async def test_a_place_that_fails_alone_is_a_warning_and_most_of_them_are_one_page(
    places: dict[str, Place],
    webhook: Webhook,
    prometheus: Callable[[str], Prometheus],
    alertmanager: Callable[[str], Alertmanager],
    tmp_path: Path,
) -> None:
    (tmp_path / "rules").mkdir()
    manager = await asyncio.to_thread(alertmanager, in_a_hurry(webhook.url))
    content = example(places, manager.address, hurried_rules(tmp_path / "rules"))
    server = await asyncio.to_thread(prometheus, json.dumps(content))
    # From each place by /metrics, and by /probe.
    await server.wait_for("count(mailtrip_consecutive_failures == 0) == 6")
    await server.wait_for("count(place:mailtrip_path:info) == 6 + 3")  # three mailboxes

    await asyncio.to_thread(places["berlin"].break_its_network)
    some = "MailtripFailingInSomePlaces"
    notice = await webhook.wait_for(some, "firing")
    assert notice.where in ("postmaster", "network")
    await server.wait_for(f'count(ALERTS{{alertname="{some}", alertstate="firing"}}) == 2')
    await server.wait_for('count(ALERTS{alertname="MailtripFailing", alertstate="firing"}) == 2')
    await asyncio.sleep(8)  # longer than group_wait
    told = {(one.name, one.where) for one in webhook.notices}
    assert told == {(some, "postmaster"), (some, "network")}
    summaries = {one.annotations["summary"] for one in webhook.notices if one.name == some}
    assert summaries == {f"{of} fails in 1 of 3 places: berlin" for of in ("relay", PROBE)}

    await asyncio.to_thread(places["rome"].break_its_network)
    most = "MailtripFailingInMostPlaces"
    notice = await webhook.wait_for(most, "firing")
    await server.wait_for(f'count(ALERTS{{alertname="{most}", alertstate="firing"}}) == 2')
    await asyncio.sleep(8)
    pages = {
        (one.name, one.where, one.annotations["summary"])
        for one in webhook.notices
        if one.where not in ("postmaster", "network")
    }
    assert pages == {
        (most, where, f"{of} fails in 2 of 3 places: berlin, rome")
        for where, of in (("on-call", "relay"), ("network-on-call", PROBE))
    }
    assert all(one.name in (some, most) for one in webhook.notices)


def federation(place: Prometheus) -> dict[str, Any]:
    """The job that docs/places.md shows, for one place."""
    page = (EXAMPLES.parent / "docs/places.md").read_text(encoding="utf-8")
    (block,) = [part for part in page.split("```yaml")[1:] if "federate" in part]
    (job,) = yaml.safe_load(block.partition("```")[0])["scrape_configs"]
    job["static_configs"] = [{"targets": [place.url.removeprefix("http://")]}]
    job["scrape_interval"] = "1s"
    return dict(job)


@pytest.mark.timeout(120)
async def test_a_place_with_its_own_prometheus_is_federated_with_its_label(
    oslo: Place, prometheus: Callable[[str], Prometheus], tmp_path: Path
) -> None:
    (tmp_path / "rules").mkdir()
    rules = hurried_rules(tmp_path / "rules")
    hurry = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    target = [{"targets": [oslo.exporter.address]}]
    own = {"scrape_configs": [{"job_name": "mailtrip", "static_configs": target}]}
    own["global"] = hurry | {"external_labels": {"location": "oslo"}}  # type: ignore[assignment]
    there = await asyncio.to_thread(prometheus, json.dumps(own))
    central = {"global": hurry, "rule_files": [rules], "scrape_configs": [federation(there)]}
    server = await asyncio.to_thread(prometheus, json.dumps(central))
    await server.wait_for('place:mailtrip_path:info{location="oslo", probe="relay"}')
    await server.wait_for('up{job="mailtrip", location="oslo"} == 1')
    (scraped,) = await server.wait_for("job:mailtrip_scraped:info")
    assert (scraped.labels["job"], scraped.labels["location"]) == ("mailtrip", "oslo")
