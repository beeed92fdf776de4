"""`mailtrip probe` beside a `mailtrip serve` that receives its mail: the running one makes the
trip."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.mailtrip_process import Exporter
from tests.support.ports import free_port

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
CONFIGURATION = """
state: {dir: %(state)s}
mailboxes: {own: {smtpd: {listen: "127.0.0.1:%(port)d", recipients: [me@mon.test]}}}
modules:
  self:
    timeout: %(timeout)s
    targets: ["*@mon.test"]
    roundtrip: {from: a@mon.test, send: {%(send)s}, mailbox: own}
  backup: {heartbeat: {mailbox: own, every: 1h, from: "*@jobs.test"}}
probes:
  - {name: self, module: self, target: me@mon.test, interval: 1h}
  - {name: backup, module: backup}
"""
SMTP = "smtp: {host: 127.0.0.1, port: %(port)d, tls: none%(more)s}"
THE_RUNNING_ONE = "the running mailtrip "  # makes the trip, or has just made one


class Place:
    """A directory with the configuration of a `serve` that runs there."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self.configure()

    def configure(self, more: str = "", send: str = SMTP, timeout: str = "20s") -> str:
        sending = send % {"port": self.port, "more": more}
        values = {"state": self.directory / "state", "send": sending, "timeout": timeout}
        text = CONFIGURATION % (values | {"port": self.port})
        (self.directory / "mailtrip.yml").write_text(text)
        return text

    def start(self, *words: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "exporter", "probe", "--config.file", "mailtrip.yml", *words],
            cwd=self.directory,
            env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def probe(self, *words: str) -> tuple[int, str, str]:
        """Its status, and what it says on both streams."""
        running = self.start(*words)
        out, err = running.communicate(timeout=60)
        return running.returncode, out, err


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def serving(place: Place, servers: None) -> Iterator[Exporter]:
    exporter = Exporter(place.configure(), place.directory)
    yield exporter
    exporter.kill()


def kinds(document: str) -> tuple[set[str], list[str], list[tuple[str, str | None]]]:
    """The fields, the facts and the spans of a trip in JSON."""
    trip = json.loads(document)
    facts = sorted(fact["fact"] for fact in trip["facts"])
    return {*trip}, facts, [(span["phase"], span["step"]) for span in trip["spans"]]


def steps(transcript: str) -> list[str]:
    """The lines of a transcript without their times and what differs between trips."""
    lines = transcript.partition("transcript (")[2].partition("\n\n")[0].splitlines()[1:]
    return [line.split()[1] + line.split(maxsplit=2)[2][:9] for line in lines]


def test_the_running_one_makes_the_trip_and_it_looks_like_one_of_our_own(
    place: Place, tmp_path: Path, servers: None
) -> None:
    _, own_document, _ = place.probe("--json", "self")
    status, own_words, own_progress = place.probe("--transcript", "self")
    assert status == 0
    exporter = Exporter(place.configure(), place.directory)
    try:
        exporter.wait_for('mailtrip_success{probe="self"}')
        status, document, err = place.probe("--json", "self")
        assert (status, err) == (0, "")
        assert kinds(document) == kinds(own_document)
        status, words, progress = place.probe("--transcript", "self")
        assert status == 0
        assert progress.startswith(THE_RUNNING_ONE)
        assert [line[:9] for line in progress.splitlines()[1:]] == [
            line[:9] for line in own_progress.splitlines()
        ]
        assert words.splitlines()[-1].startswith("OK: round trip ")
        assert steps(words) == steps(own_words)
        kept = json.loads(exporter.get("/api/v1/trips?probe=self"))["items"]
        assert json.loads(document)["trip"] in [trip["trip"] for trip in kept]
        status, words, _ = place.probe("--module", "self", "stranger@mon.test")
        assert status == 1
        assert words.splitlines()[-1].startswith("send/rcpt: rejected 550: ")
        assert "transcript (seconds" in words
        status, words, progress = place.probe("backup")
        assert (status, THE_RUNNING_ONE in progress) == (0, True)
        assert "OK: no heartbeat is due yet" in words
    finally:
        exporter.kill()


def test_a_secret_that_only_the_running_one_can_read_does_not_stop_the_trip(
    place: Place, servers: None
) -> None:
    """As the credentials of a unit, or the variables of its EnvironmentFile."""
    login = ", username: u, password: {env: MAILTRIP_TEST_SECRET}"
    os.environ["MAILTRIP_TEST_SECRET"] = "sesame"
    try:
        exporter = Exporter(place.configure(login), place.directory)
    finally:
        del os.environ["MAILTRIP_TEST_SECRET"]
    try:
        status, words, err = place.probe("self")
    finally:
        exporter.kill()
    assert (status, THE_RUNNING_ONE in err) == (1, True)
    assert "sesame" not in words + err
    status, _, err = place.probe("self")
    assert (status, "MAILTRIP_TEST_SECRET" in err) == (2, True)


def test_another_configuration_than_the_running_one_is_never_confused_with_it(
    place: Place, serving: Exporter
) -> None:
    place.configure(timeout="30s")
    status, out, err = place.probe("self")
    assert (status, out) == (2, "")
    assert err == (
        "mailtrip: the running mailtrip makes no trip: mailtrip runs with another configuration of"
        " module self: reload it\n"
    )


def test_after_a_kill_the_socket_is_stale_and_nothing_minds_it(
    place: Place, serving: Exporter
) -> None:
    serving.kill()
    assert (place.directory / "state/api.sock").is_socket()
    status, _, err = place.probe("self")
    assert (status, THE_RUNNING_ONE in err) == (0, False)
    again = Exporter(place.configure(), place.directory)
    try:
        assert THE_RUNNING_ONE in place.probe("self")[2]
    finally:
        assert again.stop() == 0
    assert not (place.directory / "state/api.sock").exists()


def in_progress(exporter: Exporter) -> list[str]:
    """The trips of its probe."""
    document = json.loads(exporter.get("/api/v1/probes?probe=self"))
    found: list[str] = document["items"][0]["in_progress"]
    return found


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_it_says_that_the_running_one_goes_on(
    place: Place, servers: None, number: signal.Signals, status: int
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # never greets
        to = SMTP.replace("%(port)d", str(silent.getsockname()[1]))
        exporter = Exporter(place.configure(send=to), place.directory)
        while not (trips := in_progress(exporter)):
            time.sleep(0.05)
        running = place.start("self")
        try:
            assert running.stderr
            assert "this is that trip" in running.stderr.readline()
            running.send_signal(number)
            _, err = running.communicate(timeout=30)
            (trip,) = trips
            assert in_progress(exporter) == trips
        finally:
            running.kill()
            exporter.kill()
    assert running.returncode == status
    assert f"interrupted; the running mailtrip continues trip {trip}" in err
    assert "Traceback" not in err


def test_if_the_running_one_stops_it_says_so(place: Place, servers: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        to = SMTP.replace("%(port)d", str(silent.getsockname()[1]))
        exporter = Exporter(place.configure(send=to), place.directory)
        running = place.start("self")
        try:
            assert running.stderr
            running.stderr.readline()
            exporter.kill()
            out, err = running.communicate(timeout=30)
        finally:
            running.kill()
            exporter.kill()
    assert (running.returncode, out) == (2, "")
    assert "but no longer reports on it: no mailtrip answers at unix:" in err
    assert "--url" not in err


def test_a_path_that_is_too_long_for_a_socket_keeps_nothing_from_starting(
    tmp_path: Path, servers: None
) -> None:
    directory = tmp_path / ("d" * 100)
    directory.mkdir()
    place = Place(directory)
    exporter = Exporter(place.configure(), directory)
    try:
        exporter.wait_for('mailtrip_success{probe="self"}')
    finally:
        assert exporter.stop() == 0
    assert "commands such as probe cannot use this mailtrip" in exporter.log.read_text()
