"""A matrix of two senders and two recipients, on real servers: one recipient files all as spam."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.client import Lab, LabUser
from tests.support.http_site import words_of
from tests.support.mailtrip_process import Exporter

CONFIGURATION = """\
resolver: {{nameservers: ["{dns}"]}}

mailboxes:
  inbox: {{imap: {{host: imap.lab.test, ca_file: {ca}, username: {user}, password: {password}}}}}
  spam: {{imap: {{host: imap.lab.test, ca_file: {ca}, username: junk, password: {password}}}}}

modules:
  m:
    interval: 1s
    timeout: 20s
    roundtrip:
      from: probe@lab.test
      send: {{smtp: {{host: "{{from}}", port: 25, tls: none}}}}
      mailbox: "{{to}}"

probes:
  - name: "{{from}}-{{to}}"
    module: m
    matrix:
      from: {senders}
      to: {{inbox: {user}@lab.test, spam: junk@lab.test}}

maintenance:
  - {{name: move, probes: ["*-spam"], start: 2026-01-01T00:00:00Z, end: {end}}}
"""
BOTH = "{own: relay.lab.test, rented: mx1.lab.test}"
CELLS = [("own", "inbox"), ("own", "spam"), ("rented", "inbox"), ("rented", "spam")]


def configuration(
    lab: Lab, user: LabUser, senders: str = BOTH, end: str = "2026-01-02T00:00:00Z"
) -> str:
    values = {"dns": lab.dns, "ca": lab.ca, "user": user.name, "password": lab.password}
    return CONFIGURATION.format(senders=senders, end=end, **values)


@pytest.fixture
def exporter(lab: Lab, lab_user: LabUser, tmp_path: Path) -> Iterator[Exporter]:
    exporter = Exporter(configuration(lab, lab_user), tmp_path / "mailtrip")
    yield exporter
    exporter.kill()


def test_every_cell_makes_its_trips_and_keeps_them_over_a_reload_and_a_restart(
    exporter: Exporter, lab: Lab, lab_user: LabUser, tmp_path: Path
) -> None:
    for sender, recipient in CELLS:
        probe = f'probe="{sender}-{recipient}"'
        exporter.wait_for(f"mailtrip_last_trip_timestamp_seconds{{{probe}}}")
        series = exporter.series()
        place = f'from="{sender}",matrix="m",{probe},to="{recipient}"'
        assert series[f"mailtrip_matrix_info{{{place}}}"] == 1
        assert series[f"mailtrip_success{{{probe}}}"] == (recipient == "inbox")
    exporter.wait_for('mailtrip_junk_total{probe="rented-spam"}')
    words = words_of(exporter.get("/matrices"))
    assert "m 4 probes: 2 OK , 2 failed , 2 of them filed as spam" in words
    targets = [one["labels"]["__param_module"] for one in json.loads(exporter.get("/sd"))]
    assert targets == ["m-own-inbox", "m-own-spam", "m-rented-inbox", "m-rented-spam"]

    alone = configuration(
        lab, lab_user, BOTH.replace("}", ", new: relay.lab.test}"), "2090-01-01T00:00:00Z"
    )
    exporter.configure(alone)
    assert exporter.reload()[0] == 200
    exporter.wait_for('mailtrip_success{probe="new-inbox"}')
    assert exporter.wait_for('mailtrip_maintenance{probe="rented-spam"}') == 1
    assert 'mailtrip_maintenance{probe="rented-inbox"}' not in exporter.series()

    assert exporter.stop() == 0
    again = Exporter(alone, tmp_path / "mailtrip")
    try:
        assert again.series()['mailtrip_last_success_timestamp_seconds{probe="own-inbox"}'] > 1
        assert len(json.loads(again.get("/api/v1/probes"))["items"]) == 6
    finally:
        again.kill()


def test_a_trip_of_a_cell_is_made_by_hand(lab: Lab, lab_user: LabUser, tmp_path: Path) -> None:
    file = tmp_path / "mailtrip.yml"
    file.write_text(configuration(lab, lab_user) + f"state: {{dir: {tmp_path}/state}}\n")
    command = [sys.executable, "-m", "exporter", "probe", "--config.file", str(file)]
    done = subprocess.run(
        [*command, "rented-inbox"], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"rented-inbox → {lab_user.address}" in done.stdout
