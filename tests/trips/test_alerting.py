"""End to end: real mail servers break, and the right words reach whoever is on call.

mailtrip, Prometheus and Alertmanager are real, and so are the rules and the examples. Only what
would make the test take an hour is changed: intervals, and how long alerts wait and keep firing.
"""

import asyncio
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from dashboards.causes import cause_of, impact
from tests.commands.test_cli import mailtrip
from tests.lab.client import Lab, LabUser
from tests.support.alertmanager import Alertmanager, Webhook
from tests.support.examples import alertmanager_example, prometheus_example
from tests.support.mailtrip_process import Exporter
from tests.support.prometheus import BINARIES, NEWER, Prometheus

pytestmark = pytest.mark.first

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "dashboards/rules"
EACH_VERSION = pytest.mark.parametrize(
    "prometheus",
    [
        pytest.param(BINARIES, id="debian"),
        pytest.param(NEWER, id="newer", marks=pytest.mark.newer),
    ],
    indirect=True,
)
# How much shorter each time in the rules is. 5 minutes, an interval, become two seconds. An alert
# that keeps firing, until the trips of a mailbox that is back have succeeded, leaves them more
# time: trips and scrapes do not become faster.
SHORTER = {"for": 150, "keep_firing_for": 50}

CONFIGURATION = """\
resolver: {{nameservers: ["{dns}"]}}

mailboxes:
  monitor: {{imap: {{host: imap.lab.test, ca_file: {ca}, username: {user}, password: {password}}}}}

modules:
  submission:
    interval: 2s
    timeout: 10s
    session_timeout: 2s
    targets: ["*@lab.test"]
    roundtrip:
      from: probe@lab.test
      send: {{smtp: {{host: relay.lab.test, port: 587, ca_file: {ca}, username: probe,
          password: {password}}}}}
      mailbox: monitor

probes:
  - {{name: relay, module: submission, target: {user}@lab.test}}
"""


def in_seconds(duration: str) -> int:
    number, unit = re.fullmatch(r"(\d+)([smh])", duration).groups()  # type: ignore[union-attr]
    return int(number) * {"s": 1, "m": 60, "h": 3600}[unit]


def hurried_rules(directory: Path) -> str:
    """The rules in a directory of their own; a pattern that finds them."""
    for file in RULES.glob("*.yml"):
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        for group in content["groups"]:
            group.pop("interval", None)
        for rule in (rule for group in content["groups"] for rule in group["rules"]):
            for wait in rule.keys() & SHORTER.keys():
                rule[wait] = f"{in_seconds(rule[wait]) * 1000 // SHORTER[wait]}ms"
        (directory / file.name).write_text(json.dumps(content))
    return str(directory / "mailtrip.*.yml")


def scrapes(address: str, alertmanager: str, rules: str, target: str) -> str:
    """The example for Prometheus, in a hurry."""
    content = prometheus_example(address, alertmanager, "submission", target)
    content["global"] = {
        "scrape_interval": "1s",
        "scrape_timeout": "1s",
        "evaluation_interval": "1s",
    }
    content["rule_files"] = [rules]
    return json.dumps(content)


def routes(webhook: str) -> str:
    """The example for Alertmanager, in a hurry."""
    content = alertmanager_example(webhook)
    content["route"] |= {"group_wait": "6s", "group_interval": "1s"}
    return json.dumps(content)


@dataclass
class Watched:
    """Everything that runs."""

    exporter: Exporter
    prometheus: Prometheus
    alertmanager: Alertmanager
    webhook: Webhook


@pytest.fixture
def exporter(lab: Lab, lab_user: LabUser, tmp_path: Path) -> Iterator[Exporter]:
    values = {"dns": lab.dns, "ca": lab.ca, "user": lab_user.name, "password": lab.password}
    exporter = Exporter(CONFIGURATION.format(**values), tmp_path / "mailtrip")
    yield exporter
    exporter.kill()


@pytest.fixture
async def watched(
    exporter: Exporter,
    lab_user: LabUser,
    webhook: Webhook,
    prometheus: Callable[[str], Prometheus],
    alertmanager: Callable[[str], Alertmanager],
    tmp_path: Path,
) -> Watched:
    """All is well, and Prometheus knows."""
    (tmp_path / "rules").mkdir()
    told = await asyncio.to_thread(alertmanager, routes(webhook.url))
    configuration = scrapes(
        exporter.address, told.address, hurried_rules(tmp_path / "rules"), lab_user.address
    )
    server = await asyncio.to_thread(prometheus, configuration)
    # /metrics and /probe.
    await server.wait_for("count(mailtrip_consecutive_failures == 0) == 2")
    return Watched(exporter, server, told, webhook)


async def held_back(alertmanager: Alertmanager, name: str) -> dict[str, str]:
    """Waits until Alertmanager keeps such an alert to itself; returns its labels."""
    while True:
        for labels in await asyncio.to_thread(alertmanager.held_back):
            if labels["alertname"] == name:
                return labels
        await asyncio.sleep(0.2)


def alerts_received(webhook: Webhook) -> set[str]:
    return {notice.name for notice in webhook.notices}


@EACH_VERSION
async def test_a_dead_mailbox_is_told_with_its_reason_and_so_is_its_return(
    watched: Watched, lab: Lab
) -> None:
    watched_last = "max_over_time(timestamp(mailtrip_mailbox_connected == 1)[3d:30s])"
    await watched.prometheus.wait_for(watched_last)
    await asyncio.to_thread(lab.stop, "imap")
    notice = await watched.webhook.wait_for("MailtripMailboxUnwatched", "firing")
    assert notice.where == "on-call"
    assert notice.labels["mailbox"] == "monitor"
    words = "mailtrip cannot connect to its mailbox (open/connect: connect)"
    assert notice.annotations["summary"] == f"Mailbox monitor cannot be watched: {words}"
    assert "Probes that wait for it: 2" in notice.annotations["description"]

    # Its trips fail, on both ways of scraping, and nobody is told a second time.
    await watched.prometheus.wait_for(
        'count(ALERTS{alertname="MailtripFailing", alertstate="firing"}) == 2'
    )
    await watched.prometheus.wait_for(
        'count(ALERTS{alertname="MailtripMailboxToBlame", alertstate="firing"}) == 2'
    )
    assert not (await held_back(watched.alertmanager, "MailtripFailing")).keys() & {
        "phase",
        "step",
        "reason",
        "code",
    }
    await held_back(watched.alertmanager, "MailtripMailboxToBlame")

    await asyncio.to_thread(lab.start, "imap")
    notice = await watched.webhook.wait_for("MailtripMailboxUnwatched", "resolved")
    assert re.match(r"It has not been watched for \d+", notice.annotations["description"])
    await watched.prometheus.wait_for('absent(ALERTS{alertname="MailtripFailing"})')
    assert not alerts_received(watched.webhook) & {"MailtripFailing", "MailtripMailboxToBlame"}


@EACH_VERSION
async def test_a_dead_relay_is_told_with_its_reason_and_a_dead_exporter_once(
    watched: Watched, lab: Lab
) -> None:
    await asyncio.to_thread(lab.stop, "relay")
    notice = await watched.webhook.wait_for("MailtripFailing", "firing")
    assert not notice.labels.keys() & {"phase", "step", "reason", "code"}, "one outage is one alert"
    words = ": mailtrip cannot connect to the server (send/connect: connect)"
    assert notice.annotations["summary"].endswith(words)
    assert notice.where == {"mail": "on-call", "network": "network-on-call"}[notice.labels["team"]]

    await asyncio.to_thread(lab.start, "relay")
    notice = await watched.webhook.wait_for("MailtripFailing", "resolved")
    assert re.search(r"have failed within (\d+m )?[\d.]+s\.", notice.annotations["description"])

    await asyncio.to_thread(watched.exporter.stop)
    notice = await watched.webhook.wait_for("MailtripExporterDown", "firing")
    assert notice.labels["instance"] == watched.exporter.address
    await held_back(watched.alertmanager, "MailtripProbeNotScraped")
    assert "MailtripProbeNotScraped" not in alerts_received(watched.webhook)


FAULTS = """\
resolver: {{nameservers: ["{dns}"]}}

mailboxes:
  monitor: {{imap: {{host: imap.lab.test, ca_file: {ca}, username: {user}, password: {password}}}}}
  locked: {{imap: {{host: imap.lab.test, ca_file: {ca}, username: {user}, password: wrong}}}}

modules:
  good: &module
    interval: 2s
    timeout: 4s
    session_timeout: 2s
    roundtrip: &trip
      from: {user}@lab.test
      send: {{smtp: &relay {{host: relay.lab.test, port: 587, ca_file: {ca}, username: probe,
          password: {password}}}}}
      mailbox: monitor
  password: {{<<: *module, roundtrip: {{<<: *trip, send: {{smtp: {{<<: *relay, password: wrong}}}}}}}}
  mailbox: {{<<: *module, roundtrip: {{<<: *trip, mailbox: locked}}}}
  door: {{<<: *module, roundtrip: {{<<: *trip, send: {{mx: {{source_address: {mon}, gap: 10ms}}}}}}}}
  name: {{<<: *module, roundtrip: {{<<: *trip, send: {{smtp: {{<<: *relay,
      host: relay.nxdomain.test}}}}}}}}

probes:
  - {{name: good, module: good, target: {user}@lab.test}}
  - {{name: password, module: password, target: {user}@lab.test}}
  - {{name: mailbox, module: mailbox, target: {user}@lab.test}}
  - {{name: deleted, module: door, target: nobody@lab.test}}
  - {{name: returned, module: good, target: nobody@lab.test}}
  - {{name: hole, module: good, target: blackhole@lab.test}}
  - {{name: name, module: name, target: {user}@lab.test}}
"""  # noqa: E501

SAID = {
    "password": "send/auth: auth 535",
    "deleted": "send/rcpt: rejected 550",
    "returned": "deliver: bounced 5.1.1",
    "hole": "deliver: overdue",
    "name": "send/resolve: dns NXDOMAIN",
}
"""The failure of each probe, except that of the mailbox, which is the mailbox's."""


async def test_each_fault_is_told_for_what_it_is_and_for_whom_it_hits(
    lab: Lab,
    lab_user: LabUser,
    webhook: Webhook,
    prometheus: Callable[[str], Prometheus],
    alertmanager: Callable[[str], Alertmanager],
    tmp_path: Path,
) -> None:
    """A wrong password, a deleted recipient, a message that disappears."""
    values = {"dns": lab.dns, "ca": lab.ca, "user": lab_user.name, "mon": lab.mon_ip}
    text = FAULTS.format(password=lab.password, **values)
    exporter = await asyncio.to_thread(Exporter, text, tmp_path / "mailtrip")
    try:
        (tmp_path / "rules").mkdir()
        told = await asyncio.to_thread(alertmanager, routes(webhook.url))
        rules = hurried_rules(tmp_path / "rules")
        configuration = scrapes(exporter.address, told.address, rules, lab_user.address)
        server = await asyncio.to_thread(prometheus, configuration)
        notices = {probe: await webhook.wait_for_probe("MailtripFailing", probe) for probe in SAID}
        for probe, line in SAID.items():
            cause, notice = cause_of(line), notices[probe]
            severity = "warning" if cause.own else "critical"
            assert notice.labels["severity"] == severity
            assert notice.annotations["summary"] == f"{probe}: {cause.what} ({line})"
            assert impact(cause) in notice.annotations["description"]
            assert notice.annotations["description"].endswith(f"First: mailtrip status {probe}")
        shown = await asyncio.to_thread(
            mailtrip, "status", "--url", f"http://{exporter.address}", directory=tmp_path
        )
        assert [line for line in SAID.values() if line not in shown.stdout] == []
        (queue,) = await asyncio.to_thread(
            server.query, 'mailtrip_accepted_message_info{probe="hole"}'
        )
        assert queue.labels["server"] == "relay.lab.test"
        words = f"relay.lab.test accepted a message as {queue.labels['queue']}: search its log"
        assert words in notices["hole"].annotations["description"]
        assert queue.labels["queue"] in (lab.directory / "log/relay.log").read_text()
        notice = await webhook.wait_for("MailtripMailboxUnwatched", "firing")
        assert notice.labels["severity"] == "warning"
        cause = cause_of("open/login: auth AUTHENTICATIONFAILED")
        assert cause.what in notice.annotations["summary"]
        assert "Probes that wait for it: 1" in notice.annotations["description"]
    finally:
        exporter.kill()


WINDOW = """
maintenance:
  - {{name: move, probes: ["*"], start: {start}, end: {end}}}
"""
LASTS = 40.0  # seconds
AT_MOST = 2 + 2 * 1 + 1  # seconds: an interval, two scrapes, and until rules are evaluated
BUSY = 3.0  # seconds that this machine may need for it


@EACH_VERSION
async def test_a_server_that_is_down_in_a_window_is_told_when_the_window_ends(
    watched: Watched, lab: Lab
) -> None:
    begin = time.time()
    end = begin + LASTS
    start, until = (datetime.fromtimestamp(at, UTC).isoformat() for at in (begin, end))
    written = watched.exporter.file.read_text()
    watched.exporter.configure(written + WINDOW.format(start=start, end=until))
    status, words = await asyncio.to_thread(watched.exporter.reload)
    assert status == 200, words
    await watched.prometheus.wait_for("count(mailtrip_maintenance == 1) == 2")
    failures = "sum(mailtrip_failures_total)"
    (before,) = await watched.prometheus.wait_for(failures)
    await asyncio.to_thread(lab.stop, "relay")
    await watched.prometheus.wait_for("count(mailtrip_consecutive_failures >= 2) == 2")
    await watched.prometheus.wait_for("count(mailtrip_planned_failures_total >= 2) == 2")
    assert time.time() < end - 2, "the trips are too slow: prolong the window"
    (after,) = await watched.prometheus.wait_for(failures)
    assert after.value == before.value, "they are counted apart"

    firing = 'ALERTS{alertname="MailtripFailing", alertstate="firing"}'
    await asyncio.sleep(max(end - 1 - time.time(), 0))
    assert not watched.webhook.notices
    await watched.webhook.wait_for("MailtripFailing", "firing")
    (first,) = await watched.prometheus.wait_for(
        f"min(min_over_time(timestamp({firing})[2m:500ms]))"
    )
    assert end - 1 < first.value < end + AT_MOST + BUSY
    await asyncio.to_thread(lab.start, "relay")
    await watched.webhook.wait_for("MailtripFailing", "resolved")
