"""A reload, on a real IMAP server: what has not changed keeps its connection, and what cannot be
used says so."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.client import Lab, LabUser
from tests.support.interposer import Interposer
from tests.support.mailtrip_process import Exporter

CONFIGURATION = """\
mailboxes:
  monitor:
    imap: {{host: 127.0.0.1, port: {imap}, tls: none, username: {user},
        password: {{file: {secret}}}}}
modules:
  relay:
    interval: 1s
    timeout: {timeout}
    session_timeout: 4s
    roundtrip: {{from: probe@lab.test, send: {{smtp: {{host: {relay}, port: 25, tls: none}}}},
        mailbox: monitor}}
probes:
  - {{name: relay, module: relay, target: {user}@lab.test}}
"""


@pytest.fixture
def imap(lab: Lab) -> Iterator[Interposer]:
    interposer = Interposer((lab.imap_ip, 143))
    yield interposer
    interposer.close()


def logins(imap: Interposer) -> int:
    said = bytes(imap.said).upper()
    return said.count(b" LOGIN ") + said.count(b" AUTHENTICATE ")


def trips(exporter: Exporter) -> float:
    return exporter.series()['mailtrip_trips_total{probe="relay"}']


def wait_for_more_trips(exporter: Exporter) -> None:
    before = trips(exporter)
    while trips(exporter) < before + 3:
        time.sleep(0.1)


def test_an_unchanged_mailbox_keeps_its_connection_and_a_changed_one_does_not(
    lab: Lab, lab_user: LabUser, imap: Interposer, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text(lab.password)
    values = {"imap": imap.port, "user": lab_user.name, "relay": lab.relay_ip}
    text = CONFIGURATION.format(timeout="30s", secret=secret, **values)
    exporter = Exporter(text, tmp_path / "mailtrip")
    try:
        wait_for_more_trips(exporter)
        assert logins(imap) == 1
        exporter.configure(CONFIGURATION.format(timeout="31s", secret=secret, **values))
        assert exporter.reload()[0] == 200
        wait_for_more_trips(exporter)
        assert logins(imap) == 1
        exporter.configure(
            CONFIGURATION.format(timeout="31s", secret=f"{secret}-of-tomorrow", **values)
        )
        assert exporter.reload()[0] == 200  # as at a start: a secret is read when it is used
        while "of-tomorrow" not in exporter.log.read_text():
            time.sleep(0.1)
        exporter.configure(text)
        assert exporter.reload()[0] == 200
        before = exporter.series()['mailtrip_last_success_timestamp_seconds{probe="relay"}']
        while exporter.series()['mailtrip_last_success_timestamp_seconds{probe="relay"}'] == before:
            time.sleep(0.1)
        assert logins(imap) == 2
        assert exporter.series()["mailtrip_config_last_reload_successful"] == 1
    finally:
        exporter.kill()
