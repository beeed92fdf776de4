"""The command line, run as a user runs it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.mailtrip_process import Exporter
from tests.support.ports import free_port

pytestmark = pytest.mark.slow

CONFIGURATION = """\
mailboxes:
  dead: {imap: {host: 127.0.0.1, port: 1, username: me, password: {env: MAILTRIP_TEST_PASSWORD}}}
  own: {smtpd: {listen: "127.0.0.1:%(receiver)d", recipients: [self@mon.example.org]}}
modules:
  self:
    session_timeout: 1s
    targets: ["self@mon.example.org"]
    roundtrip:
      from: probe@mon.example.org
      send: {smtp: {host: 127.0.0.1, port: %(receiver)d, tls: none}}
      mailbox: own
  dead:
    session_timeout: 1s
    roundtrip:
      from: probe@mon.example.org
      send: {smtp: {host: 127.0.0.1, port: 1, tls: none}}
      mailbox: dead
probes:
  - {name: me, module: self, target: self@mon.example.org}
  - {name: nobody, module: dead, target: someone@example.org}
resolver: {nameservers: ["127.0.0.1:1"]}
"""


PROGRAM = [sys.executable, "-W", "error", "-m", "exporter"]


def with_environment(**variables: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2]), **variables}


def mailtrip(
    *arguments: str, directory: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *arguments],
        cwd=directory,
        env=with_environment(**environment),
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_version_and_help_are_there(tmp_path: Path) -> None:
    assert mailtrip("--version", directory=tmp_path).stdout.startswith("mailtrip 0.")
    first = mailtrip("--help", directory=tmp_path).stdout
    assert "\n  mailtrip check --try mailtrip.yml  " in first, "examples"
    shown = mailtrip("serve", "--help", directory=tmp_path).stdout
    assert all(
        flag in shown
        for flag in ("--config.file", "--web.listen-address", "--state.dir", "--log.level")
    )
    alone = mailtrip(directory=tmp_path)
    assert alone.returncode == 2
    assert all(
        re.search(rf"\n    {command}\s", alone.stderr)
        for command in ("serve", "check", "probe", "maintenance", "report", "schema")
    )


def test_a_file_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    for command in (["check", "nowhere.yml"], ["serve", "--config.file", "nowhere.yml"]):
        done = mailtrip(*command, directory=tmp_path)
        assert (done.returncode, done.stderr) == (
            2,
            "nowhere.yml: cannot be read: No such file or directory\n",
        )


def test_who_forgets_the_configuration_is_told_so(tmp_path: Path) -> None:
    done = mailtrip("probe", "me", directory=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("mailtrip: no probe 'me'; no --config.file is given; known: self")


def test_the_file_of_the_working_directory_is_the_default(file: str, tmp_path: Path) -> None:
    done = mailtrip("check", directory=tmp_path, MAILTRIP_TEST_PASSWORD="x")
    assert done.stdout == "mailtrip.yml: OK: modules: 2, mailboxes: 2, probes: 2\n"
    done = mailtrip("probe", "self", directory=tmp_path)
    assert done.stderr.startswith("mailtrip: no probe 'self' in mailtrip.yml; known: me, nobody")
    Path(file).unlink()
    Path(file).symlink_to("nowhere.yml")
    done = mailtrip("serve", directory=tmp_path)
    assert (done.returncode, done.stderr) == (
        2,
        "mailtrip.yml: cannot be read: No such file or directory\n",
    ), "a file that is there and cannot be read is no reason for a demonstration"


def test_a_reader_that_has_read_enough_is_no_bug(tmp_path: Path) -> None:
    command, env = [*PROGRAM, "schema"], with_environment()
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=tmp_path, env=env, stdout=pipe, stderr=pipe) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert (process.stderr.read(), process.wait(60)) == (b"", 141)


@pytest.mark.parametrize(("stream", "status"), [("stdout", 141), ("stderr", 0)])
def test_a_reader_that_goes_away_makes_no_trip_a_failed_one(
    stream: str, status: int, file: str, tmp_path: Path
) -> None:
    """1 would say that the trip has failed."""
    env = with_environment(MAILTRIP_TEST_PASSWORD="x")
    line = [
        *PROGRAM,
        "probe",
        "--config.file",
        file,
        "me",
        "--transcript",
    ]
    reader, writer = os.pipe()
    os.close(reader)
    streams: dict[str, int] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | {
        stream: writer
    }
    done = subprocess.run(line, cwd=tmp_path, env=env, timeout=60, **streams)  # type: ignore[call-overload]
    os.close(writer)
    assert done.returncode == status
    assert b"Traceback" not in (done.stderr or b"")


def test_a_locale_that_cannot_say_everything_is_no_bug(file: str, tmp_path: Path) -> None:
    done = mailtrip(
        "probe", "--config.file", file, "me", directory=tmp_path, PYTHONIOENCODING="latin-1"
    )
    assert done.returncode == 0
    assert done.stderr.startswith("? open")
    assert "  OK  " in done.stdout


@pytest.mark.parametrize(
    "command",
    [["check", "{file}"], ["schema"], ["probe", "--config.file", "{file}", "me"], ["--help"]],
)
def test_a_full_disk_of_the_output_is_one_clear_line(
    command: list[str], file: str, tmp_path: Path
) -> None:
    env = with_environment(MAILTRIP_TEST_PASSWORD="x")
    line = [
        *PROGRAM,
        *(word.format(file=file) for word in command),
    ]
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            line, cwd=tmp_path, env=env, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60
        )
    assert done.returncode == 2
    assert (
        done.stderr.splitlines()[-1] == "mailtrip: cannot write the output: No space left on device"
    )
    assert "Traceback" not in done.stderr


def test_streams_that_are_closed_change_no_exit_status(file: str, tmp_path: Path) -> None:
    """And no file that is opened later, such as the state, gets the number of one."""
    env = with_environment(MAILTRIP_TEST_PASSWORD="x")
    python = f"{sys.executable} -W error -m exporter"

    def status(line: str) -> int:
        return subprocess.run(
            ["sh", "-c", f"{python} {line}"], cwd=tmp_path, env=env, timeout=60
        ).returncode

    assert status(f"check {file} <&- >&- 2>&-") == 0
    assert status(f"probe --config.file {file} me >&-") == 0
    assert status(f"probe --config.file {file} nobody >&- 2>&-") == 1
    assert status("check nowhere.yml 2>&-") == 2
    assert status("check nowhere.yml 2>/dev/full") == 2


def test_a_terminal_without_columns_is_written_to_all_the_same(file: str, tmp_path: Path) -> None:
    done = mailtrip("probe", "--config.file", file, "me", directory=tmp_path, COLUMNS="0")
    assert (done.returncode, "  OK  " in done.stdout) == (0, True)


def test_two_addresses_of_one_port_are_not_blamed_on_another_program(
    file: str, tmp_path: Path
) -> None:
    port = free_port()
    for second, said in (
        (f":{port}", f"--web.listen-address :{port} is given twice: remove one"),
        (
            f"127.0.0.1:{port}",
            f":{port} and 127.0.0.1:{port} overlap: without a host, it listens on all addresses",
        ),
    ):
        flags = (f"--web.listen-address=:{port}", f"--web.listen-address={second}")
        done = mailtrip("serve", "--config.file", file, *flags, directory=tmp_path)
        assert done.returncode == 2
        assert done.stderr.endswith(f"{said}\n")


def test_the_schema_is_json_and_knows_the_choices(tmp_path: Path) -> None:
    schema = json.loads(mailtrip("schema", directory=tmp_path).stdout)
    assert set(schema["properties"]) >= {"mailboxes", "modules", "probes", "resolver", "state"}


def test_what_stands_in_the_way_of_serving_is_one_clear_line(file: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = mailtrip(
            "serve", "--config.file", file, "--web.listen-address", address, directory=tmp_path
        )
        assert done.returncode == 2
        assert (
            done.stderr.splitlines()[-1]
            == f"mailtrip: cannot listen on {address}: address already in use"
        )
    (tmp_path / "state").write_text("")
    done = mailtrip("serve", "--config.file", file, "--state.dir", "state/dir", directory=tmp_path)
    assert done.returncode == 2
    assert (
        done.stderr == "mailtrip: cannot write in the state directory state/dir: Not a directory\n"
    )
    done = mailtrip("serve", "--web.listen-address", "nonsense", directory=tmp_path)
    assert done.returncode == 2
    assert "write HOST:PORT, such as 127.0.0.1:2525" in done.stderr


@contextmanager
def serving(file: str, directory: Path) -> Iterator[Exporter]:
    exporter = Exporter(Path(file).read_text(), directory / "serve")
    try:
        yield exporter
    finally:
        exporter.kill()


def test_two_that_share_a_state_directory_are_one_too_many(file: str, tmp_path: Path) -> None:
    with serving(file, tmp_path):
        state = tmp_path / "serve" / "state"
        done = mailtrip(
            "serve", "--config.file", file, "--state.dir", str(state), directory=tmp_path
        )
        assert done.returncode == 2
        assert (
            done.stderr
            == f"mailtrip: another mailtrip uses the state directory {state}; give this one its"
            " own, with --state.dir\n"
        )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_politely(file: str, tmp_path: Path, number: signal.Signals) -> None:
    with serving(file, tmp_path) as exporter:
        exporter.wait_for('mailtrip_success{probe="me"}')
        assert exporter.stop(number) == 0
        log = exporter.log.read_text()
        assert "stopping; trips in progress stay pending" in log
        assert "Traceback" not in log


def test_no_series_of_a_failing_probe_is_missing(file: str, tmp_path: Path) -> None:
    with serving(file, tmp_path) as exporter:
        exporter.wait_for('mailtrip_trips_total{probe="nobody"}')
        exporter.wait_for('mailtrip_trips_total{probe="me"}')
        series = exporter.series()
        assert series['mailtrip_success{probe="nobody"}'] == 0
        assert series['mailtrip_mailbox_connected{mailbox="dead"}'] == 0
        assert series['mailtrip_mailbox_connected{mailbox="own"}'] == 1
        assert any(
            name.startswith("mailtrip_last_failure_info") and "nobody" in name for name in series
        )
        assert "the environment variable MAILTRIP_TEST_PASSWORD is not set" not in exporter.get(
            "/metrics"
        )
        named, other = (
            {family(name) for name in series if f'probe="{probe}"' in name}
            for probe in ("me", "nobody")
        )
        assert {name for name in named - other if not name.startswith("mailtrip_last_")} == {
            *(
                "mailtrip_hops",
                "mailtrip_hop_delay_seconds",
                "mailtrip_authentication_result",
            ),  # it has not arrived by any way
            "mailtrip_smtp_reply_code",  # nobody has replied
        }


def family(series: str) -> str:
    return series.partition("{")[0]
