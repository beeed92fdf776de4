"""`mailtrip probe` without a configuration, as a user types it, on real servers."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.client import Lab, LabUser
from tests.lab.facts import PASSWORD
from tests.support.jmap_cyrus import JmapCyrus, relaying
from tests.support.screen import ROOT, Screen

pytestmark = pytest.mark.slow

SEND_PASSWORD, MAILBOX_PASSWORD = "MAILTRIP_SEND_PASSWORD", "MAILTRIP_MAILBOX_PASSWORD"


def urls(lab: Lab, user: LabUser) -> tuple[str, ...]:
    """The lab's names exist only in its own DNS: by address."""
    send = f"smtp://{user.name}@{lab.relay_ip}:587?ca_file={lab.ca}"
    mailbox = f"imaps://{user.name}@{lab.imap_ip}?ca_file={lab.ca}"
    return "--send", send, "--mailbox", mailbox


def probe(*arguments: str, directory: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Without a terminal."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "exporter", "probe", *arguments],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
        timeout=60,
    )


def test_passwords_are_typed_and_never_shown(lab: Lab, lab_user: LabUser, tmp_path: Path) -> None:
    flags = urls(lab, lab_user)
    screen = Screen("probe", *flags, lab_user.address, directory=tmp_path, columns=1000)
    screen.wait(lambda now: f"Password for smtp://{lab_user.name}@{lab.relay_ip}:587:" in now)
    screen.type(lab.password.encode() + b"\n")
    screen.wait(lambda now: "(Enter: the same):" in now)
    screen.type(b"\n")
    assert screen.close() == 0, screen.now
    assert f"\nfrom {lab_user.address} (--from ADDRESS changes it)" in screen.now
    *_, verdict, step = screen.now.splitlines()
    assert re.fullmatch(r"OK: round trip [0-9.]+ s, delivery delay [0-9.]+ s", verdict)
    assert step.endswith(shlex.join(["-m", "exporter", "init", *flags, lab_user.address]))
    assert lab.password.encode() not in screen.written
    assert lab_user.mails() == []
    assert [*tmp_path.iterdir()] == []


def test_the_environment_may_have_them_and_the_rest_is_as_with_a_file(
    lab: Lab, lab_user: LabUser, tmp_path: Path
) -> None:
    (tmp_path / "mailtrip.yml").write_text("not read")
    good = {SEND_PASSWORD: lab.password, MAILBOX_PASSWORD: lab.password}
    flags = (*urls(lab, lab_user), "--from", "probe@lab.test", lab_user.address)
    done = probe(*flags, "--json", directory=tmp_path, **good)
    assert (done.returncode, done.stderr) == (0, "")
    parsed = json.loads(done.stdout)
    assert parsed["probe"] == {"module": "smtp", "target": lab_user.address}
    assert any("MAIL FROM:<probe@lab.test>" in line for line in parsed["transcript"])
    done = probe(*flags, directory=tmp_path, **good | {SEND_PASSWORD: "wrong"})
    assert done.returncode == 1
    assert f"send/auth: auth 535: {lab.relay_ip} answered 535" in done.stdout.splitlines()[-1]
    assert "wrong" not in done.stdout


def test_a_trip_needs_neither_login_nor_network(
    lab: Lab, lab_user: LabUser, tmp_path: Path
) -> None:
    lab_user.purge()  # makes its directories
    flags = ("--send", f"lmtp://{lab.imap_ip}", "--mailbox", f"maildir://{lab_user.maildir}")
    done = probe(*flags, lab_user.address, directory=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert lab_user.mails() == []


def test_the_exchangers_of_a_domain_are_asked_for_at_a_resolver_that_is_named(
    lab: Lab, lab_user: LabUser, tmp_path: Path
) -> None:
    flags = ("--send", "mx:", "--from", "probe@lab.test", "--nameserver", lab.dns)
    mailbox = f"imaps://{lab_user.name}@imap.lab.test?ca_file={lab.ca}"
    words = (*flags, "--mailbox", mailbox, "--json")
    password = {MAILBOX_PASSWORD: lab.password}
    done = probe(*words, "--timeout", "50s", lab_user.address, directory=tmp_path, **password)
    assert (done.returncode, done.stderr) == (0, "")
    facts = {one["fact"]: one for one in json.loads(done.stdout)["facts"]}
    assert facts["exchanger"]["host"] == "mx1.lab.test"
    assert lab_user.mails() == []

    done = probe(*words, "--timeout", "4s", "blackhole@lab.test", directory=tmp_path, **password)
    assert done.returncode == 1
    trip = json.loads(done.stdout)
    assert (trip["failure"]["phase"], trip["failure"]["reason"]) == ("deliver", "overdue")
    assert trip["duration"] < 20
    assert "it is not deleted: delete it yourself" in done.stderr


def test_a_jmap_server_is_a_url_too(jmap_cyrus: JmapCyrus, tmp_path: Path) -> None:
    users = [jmap_cyrus.user(), jmap_cyrus.user()]
    for user in users:
        user.deliver(b"From: <a@lab.test>\r\nSubject: the first\r\n\r\nHello.\r\n")
    send, mailbox = (
        f"jmap://{user.name}@127.0.0.1:{jmap_cyrus.http}?ca_file={jmap_cyrus.ca}" for user in users
    )
    flags = ("--send", send, "--mailbox", mailbox, f"{users[1].name}@cyrus.test")
    passwords = {SEND_PASSWORD: PASSWORD, MAILBOX_PASSWORD: PASSWORD}
    with relaying(jmap_cyrus):
        done = probe(*flags, directory=tmp_path, **passwords)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [len(user.emails()) for user in users] == [1, 1]


def test_whoever_ends_it_is_told_where_the_message_may_arrive(
    lab: Lab, lab_user: LabUser, tmp_path: Path
) -> None:
    screen = Screen(
        *("probe", *urls(lab, lab_user), "blackhole@lab.test"),
        directory=tmp_path,
        columns=200,
        environment={SEND_PASSWORD: lab.password, MAILBOX_PASSWORD: lab.password},
    )
    screen.wait(lambda now: "✓ send" in now)
    screen.press(b"\x03")
    assert screen.close() == 130
    assert "the message was sent. If it still arrives in" in screen.now
    assert f"{lab.imap_ip}:993, it is not deleted: delete it yourself." in screen.now


def test_who_lacks_the_ca_of_a_server_learns_how_a_url_names_it(
    lab: Lab, lab_user: LabUser, tmp_path: Path
) -> None:
    flags = [flag.partition("?")[0] for flag in urls(lab, lab_user)]
    passwords = {SEND_PASSWORD: lab.password, MAILBOX_PASSWORD: lab.password}
    done = probe(*flags, lab_user.address, directory=tmp_path, **passwords)
    assert done.returncode == 1
    assert "unable to get local issuer certificate: set `ca_file` to its CA" in done.stdout
    assert done.stderr.endswith("\nIn a URL, `ca_file` is written as ?ca_file=/PATH at the end\n")


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, f"mailtrip: there is no terminal to type the password: set {SEND_PASSWORD}"),
        (
            {SEND_PASSWORD: "x"},
            f"mailtrip: there is no terminal to type the password: set {MAILBOX_PASSWORD}",
        ),
        (
            {SEND_PASSWORD: "x", MAILBOX_PASSWORD: ""},
            f"--mailbox: password: the environment variable {MAILBOX_PASSWORD} is empty:",
        ),
    ],
)
def test_without_a_terminal_a_missing_password_is_one_line(
    environment: dict[str, str], said: str, tmp_path: Path
) -> None:
    flags = ("--send", "smtp://u@127.0.0.1:1", "--mailbox", "imaps://u@127.0.0.1:1")
    done = probe(*flags, "a@example.org", directory=tmp_path, **environment)
    assert done.returncode == 2
    assert done.stderr.startswith(said)
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("keys", [b"\n", b"\x04"], ids=["Enter", "Ctrl-D"])
def test_without_a_password_nothing_is_sent(keys: bytes, tmp_path: Path) -> None:
    flags = ("--send", "smtp://u@127.0.0.1:1", "--mailbox", "imaps://u@127.0.0.1:1")
    screen = Screen("probe", *flags, "a@example.org", directory=tmp_path)
    screen.wait(lambda now: "Password for" in now)
    screen.type(keys)
    assert screen.close() == 2
    assert screen.now.endswith("mailtrip: no password was typed")


def test_ctrl_c_instead_of_a_password_ends_it(tmp_path: Path) -> None:
    flags = ("--send", "smtp://u@127.0.0.1:1", "--mailbox", "imaps://u@127.0.0.1:1")
    screen = Screen("probe", *flags, "a@example.org", directory=tmp_path)
    screen.wait(lambda now: "Password for" in now)
    screen.press(b"\x03")
    assert screen.close() == 130
    assert "Traceback" not in screen.now
