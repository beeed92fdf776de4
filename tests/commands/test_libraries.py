"""What `serve` imports, and keeps in memory: no more than an ordinary configuration needs."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
NEEDED_BY_NO_ORDINARY_PROBE = (
    "aiohttp.client",
    "aiohttp.connector",
    "aiosmtpd",
    "asn1crypto",
    "bcrypt",
    "cryptography",
    "ctypes",
    "exporter.mailboxes.graph",
    "exporter.mailboxes.jmap",
    "exporter.mailboxes.maildir",
    "exporter.mailboxes.pop3",
    "exporter.mailboxes.smtpd",
    "exporter.net.graph",
    "exporter.net.jmap",
    "exporter.net.pop3",
    "exporter.net.smtpd",
    "exporter.senders.graph",
    "exporter.senders.jmap",
    "exporter.senders.lmtp",
    "exporter.senders.mx",
    "exporter.senders.sendmail",
    "frozenlist._frozenlist",
    "google",
    "http.server",
    "inotify_simple",
    "jwt",
    "opentelemetry",
    "prometheus_client.exposition",
    "rich",
    "scramp",
    "wsgiref",
)
CONFIGURATION = """\
resolver: {nameservers: ["127.0.0.1:9"], timeout: 1s}
mailboxes:
  own: {imap: {host: mail.invalid, username: a, password: b}}
modules:
  m:
    timeout: 5s
    roundtrip:
      from: a@example.org
      mailbox: own
      send: {smtp: {host: mail.invalid, port: 587, tls: starttls, username: a, password: b}}
probes: [{name: p, module: m, target: b@example.org}]
"""
ELSEWHERE = """\
mailboxes:
  graph: {graph: {user: a@example.org, oauth2: &login {provider: microsoft, tenant: t, client_id: c, client_secret: s}}}
  jmap: {jmap: {url: "https://mail.invalid", token: t}}
modules:
  m:
    targets: ["*@example.org"]
    roundtrip: {from: a@example.org, mailbox: graph, send: {mx: {tls: policy}}}
"""  # noqa: E501
AFTER_READING = """\
import sys
from exporter.commands.serve import read
read([sys.argv[1]])
print(*sys.modules)
"""
CODE = """\
import os, signal, sys, threading
from urllib.request import urlopen
from exporter.__main__ import main

address = sys.argv[-1]

def visit():
    while True:
        try:
            with urlopen(f"http://{address}/", timeout=5) as page:
                if "failing ·".encode() in page.read():
                    break
        except OSError:
            pass
    os.kill(os.getpid(), signal.SIGTERM)

before = {*sys.modules}
threading.Thread(target=visit, daemon=True).start()
try:
    main()
finally:
    print(*(name for name, module in sys.modules.items() if module and name not in before))
"""


@pytest.mark.slow
def test_serve_imports_what_its_probes_need(tmp_path: Path) -> None:
    """After a trip, and after somebody has looked at the start page."""
    file = tmp_path / "mt.yml"
    file.write_text(CONFIGURATION)
    arguments = f"serve --config.file {file} --state.dir {tmp_path / 'state'} --web.listen-address"
    done = subprocess.run(
        [sys.executable, "-c", CODE, *arguments.split(), f"127.0.0.1:{free_port()}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    imported = set(done.stdout.split())
    assert "aiohttp.web" in imported, done.stderr
    needless = {
        name
        for name in imported
        if any(name == one or name.startswith(f"{one}.") for one in NEEDED_BY_NO_ORDINARY_PROBE)
    }
    assert not needless


@pytest.mark.slow
def test_no_trip_waits_for_an_import(tmp_path: Path) -> None:
    """Reading a configuration for `serve` imports what it needs: the loop stands still for a
    client of HTTP, or for a library of certificates, for 60 ms and more."""
    file = tmp_path / "mt.yml"
    file.write_text(ELSEWHERE)
    done = subprocess.run(
        [sys.executable, "-c", AFTER_READING, str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    needed = {
        "aiohttp.client",
        "exporter.mailboxes.graph.mailbox",
        "exporter.mailboxes.jmap.mailbox",
        "exporter.net.graph.client",
        "exporter.net.jmap.client",
        "exporter.net.mta_sts.download",
        "exporter.net.oauth2.provider",
        "exporter.senders.dane",
        "exporter.senders.mx",
    }
    assert not needed - {*done.stdout.split()}, done.stderr
