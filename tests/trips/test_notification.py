"""How soon somebody knows: the shipped rules and examples as they are, in real time.

docs/alerts.md, "How soon", says where the seconds go.
"""

import asyncio
import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab.client import Lab, LabUser
from tests.support.alertmanager import Alertmanager, Notice, Webhook
from tests.support.examples import alertmanager_example, prometheus_example
from tests.support.mailtrip_process import Exporter
from tests.support.prometheus import Prometheus

ROOT = Path(__file__).resolve().parents[2]
AT_MOST = 120.0  # seconds, docs/alerts.md

CONFIGURATION = """\
resolver: {{nameservers: ["{dns}"]}}

mailboxes:
  own: {{smtpd: {{listen: "{mon}:2525", recipients: [monitor@mon.test, probe@mon.test]}}}}
  monitor: {{imap: {{host: imap.lab.test, ca_file: {ca}, username: {user}, password: {password}}}}}

modules:
  sending: &module
    interval: 5m
    targets: ["*@lab.test", "*@mon.test"]
    roundtrip: &trip
      from: probe@mon.test
      send: {{smtp: {{host: relay.lab.test, port: 587, ca_file: {ca}, username: probe,
          password: {password}}}}}
      mailbox: own
  reading: {{<<: *module, roundtrip: {{<<: *trip, send: {{mx: {{source_address: {mon}}}}},
      mailbox: monitor}}}}

probes:
  - {{name: sender, module: sending, target: monitor@mon.test}}
  - {{name: reader, module: reading, target: {user}@lab.test}}
"""


@pytest.fixture
def exporter(lab: Lab, lab_user: LabUser, tmp_path: Path) -> Iterator[Exporter]:
    values = {"mon": lab.mon_ip, "user": lab_user.name, "password": lab.password}
    configuration = CONFIGURATION.format(dns=lab.dns, ca=lab.ca, **values)
    exporter = Exporter(configuration, tmp_path / "mailtrip", "--web.enable-admin-api")
    yield exporter
    exporter.kill()


def trip_now(exporter: Exporter, probe: str) -> None:
    """What the scheduler does within the next five minutes."""
    request = urllib.request.Request(
        f"http://{exporter.address}/api/v1/trips",
        data=json.dumps({"probe": probe}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 202


async def first_notice(webhook: Webhook, name: str) -> tuple[Notice, float]:
    return await webhook.wait_for(name, "firing"), time.time()


@pytest.mark.first
@pytest.mark.timeout(300)
async def test_an_outage_is_told_in_two_minutes_and_a_dead_mailbox_once(
    exporter: Exporter,
    lab: Lab,
    webhook: Webhook,
    prometheus: Callable[[str], Prometheus],
    alertmanager: Callable[[str], Alertmanager],
) -> None:
    manager = await asyncio.to_thread(alertmanager, json.dumps(alertmanager_example(webhook.url)))
    scrapes = prometheus_example(exporter.address, manager.address, "sending", "monitor@mon.test")
    scrapes["rule_files"] = [str(ROOT / "dashboards/rules/mailtrip.*.yml")]
    del scrapes["scrape_configs"][1]  # each probe is scraped in one way
    server = await asyncio.to_thread(prometheus, json.dumps(scrapes))
    await server.wait_for("count(mailtrip_consecutive_failures == 0) == 2")

    await asyncio.gather(*(asyncio.to_thread(lab.stop, one) for one in ("relay", "imap")))
    began = time.time()
    for probe in ("sender", "reader"):
        await asyncio.to_thread(trip_now, exporter, probe)
    (failing, at), (unwatched, then) = await asyncio.gather(
        first_notice(webhook, "MailtripFailing"), first_notice(webhook, "MailtripMailboxUnwatched")
    )
    assert failing.where == unwatched.where == "on-call"
    assert (failing.labels["probe"], unwatched.labels["mailbox"]) == ("sender", "monitor")
    words = "sender: mailtrip cannot connect to the server (send/connect: connect)"
    assert failing.annotations["summary"] == words
    assert "(open/connect: connect)" in unwatched.annotations["summary"]
    assert "Probes that wait for it: 1" in unwatched.annotations["description"]
    starts = await server.wait_for("mailtrip_outage_start_timestamp_seconds")
    assert {sample.labels["probe"] for sample in starts} == {"sender", "reader"}
    assert all(began - 1 < sample.value < began + 5 for sample in starts)
    assert max(at, then) - began < AT_MOST

    # The trips of the dead mailbox fire as well, and nobody hears of them.
    firing = 'count(ALERTS{alertname="MailtripFailing", alertstate="firing", probe="reader"})'
    await server.wait_for(firing)
    await asyncio.sleep(12)  # longer than group_wait
    names = [(notice.name, notice.labels.get("probe")) for notice in webhook.notices]
    assert sorted(names, key=str) == [
        ("MailtripFailing", "sender"),
        ("MailtripMailboxUnwatched", None),
    ]
