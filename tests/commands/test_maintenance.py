"""`mailtrip maintenance` against a running mailtrip, over a kill of it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.commands import maintenance
from exporter.commands.flags import read
from exporter.commands.local_socket import socket_in
from exporter.commands.running_server import RunningServer
from tests.support.canned_answers import hostile
from tests.support.mailtrip_process import Exporter
from tests.support.ports import free_port

CONFIGURATION = """
mailboxes: {own: {smtpd: {listen: "127.0.0.1:%d", recipients: [me@example.org]}}}
modules:
  self:
    roundtrip: {from: a@example.org, send: {smtp: {host: 127.0.0.1, port: %d, tls: none}}, mailbox: own}
probes: [{name: self, module: self, target: me@example.org, interval: 1h}]
maintenance:
  - {name: patch, probes: ["*"], start: 2090-01-01T00:00:00Z, end: 2090-01-01T01:00:00Z}
"""  # noqa: E501
ADMIN = "--web.enable-admin-api"
PATCH = "patch: planned, 2090-01-01 00:00:00 – 2090-01-01 01:00:00 UTC: *"


@pytest.fixture
def made(tmp_path: Path, servers: None) -> Iterator[list[Exporter]]:
    found: list[Exporter] = []
    yield found
    for one in found:
        one.kill()


def started(made: list[Exporter], directory: Path, *flags: str) -> Exporter:
    port = free_port()
    made.append(Exporter(CONFIGURATION % (port, port), directory, *flags))
    return made[-1]


def command(address: str, *words: str) -> tuple[int, str]:
    """Its status, and what it says."""
    done = subprocess.run(
        [sys.executable, "-m", "exporter", "maintenance", *words],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | {"MAILTRIP_URL": address, "PYTHONUTF8": "1"},
    )
    return done.returncode, done.stdout + done.stderr


def test_a_window_survives_a_kill_and_ends_when_it_is_stopped(
    made: list[Exporter], tmp_path: Path
) -> None:
    mailtrip = started(made, tmp_path, ADMIN)
    url = f"http://{mailtrip.address}"
    status, words = command(url, "start", "move", "--probes", "se*", "--probes", "x", "--for", "2h")
    assert status == 0, words
    assert words.startswith("move: now, ")
    assert words.endswith(" UTC: se*, x\nmailtrip: warning: x matches no probe now\n")
    words = words.partition("\n")[0] + "\n"
    mailtrip.send(signal.SIGKILL)
    mailtrip.kill()

    mailtrip = started(made, tmp_path, ADMIN)
    url = f"http://{mailtrip.address}"
    assert mailtrip.series()['mailtrip_maintenance{probe="self"}'] == 1
    assert command(url, "list") == (0, f"{words}{PATCH}\n")
    assert command(url, "stop", "move") == (0, "move: stopped\n")
    assert mailtrip.series()['mailtrip_maintenance{probe="self"}'] == 0
    assert command(url, "list") == (0, f"{PATCH}\n")

    # What it refuses.
    assert command(url, "stop", "move") == (1, "mailtrip: there is no window move\n")
    assert command(url, "start", "a", "--probes", "*", "--for", "soon")[1].startswith(
        "mailtrip: duration: not a duration"
    )
    status, words = command(url, "start", "patch", "--probes", "*", "--end", "2090-01-01T00:00:00Z")
    assert (status, "in the configuration" in words) == (1, True)


def test_without_the_admin_api_it_only_lists(made: list[Exporter], tmp_path: Path) -> None:
    url = f"http://{started(made, tmp_path).address}"
    assert command(url, "list") == (0, f"{PATCH}\n")
    status, words = command(url, "start", "move", "--probes", "*", "--for", "1h")
    assert (status, words) == (
        1,
        f"mailtrip: changes are not allowed: start mailtrip with {ADMIN}\n",
    )
    # Its own user needs neither the flag nor a login, at its socket.
    own = RunningServer(url, instead=lambda: f"unix:{socket_in(tmp_path / 'state')}")
    window = {"name": "move", "probes": ["*"], "duration": "1h"}
    assert own.request("POST", "/maintenance", window)["name"] == "move"
    assert own.detour == f"the mailtrip at {own.address} answered, since {url} refuses"
    assert own.address.startswith("unix:")
    direct = RunningServer(own.address)
    assert direct.request("DELETE", "/maintenance/move") == {"name": "move"}
    assert direct.detour == ""
    own.request("POST", "/maintenance", window)
    assert command(url, "list")[1].startswith("move: now, ")


@pytest.mark.parametrize(
    ("url", "words", "status", "said"),
    [
        ("ftp://x", ["list"], 2, "--url is not the address of a mailtrip"),
        ("http://x:port", ["list"], 2, "--url is not the address of a mailtrip"),
        ("http://127.0.0.1:1", ["list"], 1, "no mailtrip answers at http://127.0.0.1:1: "),
        (
            "http://u:secret@127.0.0.1:1/m",
            ["list"],
            1,
            "no mailtrip answers at http://127.0.0.1:1/m:",
        ),
        ("http://127.0.0.1:1", ["stop"], 2, "maintenance stop needs the NAME of a window"),
        (
            "http://127.0.0.1:1",
            ["start", "a", "--for", "1h"],
            2,
            "maintenance start needs --probes",
        ),
        ("http://127.0.0.1:1", ["start", "a", "--probes", "x"], 2, "maintenance start needs --pr"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(
    url: str, words: list[str], status: int, said: str
) -> None:
    found, text = command(url, *words)
    assert (found, text[: len(said) + 10]) == (status, f"mailtrip: {said}")
    assert text.count("\n") == 1


def test_a_password_is_not_taken_from_the_command_line() -> None:
    status, said = command("http://localhost:1", "list", "--url", "http://u:secret@localhost:1")
    assert status == 2
    assert "set the address in the variable MAILTRIP_URL instead" in said
    assert "secret" not in said


def test_a_reload_starts_and_stops_the_windows_of_the_file(
    made: list[Exporter], tmp_path: Path
) -> None:
    mailtrip = started(made, tmp_path)
    written = mailtrip.file.read_text()
    mailtrip.configure(written.partition("maintenance:")[0])
    assert mailtrip.reload()[0] == 200
    assert not [name for name in mailtrip.series() if name.startswith("mailtrip_maintenance")]
    mailtrip.configure(written.replace("start: 2090", "start: 2020"))
    assert mailtrip.reload()[0] == 200
    shown = mailtrip.series()
    assert shown['mailtrip_maintenance{probe="self"}'] == 1
    assert shown['mailtrip_mailbox_maintenance{mailbox="own"}'] == 1


def listed(url: str) -> int:
    options = read(["maintenance", "list"])
    options.url = url  # the command line takes no password
    return maintenance.run(options)


WINDOW = {"name": "a", "start": 0, "end": 1, "lasts": True, "probes": ["*"]}


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b"\xff",
        [],
        {"items": None, "next": None},
        {"items": [1], "next": None},
        {"items": [{}], "next": None},
        {"items": [WINDOW | {"end": 1e300}], "next": None},
        {"items": [WINDOW | {"end": "x"}], "next": None},
        {"items": [WINDOW | {"probes": 1}], "next": None},
    ],
)
def test_a_server_that_says_something_else_is_one_line(
    body: object, capsys: pytest.CaptureFixture[str]
) -> None:
    with hostile(body) as (address, _):
        assert listed(f"http://{address}") == 1
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert err.startswith(f"mailtrip: no mailtrip answers at http://{address}: ")


def test_what_a_server_says_moves_no_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    name = "a\x1b[31m\u202e\nb: stopped"
    with hostile({"items": [WINDOW | {"name": name}], "next": None}) as (address, _):
        assert listed(f"http://{address}") == 0
    assert capsys.readouterr().out.startswith("a [31m b: stopped: now, 1970-01-01 00:00:00")


@pytest.mark.parametrize("path", ["", "/api/v1/maintenance?offset=0"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_login_is_not_taken_to_where_a_redirect_leads(
    status: int, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with hostile({"items": [], "next": None}) as (elsewhere, stolen):
        moved = f"http://{elsewhere}/"
        with hostile(b"", status, f"{moved}{path}") as (address, logins):
            assert listed(f"http://user:secret@{address}") == 1
    assert (len(logins), stolen) == (1, [])
    assert f"refused: {status}" in (words := capsys.readouterr().err)
    assert f"moved to {moved}: give this as --url" in words
