"""`mailtrip init` as a person and a script use it, and whether what it writes works."""

import os
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.lab.client import Lab, LabUser
from tests.support.screen import ROOT, Screen

pytestmark = pytest.mark.slow

SEND_PASSWORD, MAILBOX_PASSWORD = "MAILTRIP_SEND_PASSWORD", "MAILTRIP_MAILBOX_PASSWORD"


def mailtrip(
    *arguments: str, directory: Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Without a terminal."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "exporter", *arguments],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
        capture_output=True,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
        timeout=60,
    )


class Person:
    """Answers questions."""

    def __init__(self, *arguments: str, directory: Path, **environment: str) -> None:
        self.screen = Screen(
            "init", *arguments, directory=directory, columns=120, environment=environment
        )

    def answer(self, question: str, keys: str) -> None:
        """When the last lines have the question."""
        self.screen.wait(lambda now: question in "\n".join(now.splitlines()[-2:]))
        self.screen.type(f"{keys}\n".encode())


def test_what_six_answers_make_works(lab: Lab, lab_user: LabUser, tmp_path: Path) -> None:
    trusted = {"SSL_CERT_FILE": lab.ca}
    person = Person(directory=tmp_path, **trusted)
    person.answer("1. To which address", "nobody")
    person.answer("such as probe@example.org", lab_user.address)
    person.answer("2. On which server", lab.imap_ip)
    person.answer(f"[{lab_user.address}]", lab_user.name)
    person.answer("Password for", "wrong")
    person.answer("Enter to answer again", "")
    assert "AUTHENTICATIONFAILED" in person.screen.now
    person.answer(f"[imaps://{lab.imap_ip}]", "")
    person.answer(f"[{lab_user.name}]", "")
    person.answer("Password for", lab.password)
    person.answer("4. Through which server", f"{lab.relay_ip}:465")
    person.answer(f"[{lab_user.name}]", "")
    person.answer(f"[{lab_user.address}]", "")
    person.answer("(Enter: the same)", "")
    assert person.screen.close() == 0, person.screen.now
    seen = person.screen.now
    assert "not an e-mail address; write it as local@domain" in seen
    assert f"OK      mailbox imap ({lab.imap_ip}:993): " in seen
    assert f"OK      module smtp ({lab.relay_ip}:465): " in seen
    assert lab.password.encode() not in person.screen.written
    assert seen.endswith("serve --config.file mailtrip.yml")

    for secret in ("imap", "smtp"):
        assert stat.S_IMODE((tmp_path / "secrets" / secret).stat().st_mode) == 0o600
    assert lab.password not in (tmp_path / "mailtrip.yml").read_text()
    checked = mailtrip("check", "--try", "mailtrip.yml", directory=tmp_path, environment=trusted)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "mailtrip.yml: OK: modules: 1, mailboxes: 1, probes: 1\n" in checked.stdout
    probed = mailtrip("probe", "submission", directory=tmp_path, environment=trusted)
    assert probed.returncode == 0, probed.stdout
    assert lab_user.mails() == []


def flags(lab: Lab, user: LabUser) -> tuple[str, ...]:
    send = f"smtp://{user.name}@{lab.relay_ip}?ca_file={lab.ca}"
    mailbox = f"pop3s://{user.name}@{lab.imap_ip}?ca_file={lab.ca}"
    return user.address, "--send", send, "--mailbox", mailbox


def test_a_script_needs_no_terminal(lab: Lab, lab_user: LabUser, tmp_path: Path) -> None:
    right = {SEND_PASSWORD: lab.password, MAILBOX_PASSWORD: lab.password}
    failed = mailtrip(
        *("init", *flags(lab, lab_user)),
        directory=tmp_path,
        environment=right | {SEND_PASSWORD: "wrong"},
    )
    assert failed.returncode == 1
    assert f"OK      mailbox pop3 ({lab.imap_ip}:995)" in failed.stdout
    assert f"FAILED  module smtp ({lab.relay_ip}:587): send/auth: auth 535" in failed.stdout
    assert failed.stderr == "mailtrip: nothing is written; --no-try writes it all the same\n"
    assert [*tmp_path.iterdir()] == []
    done = mailtrip(
        *("init", *flags(lab, lab_user), "--config.file", "my.yml"),
        directory=tmp_path,
        environment=right,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Written: my.yml\n" in done.stdout
    probed = mailtrip("probe", "--config.file", "my.yml", "submission", directory=tmp_path)
    assert probed.returncode == 0, probed.stdout


def test_it_says_how_a_url_names_the_ca_of_a_server(
    lab: Lab, lab_user: LabUser, tmp_path: Path
) -> None:
    passwords = {SEND_PASSWORD: lab.password, MAILBOX_PASSWORD: lab.password}
    unknown = [flag.partition("?")[0] for flag in flags(lab, lab_user)]
    failed = mailtrip("init", *unknown, directory=tmp_path, environment=passwords)
    assert failed.returncode == 1
    assert "set `ca_file` to its CA" in failed.stdout
    assert failed.stdout.endswith(
        "   In a URL, `ca_file` is written as ?ca_file=/PATH at the end\n"
    )


GOOD = ("a@example.org", "--send", "smtp://u@127.0.0.1:1", "--mailbox", "imaps://u@127.0.0.1:1")
SECRETS = {SEND_PASSWORD: "one", MAILBOX_PASSWORD: "two"}


def test_it_writes_without_a_try_and_never_over_a_file(tmp_path: Path) -> None:
    command = ("init", "--no-try", *GOOD)
    done = mailtrip(*command, directory=tmp_path, environment=SECRETS)
    assert (done.returncode, done.stderr) == (0, "")
    written = (tmp_path / "mailtrip.yml").read_bytes()
    again = mailtrip(*command, directory=tmp_path, environment=SECRETS)
    assert again.returncode == 2
    assert again.stderr == (
        "mailtrip: mailtrip.yml exists: --force replaces it; --config.file names another file\n"
    )
    other = mailtrip(*command, "--config.file", "b.yml", directory=tmp_path, environment=SECRETS)
    assert other.stderr == (
        f"mailtrip: {tmp_path}/secrets/imap exists: --force replaces it; --config.file names"
        " another file\n"
    )
    new = SECRETS | {SEND_PASSWORD: "three"}
    forced = mailtrip(*command, "--force", directory=tmp_path, environment=new)
    assert (forced.returncode, forced.stderr) == (0, "")
    assert (tmp_path / "mailtrip.yml").read_bytes() == written
    assert (tmp_path / "secrets/smtp").read_text() == "three\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "mailtrip: missing: --send, --mailbox, TARGET; without a terminal, init cannot ask"),
        (GOOD[:3], "mailtrip: missing: --mailbox; without a terminal, init cannot ask for them"),
        (GOOD, f"mailtrip: there is no terminal to type the password: set {SEND_PASSWORD}"),
        (("--send", "stmp://h"), "--send: unknown scheme stmp://; did you mean smtp?"),
        (("a@b", "--send", "mx:", "--mailbox", "imaps://u@h"), "--from: is missing: write an"),
        (("--config.file", "none/m.yml", *GOOD), "mailtrip: the directory "),
    ],
)
def test_what_a_script_lacks_is_one_line(
    arguments: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    done = mailtrip("init", *arguments, directory=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(said)
    assert len(done.stderr.splitlines()) == 1
    assert [*tmp_path.iterdir()] == []


def test_answers_that_do_not_work_may_be_kept(tmp_path: Path) -> None:
    person = Person(*GOOD, directory=tmp_path, **SECRETS)
    person.answer("Enter to answer again", "keep")
    person.screen.wait(lambda now: now.count("Enter to answer again") == 2)
    person.screen.type(b"k\n")
    assert person.screen.close() == 0
    assert (tmp_path / "mailtrip.yml").exists()
    words = " ".join(person.screen.now.split())
    assert "FAILED mailbox imap (127.0.0.1:1): open/connect: connect: " in words
    assert "FAILED module smtp (127.0.0.1:1): send/connect: connect: " in words


@pytest.mark.parametrize(("keys", "status"), [(b"\x03", 130), (b"\x04", 2)], ids=["C-c", "C-d"])
def test_who_stops_finds_nothing_written(keys: bytes, status: int, tmp_path: Path) -> None:
    screen = Screen("init", directory=tmp_path)
    # Ctrl-D is lost if it comes before readline has the terminal: its prompt is the sign.
    screen.wait(lambda now: "1. To which address" in now and now.endswith("\n   >"))
    screen.press(keys)
    assert screen.close() == status
    assert "Traceback" not in screen.now
    assert [*tmp_path.iterdir()] == []


def test_all_answers_about_the_sender_can_be_changed(tmp_path: Path) -> None:
    for part in ("new", "cur", "tmp"):
        (tmp_path / "Maildir" / part).mkdir(parents=True)
    given = ("--mailbox", f"maildir:{tmp_path}/Maildir", "a@[127.0.0.1]")
    person = Person(*given, directory=tmp_path)
    person.answer("4. Through which server", "sendmail:/nowhere")
    person.answer("[a@[127.0.0.1]]", "b@example.org")
    person.answer("Enter to answer again", "")
    person.answer("[sendmail:/nowhere]", "sendmail:/bin/true")
    person.answer("[b@example.org]", "c@example.org")
    assert person.screen.close() == 0, person.screen.now
    written = (tmp_path / "mailtrip.yml").read_text()
    assert "      from: c@example.org\n" in written
    assert "          path: /bin/true\n" in written
    assert not (tmp_path / "secrets").exists()
