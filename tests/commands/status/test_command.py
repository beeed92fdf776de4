"""`mailtrip status` against a running mailtrip, and against servers that are none."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exporter.commands.flags import read
from exporter.commands.status import command as status
from tests.commands.status.probes import failed, item, trip
from tests.support.canned_answers import hostile
from tests.support.mailtrip_process import Exporter
from tests.support.ports import free_port
from tests.support.web_config_folder import CLIENTS, PASSWORD, TLS, USERS, Folder
from tests.web.test_web_config_served import serving, wait_until_it_answers

CONFIGURATION = """
mailboxes:
  own: {smtpd: {listen: "127.0.0.1:%(port)d", recipients: [me@example.org, you@example.org]}}
modules:
  self: &module
    session_timeout: 5s
    timeout: 10s
    targets: [you@example.org]
    roundtrip: &trip
      {from: a@example.org, send: {smtp: {host: 127.0.0.1, port: %(port)d, tls: none}}, mailbox: own}
  dead:
    <<: *module
    roundtrip: {<<: *trip, send: {smtp: {host: 127.0.0.1, port: 1, tls: none}}}
probes:
  - {name: good, module: self, target: me@example.org, interval: 1h}
  - {name: bad, module: dead, target: me@example.org, interval: 1h}
  - {name: moved, module: dead, target: you@example.org, interval: 1h}
maintenance:
  - {name: move, probes: [moved], start: 2020-01-01T00:00:00Z, end: 2090-01-01T00:00:00Z}
"""  # noqa: E501
DATA = "probes=3;;;0 critical=1;;;0;3 warning=0;;;0;3 unknown=0;;;0;3 "


@pytest.fixture(scope="module")
def mailtrip(servers: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    """All of its probes have made a trip."""
    directory = tmp_path_factory.mktemp("status")
    listen = "--web.listen-address", f"unix:{directory}/web.sock"
    one = Exporter(CONFIGURATION % {"port": free_port()}, directory, *listen)
    try:
        for name in ("good", "bad", "moved"):
            one.wait_for(f'mailtrip_last_trip_timestamp_seconds{{probe="{name}"}}')
        yield one
    finally:
        one.kill()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def run(url: str, *words: str) -> int:
    """Its exit status."""
    options = read(["status", *words])
    options.url = url  # the command line takes no password
    return status.run(options)


def why(mailtrip: Exporter) -> str:
    """The failure of the probe `bad`."""
    said = json.loads(mailtrip.get("/api/v1/probes?probe=bad"))["items"][0]["newest"]["failure"]
    return f"{said['phase']}/{said['step']}: {said['reason']}: {said['detail']}"


def test_a_table_of_all_probes(mailtrip: Exporter, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"http://{mailtrip.address}"
    assert run(url) == 1
    head, *lines, last = capsys.readouterr().out.splitlines()
    assert head.split("  ")[0] == "probe"
    assert [line.split()[:2] for line in lines if not line.startswith(" ")] == [
        ["bad", "critical"],
        ["good", "OK"],
        ["moved", "planned"],
    ]
    assert lines[1].startswith("    failing for ")
    assert lines[1].endswith(f": {why(mailtrip)}")
    assert lines[-1].startswith(
        "    planned maintenance (move) until 2090-01-01 00:00:00 UTC, fail"
    )
    assert last == f"1 critical, 2 OK, at {url}"


def test_more_about_one_probe(mailtrip: Exporter, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"http://{mailtrip.address}"
    assert run(url, "GOOD") == 0
    text = capsys.readouterr().out
    assert text.startswith("good: OK\n  the message took ")
    for part in ("self → me@example.org", "every 1 h, after a failure 1 min later", "100.000 %"):
        assert part in text
    page = "/trips?probe=good"
    assert text.endswith(f"{url}{page}\n")
    assert "good" in mailtrip.get(page)


def test_a_plugin_says_it_in_one_line(
    mailtrip: Exporter, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"http://{mailtrip.address}"
    assert run(url, "--format", "nagios") == 2
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("MAILTRIP CRITICAL: bad: failing for ")
    assert f" (2 other probes are OK) | {DATA}good::delay=" in first
    assert run(url, "--format", "nagios", "good") == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("MAILTRIP OK: good: the message took ")
    assert "| delay=" in first
    assert run(url, "--format", "nagios", "moved") == 0
    assert run(url, "--format", "nagios", "good", "--warning", "1ms") in (0, 1)


def test_json_has_what_the_api_says_and_the_verdict(
    mailtrip: Exporter, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"http://{mailtrip.address}"
    assert run(url, "--format", "json", "--module", "dead") == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["mailtrip"], found["verdict"], found["error"]) == (url, "critical", None)
    assert [(one["name"], one["verdict"]) for one in found["probes"]] == [
        ("bad", "critical"),
        ("moved", "ok"),
    ]
    said = json.loads(mailtrip.get("/api/v1/probes?probe=bad"))["items"][0]
    assert {one: found["probes"][0][one] for one in said if one != "next_trip_at"} == {
        one: value for one, value in said.items() if one != "next_trip_at"
    }
    assert said["failures"] == 1
    assert found["probes"][1]["maintenance_ends_at"] == 3786912000


def test_names_are_patterns_as_in_windows_of_maintenance(
    mailtrip: Exporter, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"http://{mailtrip.address}"
    for words, names in (
        (["*o*"], ["good", "moved"]),
        (["[gm]o*"], ["good", "moved"]),
        (["good"], ["good"]),
        (["--module", "self"], ["good"]),
        (["--module", "dead", "you@*"], ["moved"]),
        (["--module", "dead", "me@example.org"], ["bad"]),
    ):
        run(url, "--format", "json", *words)
        found = json.loads(capsys.readouterr().out)["probes"]
        assert [one["name"] for one in found] == names


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["god"], "no probe 'god' at %s; did you mean good?"),
        (["x*"], "no probe 'x*' at %s; known: bad, good, moved"),
        (["--module", "slf"], "no module 'slf' at %s; did you mean self?"),
        (
            ["--module", "dead", "mee@example.org"],
            "no target 'mee@example.org' of module dead at %s; did you mean me@example.org?",
        ),
    ],
)
def test_a_slip_in_a_name_is_unknown_and_has_a_cure(
    mailtrip: Exporter, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"http://{mailtrip.address}"
    said = said % url
    assert run(url, *words) == 3
    assert capsys.readouterr().err == f"mailtrip: {said}\n"
    assert run(url, "--format=nagios", *words) == 3
    assert capsys.readouterr().out == f"MAILTRIP UNKNOWN: {said}\n"
    assert run(url, "--format=json", *words) == 3
    assert json.loads(capsys.readouterr().out)["error"] == said


def test_a_socket_in_the_file_system_will_do(
    mailtrip: Exporter, capsys: pytest.CaptureFixture[str]
) -> None:
    path = mailtrip.file.parent / "web.sock"
    for url in (f"unix:{path}", f"unix://{path}", f"unix:{path}:/"):
        assert run(url, "--format", "nagios", "good") == 0
        assert "MAILTRIP OK: good: " in capsys.readouterr().out


def test_a_prefix_is_part_of_the_address(
    tmp_path: Path, servers: None, capsys: pytest.CaptureFixture[str]
) -> None:
    listen = f"unix:{tmp_path}/web.sock"
    flags = "--web.route-prefix", "/mail", "--web.listen-address", listen
    one = Exporter(CONFIGURATION % {"port": free_port()}, tmp_path, *flags, prefix="/mail")
    try:
        one.wait_for('mailtrip_trips_total{probe="good"}', "/mail/metrics")
        assert run(f"http://{one.address}/mail/", "good") == 0
        assert f"http://{one.address}/mail/trips?probe=good" in capsys.readouterr().out
        assert run(f"{listen}:/mail", "good") == 0
        capsys.readouterr()
        assert run(f"http://{one.address}", "good") == 3
        assert "refused: 404 Not Found" in capsys.readouterr().err
    finally:
        one.kill()


def test_it_shows_who_it_is_and_knows_who_the_server_is(
    servers: None, folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = folder.authority_of_clients.issue_cert("nagios.test")
    mine.private_key_and_cert_chain_pem.write_to_path(folder.path / "mine.pem")
    password = folder.path / "password"
    password.write_text(f"{PASSWORD}\n")
    configuration = folder.path / "mailtrip.yml"
    configuration.write_text(CONFIGURATION % {"port": free_port()})
    web = "--web.config.file", folder.write(TLS + CLIENTS + USERS)
    with serving(folder, str(configuration), *web) as (address, process):
        wait_until_it_answers(address, folder.client("nagios.test"), process)
        url = f"https://{address}"
        authority = "--ca.file", f"{folder.path}/ca.crt"
        certificate = "--cert.file", f"{folder.path}/mine.pem"
        login = "--user", "alice", "--password.file", str(password)

        def said(*words: str, at: str = url) -> str:
            run(at, "--format", "nagios", *words)
            return capsys.readouterr().out

        unknown = (
            "(self-signed certificate in certificate chain|unable to get local issuer certificate)"
        )
        assert re.search(f"at {re.escape(url)}: {unknown}; --ca.file names the CA to trust", said())
        assert f"no mailtrip answers at {url}: " in said(*authority)
        refused = f"refused: 401 Unauthorized at {url}: "
        assert f"{refused}it needs --user and --password.file" in said(*authority, *certificate)
        whole = said(*authority, *certificate, *login)
        assert DATA[:9] in whole
        password.write_text("wrong\n")
        assert f"{refused}is the login right?" in said(*authority, *certificate, *login)
        named = f"https://alice:{PASSWORD.replace(' ', '%20')}@{address}"
        whole = said(*authority, *certificate, at=named)
        assert DATA[:9] in whole
        assert PASSWORD not in whole


def page(*items: object, following: str | None = None) -> dict[str, Any]:
    return {"items": items, "next": following}


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"items": None, "next": None},
        page(1),
        page({}),
        page(item(interval="5m")),
        page(item(newest=trip(started_at=1e300))),
    ],
)
@pytest.mark.parametrize("form", ["text", "json", "nagios"])
def test_a_server_that_says_something_else_is_one_line(
    body: object, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with hostile(body) as (address, _):
        assert run(f"http://{address}", "--format", form) == 3
    out, err = capsys.readouterr()
    why = f"no mailtrip answers at http://{address}: another program does"
    if form == "json":
        assert (json.loads(out)["error"], json.loads(out)["probes"]) == (why, [])
    else:
        said = {"text": f"mailtrip: {why}\n", "nagios": f"MAILTRIP UNKNOWN: {why}\n"}[form]
        assert out + err == said


def test_what_is_no_json_is_not_passed_on(capsys: pytest.CaptureFixture[str]) -> None:
    with hostile(page(item(later=[float("inf")]))) as (address, _):
        assert run(f"http://{address}", "--format", "json") == 3
    assert "another program does" in capsys.readouterr().out


def test_without_probes_nobody_knows(capsys: pytest.CaptureFixture[str]) -> None:
    with hostile(page()) as (address, _):
        assert run(f"http://{address}") == 3
    assert capsys.readouterr().err == f"mailtrip: there are no probes yet at http://{address}\n"


def test_a_list_without_end_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    with hostile(page(item(), following="more")) as (address, logins):
        assert run(f"http://{address}", "--format", "nagios") == 3
    assert len(logins) == 20
    assert "has more than 20,000 probes: name some of them" in capsys.readouterr().out


def test_what_a_server_says_moves_no_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    evil = failed("a\x1b[31m\u202e\n\rb", maintenance="x\x1b[2J")
    with hostile(page(evil, evil)) as (address, _):
        for words in ([], ["*"], ["--format", "nagios"]):
            run(f"http://{address}", *words)
            out = capsys.readouterr().out
            assert "a [31m b" in out or "all 2 probes are OK" in out
            assert all(line.isprintable() for line in out.splitlines())


def test_a_redirect_is_not_followed(capsys: pytest.CaptureFixture[str]) -> None:
    with hostile(page(item())) as (elsewhere, stolen):
        moved = f"http://{elsewhere}"
        with hostile(b"", 302, f"{moved}/api/v1/probes") as (address, _):
            assert run(f"http://user:secret@{address}") == 3
    assert not stolen
    said = f"mailtrip: refused: 302 Found, moved to {moved}: give this as --url\n"
    assert capsys.readouterr().err == said


def command(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "exporter", *words],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | {"PYTHONUTF8": "1"} | environment,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["status", "--format", "nagios", "--frob"], "unknown arguments: --frob; see mailtrip s"),
        (["status", "--format=nagios", "a", "b"], "unknown arguments: b; see mailtrip status"),
        (
            ["status", "--format=nagios", "--warning", "soon"],
            "argument --warning: 'soon': not a duration;",
        ),
        (["status", "--format=nagios", "--ca.file", "/gone"], "no mailtrip answers at http"),
        (["status", "--format=nagios", "--user", "me"], "--user needs --password.file"),
        (
            ["probe", "--format=nagios", "--config.file", "/gone", "x"],
            "/gone: cannot be read: No such file",
        ),
        (
            ["probe", "--format=nagios", "--config.file", os.devnull, "x"],
            "/dev/null:1:1: this file",
        ),
        (["probe", "--format=nagios", "--json", "x"], "--json and --format nagios exclude each"),
    ],
)
def test_a_plugin_that_is_called_in_a_wrong_way_is_unknown(words: list[str], said: str) -> None:
    done = command(*words, MAILTRIP_URL="http://127.0.0.1:1")
    assert (done.returncode, done.stderr) == (3, "")
    assert done.stdout.startswith(f"MAILTRIP UNKNOWN: {said}")


@pytest.mark.slow
def test_a_plugin_whose_output_cannot_be_written_is_unknown() -> None:
    words = [sys.executable, "-m", "exporter", "status", "--format", "nagios"]
    with open("/dev/full", "w") as full:
        done = subprocess.run([*words, "--url", "http://127.0.0.1:1"], stdout=full, timeout=60)
    assert done.returncode == 3


@pytest.mark.slow
def test_other_callers_get_the_usual_status(tmp_path: Path) -> None:
    done = command("status", "--warning", "soon")
    assert (done.returncode, done.stdout) == (2, "")
    assert command("status", "--url", "ftp://x").returncode == 2
    assert command("status", "--url", "http://u:p@x").returncode == 2
    assert command("maintenance", "list", "--frob").stderr.startswith(
        "mailtrip maintenance: unknown arg"
    )


@pytest.mark.slow
def test_it_costs_little(mailtrip: Exporter) -> None:
    """It runs once a minute for each probe, perhaps on a small machine."""
    words = ["status", "--format", "nagios", "--url", f"http://{mailtrip.address}"]
    used = list[float]()
    for _ in range(3):
        one = subprocess.Popen(
            [sys.executable, "-m", "exporter", *words], stdout=subprocess.DEVNULL
        )
        _, _, usage = os.wait4(one.pid, 0)
        one.returncode = 0
        used.append(usage.ru_utime + usage.ru_stime)
    assert min(used) < 0.15

    program = (
        "import sys; from exporter.commands.cli import main\n"
        f"try: main({words})\nexcept SystemExit: print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    heavy = {"aiohttp", "asyncio", "pydantic", "rich", "yaml", "exporter.core.model"}
    assert not heavy & set(done.stdout.split())
