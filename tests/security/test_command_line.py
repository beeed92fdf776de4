"""Passwords for servers that a command line names."""

import os
import stat
import subprocess
import sys
import termios
from base64 import b64encode
from pathlib import Path

import pytest

from exporter.commands.cli import main
from tests.support.canned_answers import hostile
from tests.support.screen import ROOT, Screen

PASSWORD = "correct-horse-battery"
SEND, MAILBOX = "smtp://me@127.0.0.1:1", "imaps://me@127.0.0.1:1"
MAINTENANCE = ["maintenance", "list"]
ROUTE = ("--send", SEND, "--mailbox", MAILBOX, "a@example.org")


@pytest.mark.parametrize(
    "line",
    [
        f"probe --send smtp://me:{PASSWORD}@relay.example.org --mailbox {MAILBOX} a@example.org",
        f"probe --send {SEND} --mailbox imaps://me:{PASSWORD}@imap.example.org a@example.org",
        f"probe --send me:{PASSWORD}@relay.example.org --mailbox {MAILBOX} a@example.org",
        f"probe --send {SEND}?password={PASSWORD} --mailbox {MAILBOX} a@example.org",
        f"probe smtp://me:{PASSWORD}@relay.example.org {MAILBOX} a@example.org",
        f"probe --smtp smtp://me:{PASSWORD}@relay.example.org",
        f"probe --send {SEND} --mailbox {MAILBOX} --password {PASSWORD} a@example.org",
        f"init --send smtp://me:{PASSWORD}@relay.example.org",
        f"init smtp://me:{PASSWORD}@relay.example.org",
        f"init --pass={PASSWORD}",
        f"init -p {PASSWORD}",
        f"init a@example.org --send-password={PASSWORD}",
        f"maintenance list --url http://me:{PASSWORD}@mail.example.org",
        f"maintenance list --user me --password {PASSWORD}",
        f"status --url http://me:{PASSWORD}@mail.example.org",
        f"status --user me --password={PASSWORD}",
        f"status --user me --pass {PASSWORD}",
        f"status --user me -p {PASSWORD}",
        f"status --user me:{PASSWORD} --password.file /dev/null",
    ],
)
def test_a_password_on_the_command_line_is_refused(
    line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A password on the command line, where other users can see it, is refused, in a URL or in a
    flag, and the error does not repeat it."""
    with pytest.raises(SystemExit) as ended:
        main(line.split())
    said = "".join(capsys.readouterr())
    assert ended.value.code == 2
    assert "other users can see" in said
    assert PASSWORD not in said


SAYS = f"""you sent {PASSWORD}, {PASSWORD[::-1]}, {b64encode(f"me:{PASSWORD}".encode()).decode()}"""


@pytest.mark.parametrize("command", [["status"], ["status", "--format", "nagios"], MAINTENANCE])
@pytest.mark.parametrize("status", [200, 302, 401, 403, 500])
def test_a_running_mailtrip_alone_gets_its_login(
    command: list[str], status: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`mailtrip status` and `mailtrip maintenance` send their login only to the address that they
    are given: redirects are not followed, and no error repeats the login, whatever the server
    says."""
    file = tmp_path / "password"
    file.write_text(PASSWORD)
    login = "--user", "me", "--password.file", str(file)
    with hostile() as (elsewhere, stolen):
        moved = f"http://{elsewhere}/{PASSWORD}/api/v1/probes"
        answering = hostile({"message": SAYS}, status, moved)
        with answering as (address, logins), pytest.raises(SystemExit) as ended:
            main([*command, *login, "--url", f"http://{address}"])
    said = "".join(capsys.readouterr())
    assert ended.value.code != 0
    assert (len(logins), stolen) == (1, [])
    assert "MAILTRIP UNKNOWN: " in said or said.startswith("mailtrip: ")
    assert not any(secret in said for secret in (PASSWORD, PASSWORD[:8], PASSWORD[::-1], "bWU6"))


@pytest.mark.slow
@pytest.mark.parametrize("command", ["probe", "init"])
def test_a_password_is_typed_without_echo(command: str, tmp_path: Path) -> None:
    """A password is typed only in a terminal, which does not show it: `mailtrip probe` and
    `mailtrip init` read no password from a pipe, and print none."""
    done = subprocess.run(
        [sys.executable, "-m", "exporter", command, *ROUTE],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        input=f"{PASSWORD}\n{PASSWORD}\n",
        capture_output=True,
        start_new_session=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("mailtrip: there is no terminal to type the password: set ")
    assert PASSWORD not in done.stdout + done.stderr
    screen = Screen(command, *ROUTE, directory=tmp_path)
    screen.wait(lambda now: "Password for " in now)
    assert not termios.tcgetattr(screen.terminal)[3] & termios.ECHO
    screen.type(f"{PASSWORD}\n".encode())
    screen.wait(lambda now: now.count("Password for ") > 1 or "Enter to answer again" in now)
    screen.press(b"\x03")
    assert screen.close() == 130
    assert PASSWORD.encode() not in screen.written


def test_init_keeps_passwords_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`mailtrip init` writes each password into a file of its own, which only its user can read
    whatever the umask is, and never into the configuration, into a file that exists or through a
    link."""
    monkeypatch.chdir(tmp_path)
    for name in ("MAILTRIP_SEND_PASSWORD", "MAILTRIP_MAILBOX_PASSWORD"):
        monkeypatch.setenv(name, PASSWORD)

    def status(*flags: str) -> int:
        with pytest.raises(SystemExit) as ended:
            main(["init", "--no-try", *flags, *ROUTE])
        return int(ended.value.code or 0)

    theirs = tmp_path / "theirs"
    theirs.touch()
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/smtp").symlink_to(theirs)
    assert status() == 2
    before = os.umask(0)
    assert status("--force") == 0
    os.umask(before)
    assert theirs.read_text() == ""
    for secret in (tmp_path / "secrets/smtp", tmp_path / "secrets/imap"):
        assert secret.read_text() == f"{PASSWORD}\n"
        assert stat.S_IMODE(secret.lstat().st_mode) == 0o600
    assert PASSWORD not in (tmp_path / "mailtrip.yml").read_text()
