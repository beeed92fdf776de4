"""The main job, on real servers: a message leaves by SMTP, passes Postfix, arrives in Dovecot, is
found over IMAP and deleted, and a real Prometheus knows."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab.client import Lab, LabUser
from tests.support.mailtrip_process import Exporter
from tests.support.prometheus import Prometheus

CONFIGURATION = """\
resolver: {{nameservers: ["{dns}"]}}

mailboxes:
  monitor:
    imap: {{host: imap.lab.test, ca_file: {ca}, username: {user},
        password: {{file: {directory}/password}}}}

modules:
  submission:
    interval: {interval}
    timeout: 30s
    targets: ["*@lab.test"]
    roundtrip:
      from: probe@lab.test
      send:
        smtp:
          host: relay.lab.test
          port: 587
          ca_file: {ca}
          username: probe
          password: {{file: {directory}/password}}
      mailbox: monitor
  inbound:
    interval: {interval}
    timeout: 30s
    roundtrip: {{from: probe@mon.test, send: {{mx: {{source_address: {mon_ip}}}}},
        mailbox: monitor}}

probes:
  - {{name: relay, module: submission, target: {user}@lab.test}}
  - {{name: exchanger, module: inbound, target: {user}@lab.test}}
"""

SCRAPES = """\
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: mailtrip
    static_configs: [{{targets: ["{address}"]}}]
  - job_name: mail
    metrics_path: /probe
    params: {{module: [submission]}}
    static_configs: [{{targets: ["{user}@lab.test"]}}]
    relabel_configs:
      - {{source_labels: [__address__], target_label: __param_target}}
      - {{source_labels: [__param_target], target_label: instance}}
      - {{target_label: __address__, replacement: "{address}"}}
"""

FOREIGN = b"From: boss@lab.test\r\nSubject: please read\r\n\r\nThis is nobody's business.\r\n"


@pytest.fixture
def configuration(lab: Lab, lab_user: LabUser, tmp_path: Path) -> Callable[[str], str]:
    """The configuration above with an interval, the mailbox being that of `lab_user`."""
    (tmp_path / "password").write_text(f"{lab.password}\n")
    values = {
        "dns": lab.dns,
        "ca": lab.ca,
        "mon_ip": lab.mon_ip,
        "user": lab_user.name,
        "directory": tmp_path,
    }
    return lambda interval: CONFIGURATION.format(interval=interval, **values)


@pytest.fixture
def start(
    configuration: Callable[[str], str], tmp_path: Path
) -> Iterator[Callable[[str], Exporter]]:
    """Starts mailtrip with an interval; a second one finds the state of the first."""
    running: list[Exporter] = []

    def start(interval: str) -> Exporter:
        running.append(Exporter(configuration(interval), tmp_path / "mailtrip"))
        return running[-1]

    yield start
    for exporter in running:
        exporter.kill()


async def test_prometheus_holds_success_latency_and_delay(
    start: Callable[[str], Exporter],
    lab_user: LabUser,
    prometheus: Callable[[str], Prometheus],
    promtool: str,
) -> None:
    lab_user.deliver(FOREIGN)
    before = lab_user.mails()
    exporter = start("1s")
    server = prometheus(SCRAPES.format(address=exporter.address, user=lab_user.name))

    (success,) = await server.wait_for("probe_success == 1")
    assert success.labels["instance"] == lab_user.address
    assert success.labels["job"] == "mail"
    both = 'count(mailtrip_success{job="mailtrip", probe=~"relay|exchanger"} == 1) == 2'
    assert await server.wait_for(both)
    (count,) = await server.wait_for('mailtrip_delivery_delay_seconds_count{job="mail"} > 1')
    assert count.value > 1

    quantile = (
        "histogram_quantile(0.9, sum by (le, step)"
        " (rate(mailtrip_smtp_step_duration_seconds_bucket[1m])))"
    )
    known = f'({quantile}) > 0 and on(step) mailtrip_last_smtp_step_duration_seconds{{job="mail"}}'
    await server.wait_for(f"count({known}) >= 2")  # not all appear with the same scrape
    by_step = await server.wait_for(known)
    assert {sample.labels["step"] for sample in by_step} == {"auth", "data"}
    newest = await server.wait_for('mailtrip_last_smtp_step_duration_seconds{job="mail"}')
    expected = {"resolve", "connect", "greeting", "ehlo", "tls", "auth", "mail", "rcpt", "data"}
    assert {sample.labels["step"] for sample in newest} == expected
    assert (await server.wait_for("mailtrip_mailbox_connected"))[0].value == 1

    for page in ("/metrics", f"/probe?module=submission&target={lab_user.address}"):
        verdict = subprocess.run(
            [promtool, "check", "metrics"], input=exporter.get(page), text=True, capture_output=True
        )
        assert (verdict.returncode, verdict.stdout, verdict.stderr) == (0, "", "")

    assert exporter.stop() == 0
    # Flags included.
    assert [mail for mail in lab_user.mails() if b"mailtrip" not in mail.content] == before


async def test_nothing_of_ours_is_left_in_the_mailbox(
    start: Callable[[str], Exporter], lab_user: LabUser
) -> None:
    exporter = start("1h")
    for probe in ("relay", "exchanger"):
        exporter.wait_for(f'mailtrip_success{{probe="{probe}"}}')
    assert exporter.series()['mailtrip_messages_deleted_total{mailbox="monitor"}'] == 2
    assert lab_user.mails() == []


def test_a_single_trip_in_the_terminal_prints_a_waterfall_and_json(
    configuration: Callable[[str], str], lab_user: LabUser, tmp_path: Path
) -> None:
    file = tmp_path / "mailtrip.yml"
    file.write_text(configuration("1h"))
    command = [sys.executable, "-m", "exporter", "probe", "--config.file", str(file), "relay"]
    shown = subprocess.run(command, capture_output=True, text=True)
    assert shown.returncode == 0, shown.stderr
    for word in ("  OK  ", "open", "login", "send", "auth", "deliver", "delete", "delivery delay"):
        assert word in shown.stdout
    outcome = json.loads(
        subprocess.run([*command, "--json"], capture_output=True, text=True).stdout
    )
    assert outcome["failure"] is None
    assert outcome["probe"] == {"module": "submission", "target": lab_user.address}
    assert lab_user.mails() == []
