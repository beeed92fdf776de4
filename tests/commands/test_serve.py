"""`mailtrip serve` as a user starts it: where it answers, what it logs, how it stops."""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from html import unescape
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.support.mailtrip_process import Exporter
from tests.support.ports import free_port
from tests.support.prometheus import Prometheus

pytestmark = pytest.mark.slow

CONFIGURATION = """\
mailboxes:
  own: {smtpd: {listen: "127.0.0.1:%(receiver)d", recipients: [self@mon.example.org]}}
  frozen: {imap: {host: 127.0.0.1, port: %(frozen)d, tls: none, username: me,
      password: "s3cret-of-%(frozen)d"}}
modules:
  self:
    interval: 1s
    session_timeout: 5s
    targets: ["self@mon.example.org"]
    roundtrip:
      {from: probe@mon.example.org, send: {smtp: {host: 127.0.0.1, port: %(receiver)d, tls: none}},
          mailbox: own}
  frozen:
    interval: 1m
    timeout: 5m
    roundtrip:
      {from: probe@mon.example.org, send: {smtp: {host: 127.0.0.1, port: %(frozen)d, tls: none}},
          mailbox: frozen}
probes:
  - {name: me, module: self, target: self@mon.example.org}
  - {name: stuck, module: frozen, target: someone@example.org}
"""


@pytest.fixture
def frozen() -> Iterator[int]:
    """The port of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        yield server.getsockname()[1]


@pytest.fixture
def configuration(frozen: int) -> str:
    return CONFIGURATION % {"receiver": free_port(), "frozen": frozen}


Start = Callable[..., Exporter]


@pytest.fixture
def start(configuration: str, tmp_path: Path) -> Iterator[Start]:
    started: list[Exporter] = []

    def launch(*flags: str, prefix: str = "") -> Exporter:
        started.append(Exporter(configuration, tmp_path / "mailtrip", *flags, prefix=prefix))
        return started[-1]

    yield launch
    for exporter in started:
        exporter.kill()


def groups(exporter: Exporter, path: str, host: str = "") -> list[dict[str, Any]]:
    request = urllib.request.Request(
        f"http://{exporter.address}{path}", headers={"Host": host or exporter.address}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.headers["Content-Type"].startswith("application/json")
        found: list[dict[str, Any]] = json.load(answer)
        return found


def test_service_discovery_names_every_probe_of_the_configuration(start: Start) -> None:
    exporter = start()
    exporter.get("/probe?module=self&target=self@mon.example.org")
    first, second = groups(exporter, "/sd")
    assert first == {
        "targets": [exporter.address],
        "labels": {
            "__scheme__": "http",
            "__metrics_path__": "/probe",
            "__param_module": "self",
            "__param_target": "self@mon.example.org",
            "instance": "self@mon.example.org",
            "probe": "me",
        },
    }
    assert second["labels"]["probe"] == "stuck"


async def test_prometheus_probes_what_it_discovers(
    start: Start, prometheus: Callable[[str], Prometheus]
) -> None:
    exporter = start("--web.route-prefix=/mail", prefix="/mail")
    jobs = [
        {"job_name": "mailtrip", "http_sd_configs": [{"url": f"http://{exporter.address}/mail/sd"}]}
    ]
    scraping = {"scrape_interval": "1s", "scrape_timeout": "1s"}
    server = prometheus(json.dumps({"global": scraping, "scrape_configs": jobs}))
    (sample,) = await server.wait_for('probe_success{probe="me"} == 1')
    assert sample.labels["instance"] == "self@mon.example.org"
    (sample,) = await server.wait_for('mailtrip_trips_in_flight{probe="stuck"} == 1')
    assert sample.labels["instance"] == "someone@example.org"


def test_pages_are_in_the_time_zone_of_the_flag_and_nothing_else(start: Start) -> None:
    exporter = start("--web.time-zone=Asia/Kolkata")
    assert " IST</time>" in exporter.get("/")
    assert " UTC</time>" not in exporter.get("/")
    assert "IST" not in exporter.get("/metrics") + exporter.get("/api/v1/probes")


def test_the_page_of_a_probe_leads_to_its_dashboard_if_the_flag_says_where(start: Start) -> None:
    page = start("--web.grafana-url=https://mon.example.org/grafana/").get("/trips?probe=me")
    link = "https://mon.example.org/grafana/d/mailtrip-one-probe?var-probe=me"
    assert f'<a href="{link}">its dashboard in Grafana</a>' in page


def test_everything_stands_below_the_prefix_of_the_external_url(start: Start) -> None:
    exporter = start("--web.external-url=https://mon.example.org/mail/", prefix="/mail")
    with pytest.raises(urllib.error.HTTPError, match="404") as nothing:
        exporter.get("/metrics")
    nothing.value.close()  # Python 3.14 warns of one that is left open
    address = 'mailtrip_external_url_info{url="https://mon.example.org/mail"} 1.0'
    assert address in exporter.get("/mail/metrics").splitlines()
    assert ">Probes</h2>" in exporter.get("/")  # by way of a redirection
    assert ">Probes</h2>" in exporter.get("/mail")
    direct, outside = (groups(exporter, "/mail/sd", host)[0] for host in ("", "mon.example.org"))
    assert (direct["targets"], direct["labels"]["__scheme__"]) == ([exporter.address], "http")
    assert (outside["targets"], outside["labels"]["__scheme__"]) == (["mon.example.org"], "https")
    assert {group["labels"]["__metrics_path__"] for group in (direct, outside)} == {"/mail/probe"}


def test_the_configuration_is_shown_without_its_secrets(start: Start, frozen: int) -> None:
    shown = start().get("/config")
    assert "username: me" in shown
    assert "password: <secret>" in shown
    assert "session_timeout: 5s" in shown
    assert f"s3cret-of-{frozen}" not in shown


def test_the_page_of_a_trip_has_the_command_that_makes_it_again(start: Start) -> None:
    exporter = start()
    query = "module=self&target=self@mon.example.org"
    exporter.wait_for("probe_success", f"/probe?{query}")
    (trip, *_) = json.loads(exporter.get(f"/api/v1/trips?{query}"))["items"]
    command = f"mailtrip probe --config.file {shlex.quote(str(exporter.file))} me"
    assert f">{command}</pre>" in unescape(exporter.get(f"/trips/{trip['trip']}"))


class _UnixConnection(HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self._path))


def by_unix(path: Path, what: str = "/-/ready") -> tuple[int, bytes]:
    with closing(_UnixConnection(path)) as connection:
        connection.request("GET", what)
        answer = connection.getresponse()
        return answer.status, answer.read()


def test_a_unix_socket_is_answered_too_and_its_file_goes_in_the_end(
    start: Start, tmp_path: Path
) -> None:
    path = tmp_path / "web.sock"
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))  # as after kill -9
    exporter = start(f"--web.listen-address=unix:{path}")
    assert by_unix(path) == (200, b"mailtrip is ready\n")
    assert exporter.get("/-/ready") == "mailtrip is ready\n"
    with pytest.raises(RuntimeError, match=f"cannot listen on {path}: address already in use"):
        Exporter(
            exporter.file.read_text(), tmp_path / "other", f"--web.listen-address=unix://{path}"
        )
    exporter.stop()
    assert not path.exists()


def run_by_systemd(
    directory: Path, configuration: str, *flags: str, listener: socket.socket
) -> subprocess.Popen[str]:
    """As systemd does it: the socket is descriptor 3, and the environment says so. See
    sd_listen_fds(3)."""
    file = directory / "mailtrip.yml"
    file.write_text(configuration)
    descriptor = listener.fileno()
    script = (
        "import os, sys; os.dup2(int(sys.argv[1]), 3, inheritable=True); os.environ |="
        " {'LISTEN_FDS': '1', 'LISTEN_PID': str(os.getpid())}; os.execv(sys.executable,"
        " [sys.executable, *sys.argv[2:]])"
    )
    serve = [
        "-m",
        "exporter",
        "serve",
        "--config.file",
        str(file),
        "--state.dir",
        str(directory / "state"),
        *flags,
    ]
    return subprocess.Popen(
        [sys.executable, "-c", script, str(descriptor), *serve],
        pass_fds=[descriptor],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )


def test_the_sockets_of_systemd_are_answered(tmp_path: Path, configuration: str) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=50) as listener:
        process = run_by_systemd(tmp_path, configuration, "--web.systemd-socket", listener=listener)
        try:  # who comes early waits in the backlog, as systemd promises
            port = listener.getsockname()[1]
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=60) as answer:
                assert answer.read() == b"mailtrip is ready\n"
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        finally:
            process.kill()
            process.communicate()


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        (
            ["--web.systemd-socket"],
            "mailtrip: systemd passed no socket: start mailtrip through its ",
        ),
        (
            ["--web.systemd-socket", "--web.listen-address=:0"],
            "--web.systemd-socket and --web.listen-address exclude each other",
        ),
        (
            ["--web.external-url=mon.example.org"],
            "mailtrip: --web.external-url: not a URL such as https://",
        ),
        (
            ["--web.external-url=https://me:word@mon.example.org"],
            "mailtrip: --web.external-url: only scheme, host",
        ),
        (
            ["--web.grafana-url=grafana.example.org"],
            "mailtrip: --web.grafana-url: not a URL such as https://grafana.example.org",
        ),
        (
            ["--web.grafana-url=https://me:word@grafana.example.org"],
            "mailtrip: --web.grafana-url: only scheme, host",
        ),
        (
            ["--web.time-zone=Europe/Berln"],
            "'Europe/Berln': not a time zone (IANA); did you mean Europe/Berlin?",
        ),
        (
            ["--web.time-zone=../Berlin"],
            "'../Berlin': not a time zone (IANA)",
        ),
        (
            ["--web.time-zone="],
            "the value is empty; is a variable not set?",
        ),
        (
            ["--web.route-prefix=/../x"],
            "mailtrip: --web.route-prefix: '/../x' is not a path; write one such as /mailtrip",
        ),
        (
            ["--web.listen-address=unix:"],
            "not a path of a socket; write unix:/run/mailtrip/web.sock",
        ),
        (
            ["--web.listen-address=unix:" + "/x" * 60],
            "not a path of a socket; write unix:/run/mailtrip/web.sock",
        ),
    ],
    ids=lambda value: value[0][:30] if isinstance(value, list) else "",
)
def test_a_flag_without_sense_is_one_clear_line(
    flags: list[str], line: str, tmp_path: Path
) -> None:
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    command = [
        sys.executable,
        "-m",
        "exporter",
        "serve",
        "--state.dir",
        str(tmp_path / "state"),
        *flags,
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, cwd=tmp_path, env=env
    )
    assert done.returncode == 2
    assert line in done.stderr
    assert "word" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_log_in_json_has_one_object_a_line_and_names_the_trip(start: Start, frozen: int) -> None:
    exporter = start("--log.format=json")
    exporter.wait_for('mailtrip_success{probe="me"}')
    exporter.stop()
    events = [json.loads(line) for line in exporter.log.read_text().splitlines()]
    assert events[0]["msg"].startswith("mailtrip ")  # the greeting is one of them
    good = next(event for event in events if "succeeded after" in event["msg"])
    assert good.keys() == {"time", "level", "source", "msg", "trip", "module", "target"}
    assert good["msg"].startswith(f"trip {good['trip']} of ")
    assert (good["level"], good["module"], good["target"]) == (
        "INFO",
        "self",
        "self@mon.example.org",
    )
    assert f"s3cret-of-{frozen}" not in exporter.log.read_text()


def test_it_stops_in_time_whatever_hangs_and_a_restart_goes_on_with_its_trips(start: Start) -> None:
    """Both servers of one probe have frozen, a scrape waits for it, and a client is connected that
    says nothing."""
    exporter = start()
    exporter.wait_for('mailtrip_trips_in_flight{probe="stuck"}')
    host, _, port = exporter.address.partition(":")
    with (
        socket.create_connection((host, int(port))),
        closing(HTTPConnection(host, int(port))) as scrape,
    ):
        headers = {"X-Prometheus-Scrape-Timeout-Seconds": "60"}
        scrape.request("GET", "/probe?module=frozen&target=someone@example.org", headers=headers)
        time.sleep(0.5)
        assert exporter.stop() == 0  # SIGKILL would have come after ten seconds
        assert b"mailtrip_trips_in_flight 1" in scrape.getresponse().read()
    assert "Traceback" not in exporter.log.read_text()


def test_a_second_signal_ends_it_at_once(start: Start) -> None:
    exporter = start()
    host, _, port = exporter.address.partition(":")
    with closing(
        HTTPConnection(host, int(port))
    ) as scrape:  # which it would answer politely before it goes
        scrape.request("GET", "/probe?module=frozen&target=someone@example.org")
        time.sleep(0.5)
        exporter.send(signal.SIGTERM)
        while "stopping" not in exporter.log.read_text():
            time.sleep(0.01)
        assert exporter.stop() == -signal.SIGTERM
