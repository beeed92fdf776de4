"""`mailtrip` with a web configuration file, as a user runs it, and a real Prometheus that scrapes
it."""

import json
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.commands.test_cli import CONFIGURATION, mailtrip
from tests.support.ports import free_port
from tests.support.prometheus import Prometheus
from tests.support.web_config_folder import CLIENTS, HASH, PASSWORD, TLS, USERS, Folder

pytestmark = pytest.mark.slow

FILE = "--web.config.file"


@pytest.fixture
def configuration(folder: Folder) -> str:
    file = folder.path / "mailtrip.yml"
    file.write_text(CONFIGURATION % {"receiver": free_port()})
    return str(file)


@contextmanager
def serving(
    folder: Folder, configuration: str, *flags: str
) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """The address and the process, once it answers or refuses to."""
    address = f"127.0.0.1:{free_port()}"
    command = [
        "serve",
        "--config.file",
        configuration,
        "--state.dir",
        str(folder.path / "state"),
        *flags,
    ]
    process = subprocess.Popen(
        [
            sys.executable,
            "-W",
            "error",
            "-m",
            "exporter",
            *command,
            "--web.listen-address",
            address,
        ],
        cwd=Path(__file__).resolve().parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield address, process
    finally:
        process.kill()
        process.communicate()


def wait_until_it_answers(
    address: str, context: ssl.SSLContext, process: "subprocess.Popen[str]"
) -> int:
    while process.poll() is None:
        try:
            with urllib.request.urlopen(
                f"https://{address}/-/ready", context=context, timeout=10
            ) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            error.close()
            return error.code
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)
    raise RuntimeError(process.communicate()[1])


async def test_prometheus_scrapes_with_tls_a_login_and_a_certificate(
    folder: Folder, configuration: str, prometheus: Callable[[str], Prometheus]
) -> None:
    names = (
        f"{CLIENTS}  client_allowed_sans: [prometheus.test]\nrate_limit: {{interval: 1ms, burst:"
        " 100}\n"
    )
    folder.write(TLS + names + USERS)
    mine = folder.authority_of_clients.issue_cert("prometheus.test")
    mine.cert_chain_pems[0].write_to_path(folder.path / "mine.crt")
    mine.private_key_pem.write_to_path(folder.path / "mine.key")
    with serving(folder, configuration, FILE, str(folder.file)) as (address, process):
        assert wait_until_it_answers(address, folder.client("prometheus.test"), process) == 401
        jobs = [
            job("good", address, folder, PASSWORD, "mine"),
            job("probe", address, folder, PASSWORD, "mine")
            | {
                "metrics_path": "/probe",
                "params": {"module": ["self"], "target": ["self@mon.example.org"]},
            },
            job("wrong", address, folder, "wrong", "mine"),
            job("none", address, folder, PASSWORD, None),
        ]
        server = prometheus(
            json.dumps({"global": {"scrape_interval": "1s"}, "scrape_configs": jobs})
        )
        assert await server.wait_for('up{job="good"} == 1')
        assert await server.wait_for('probe_success{job="probe"} == 1')
        assert await server.wait_for('up{job="wrong"} == 0')
        assert await server.wait_for('up{job="none"} == 0')
        process.send_signal(signal.SIGTERM)
        told, log = process.communicate(timeout=20)
        assert process.returncode == 0
        assert f"see https://{address}/" in told
        assert PASSWORD not in log
        assert HASH not in log
        assert "Traceback" not in log


def job(
    name: str, address: str, folder: Folder, password: str, certificate: str | None
) -> dict[str, object]:
    tls = {"ca_file": str(folder.path / "ca.crt")}
    if certificate:
        tls |= {
            f"{kind}_file": str(folder.path / f"{certificate}.{end}")
            for kind, end in (("cert", "crt"), ("key", "key"))
        }
    return {
        "job_name": name,
        "scheme": "https",
        "tls_config": tls,
        "basic_auth": {"username": "alice", "password": password},
        "static_configs": [{"targets": [address]}],
    }


def test_serve_does_not_start_with_a_mistake_in_the_file(
    folder: Folder, configuration: str
) -> None:
    folder.write(TLS.replace("cert_file", "cert_fil"))
    done = mailtrip("serve", "--config.file", configuration, FILE, "web.yml", directory=folder.path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "web.yml:2:3: tls_server_config: cert_file is missing",
        "web.yml:2:3: tls_server_config.cert_fil: unknown key; did you mean cert_file?",
    ]
    assert not (folder.path / "state").exists()


def test_check_says_what_a_web_file_does_alone_or_with_a_configuration(
    folder: Folder, configuration: str
) -> None:
    folder.write(TLS + USERS + "rate_limit: {interval: 1s, burst: 1}\n")
    done = mailtrip("check", FILE, "web.yml", directory=folder.path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "web.yml: OK: HTTPS, users: 1, requests: limited\n"
    folder.write("http_server_config: {http2: false}")
    done = mailtrip(
        "check", "mailtrip.yml", FILE, "web.yml", directory=folder.path, MAILTRIP_TEST_PASSWORD="x"
    )
    assert (
        done.stdout == "mailtrip.yml: OK: modules: 2, mailboxes: 2, probes: 2\n"
        "web.yml: OK: HTTP, users: no login, requests: no limit\n"
    )
    folder.write("http_server_config: {http: false}")
    done = mailtrip(
        "check", "mailtrip.yml", FILE, "web.yml", directory=folder.path, MAILTRIP_TEST_PASSWORD="x"
    )
    assert done.returncode == 2
    assert (
        done.stderr == "web.yml:1:22: http_server_config.http: unknown key; did you mean http2?\n"
    )
    done = mailtrip("check", FILE, "nowhere.yml", directory=folder.path)
    assert done.stderr == "nowhere.yml: cannot be read: No such file or directory\n"


def test_check_without_a_file_says_what_is_missing(folder: Folder) -> None:
    done = mailtrip("check", directory=folder.path)
    assert done.returncode == 2
    assert (
        done.stderr == "mailtrip: nothing to check: there is no mailtrip.yml here; give a FILE,"
        " --config.file FILE or --web.config.file FILE\n"
    )
