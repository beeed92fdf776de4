"""`mailtrip check --try` on real servers."""

import re
from pathlib import Path

import pytest

from tests.commands.test_cli import mailtrip
from tests.lab.client import Lab, LabUser
from tests.support.ports import free_port

pytestmark = pytest.mark.slow

CONFIGURATION = """\
resolver: {{nameservers: ["{dns}"]}}
mailboxes:
  monitor: {{imap: {{host: imap.lab.test, ca_file: {ca}, username: {user}, password: {password}}}}}
  legacy: {{pop3: {{host: imap.lab.test, ca_file: {ca}, username: {user}, password: {password}}}}}
  local: {{maildir: {{path: {maildir}}}}}
  own: {{smtpd: {{listen: "127.0.0.1:{port}", recipients: [a@mon.test]}}}}
modules:
  submission: &module
    session_timeout: 5s
    roundtrip: &trip
      from: probe@lab.test
      send: {{smtp: {{host: relay.lab.test, port: 587, ca_file: {ca}, username: probe,
          password: {password}}}}}
      mailbox: monitor
  again: *module
  inbound:
    <<: *module
    roundtrip: {{<<: *trip, from: a@mon.test, send: {{mx: {{source_address: {mon},
        ehlo_name: mx.mon.test}}}}}}
  each:
    <<: *module
    roundtrip: {{<<: *trip, to: "postmaster@{{target}}", send: {{smtp: {{host: "{{target}}"}}}}}}
  program: {{<<: *module, roundtrip: {{<<: *trip, send: {{sendmail: {{path: {program}}}}}}}}}
  lists: {{targets: ["*"], dnsbl: {{lists: [bl.lab.test]}}}}
probes:
  - {{name: submission, module: submission, target: {user}@lab.test}}
  - {{name: again, module: again, target: {user}@lab.test}}
  - {{name: inbound, module: inbound, target: {user}@lab.test}}
"""


def written(lab: Lab, user: LabUser, directory: Path, **given: str) -> Path:
    for part in ("cur", "new", "tmp"):
        (directory / "Maildir" / part).mkdir(parents=True, exist_ok=True)
    values = {
        "dns": lab.dns,
        "mon": lab.mon_ip,
        "ca": lab.ca,
        "user": user.name,
        "password": lab.password,
        "port": str(free_port()),
        "maildir": str(directory / "Maildir"),
        "program": "/bin/true",
    }
    file = directory / "mailtrip.yml"
    file.write_text(CONFIGURATION.format(**values | given))
    return file


def test_every_server_is_asked_once_and_nothing_is_sent(
    lab: Lab, lab_user: LabUser, tmp_path: Path
) -> None:
    file = written(lab, lab_user, tmp_path)
    done = mailtrip("check", "--try", str(file), directory=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    first, *lines = done.stdout.splitlines()
    assert first.startswith(f"{file}: OK: modules: 6")
    expected = [
        "OK      mailbox monitor (imap.lab.test:993): TIME",
        "OK      mailbox legacy (imap.lab.test:995): TIME",
        f"OK      mailbox local ({tmp_path}/Maildir): TIME",
        "-       mailbox own (127.0.0.1:",
        "OK      module submission (relay.lab.test:587): TIME",
        "OK      module inbound (lab.test): TIME",
        "-       module each: not tried: no entry in probes has a target for it",
        "OK      module program (/bin/true): TIME",
        "-       module lists: not tried: `mailtrip probe` queries the blocklists",
    ]
    for line, start in zip(lines, expected, strict=True):
        assert re.match(re.escape(start).replace("TIME", r"\d+\.\d{3} s\b"), line), line
    assert "TLSv1.3, certificate valid until 20" in lines[0]
    assert ", answered by mx1.lab.test, " in lines[5]
    assert not lab_user.mails()


def test_what_fails_is_told_with_its_place_and_reason(
    lab: Lab, lab_user: LabUser, tmp_path: Path
) -> None:
    given = {
        "password": "no-such-word",
        "maildir": str(tmp_path / "nowhere"),
        "program": "/nowhere/sendmail",
    }
    done = mailtrip(
        "check", "--try", str(written(lab, lab_user, tmp_path, **given)), directory=tmp_path
    )
    assert done.returncode == 1
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
    places = [
        "open/login: auth ",
        "open/login: auth",
        "open/select: ",
        "send/auth: auth 535: ",
        "send/program: ",
    ]
    assert len(failed) == len(places)
    for line, place in zip(failed, places, strict=True):
        assert f"): {place}" in line
    assert "no-such-word" not in done.stdout + done.stderr


def test_nothing_is_tried_while_there_are_mistakes(tmp_path: Path) -> None:
    (tmp_path / "mailtrip.yml").write_text("mailboxs: {}")
    done = mailtrip("check", "--try", "mailtrip.yml", directory=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
