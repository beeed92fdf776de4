"""The units in examples/systemd: what systemd thinks of them, and whether mailtrip runs with what
they leave it."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from exporter.settings import Settings
from tests.container.podman import Podman
from tests.container.running import Container
from tests.lab.shell import wait_until
from tests.support.ports import free_port
from tests.systemd.seccomp import profile
from tests.systemd.unit import DROP_INS, UNITS, Unit

WORST_EXPOSURE = 1.7  # of 10; most of what is left is that it speaks with the network
NAMES = sorted(file.name for file in DROP_INS.iterdir())
CREDENTIALS = "/run/credentials/mailtrip.service"
KEY = "5e" * 32
RUNBOOKS = UNITS.parents[1] / "docs/alerts.md"

# What systemd.exec(5) lists below NoNewPrivileges=: each of them makes it "yes", whatever it says
# itself.
IMPLY_NO_NEW_PRIVILEGES = (
    "DynamicUser LockPersonality MemoryDenyWriteExecute PrivateDevices ProtectClock ProtectHostname"
    " ProtectKernelLogs ProtectKernelModules ProtectKernelTunables RestrictAddressFamilies"
    " RestrictNamespaces RestrictRealtime RestrictSUIDSGID SystemCallArchitectures SystemCallFilter"
    " SystemCallLog"
)

Serve = Callable[..., Container]


def installed(directory: Path, *drop_ins: str) -> Path:
    """The units as they would be in /etc/systemd/system; the program is where this machine has
    it."""
    for name in ("mailtrip.service", "mailtrip.socket"):
        text = (UNITS / name).read_text()
        (directory / name).write_text(
            text.replace(Unit("mailtrip.service").command()[0], "/bin/true")
        )
    (directory / DROP_INS.name).mkdir()
    for drop_in in drop_ins:
        shutil.copy(DROP_INS / drop_in, directory / DROP_INS.name)
    return directory / "mailtrip.service"


def analyze(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *map(str, words)], capture_output=True, text=True)


@pytest.mark.usefixtures("servers")
@pytest.mark.parametrize(
    "drop_ins", [[], *([name] for name in NAMES)], ids=lambda names: "".join(names) or "alone"
)
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path, drop_ins: list[str]) -> None:
    service = installed(tmp_path, *drop_ins)
    found = analyze("verify", service, service.with_suffix(".socket"))
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


@pytest.mark.usefixtures("servers")
@pytest.mark.parametrize(
    "drop_ins", [[], ["socket.conf"], ["port-25.conf"], ["maildir.conf"]], ids=str
)
def test_systemd_finds_little_that_mailtrip_could_do_beyond_its_work(
    tmp_path: Path, drop_ins: list[str]
) -> None:
    service = installed(tmp_path, *drop_ins)
    found = analyze("security", "--offline=yes", f"--threshold={WORST_EXPOSURE * 10:.0f}", service)
    assert found.returncode == 0, found.stdout


def test_nothing_keeps_sendmail_from_calling_a_program_that_changes_its_group() -> None:
    unit = Unit("mailtrip.service", "sendmail.conf")
    assert [
        option for option in ("NoNewPrivileges", *IMPLY_NO_NEW_PRIVILEGES.split()) if option in unit
    ] == []


def test_the_queues_and_capabilities_of_every_sendmail_that_debian_has_are_open() -> None:
    """Exim's sendmail is set-uid root, and says "setgroups() failed" without them; found out with
    Debian 12's."""
    unit = Unit("mailtrip.service", "sendmail.conf")
    assert {"CAP_SETUID", "CAP_SETGID", "CAP_CHOWN", "CAP_FOWNER"} <= set(
        unit.words("CapabilityBoundingSet")
    )
    queues = ["postfix", "exim4", "mqueue-client", "dma", "nullmailer", "smtpd"]
    paths = unit.words("ReadWritePaths")
    assert {
        *(f"-/var/spool/{queue}" for queue in queues),
        "-/var/log/exim4",
        "-/var/lib/courier",
    } <= set(paths)
    assert all(path.startswith("-/var/") for path in paths), (
        "a queue that is not there must not keep it from starting"
    )
    assert Unit("mailtrip.service").words("CapabilityBoundingSet") == []


def test_each_password_of_the_documentation_is_a_credential_of_the_unit() -> None:
    page = (UNITS.parents[1] / "docs/running.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert Settings.parse(example.encode(), "running.md").probes
    loaded = {
        credential.partition(":")[0]
        for credential in Unit("mailtrip.service").all("LoadCredential")
    }
    assert set(re.findall(rf"{CREDENTIALS}/(\w+)", example)) == loaded


def configuration(port: int) -> str:
    """A trip to itself. Its key is a credential."""
    return f"""
state: {{token_key: {{file: {CREDENTIALS}/imap}}}}
mailboxes: {{own: {{smtpd: {{listen: "127.0.0.1:{port}", recipients: [self@mon.test]}}}}}}
modules:
  self:
    interval: 1h
    roundtrip: {{from: probe@mon.test, send: {{smtp: {{host: 127.0.0.1, port: {port}}}}},
        mailbox: own}}
probes: [{{name: self, module: self, target: self@mon.test}}]
"""


@pytest.fixture
def serve(podman: Podman, image: str, tmp_path: Path) -> Iterator[Serve]:
    """Call it with a unit and a port of its mailbox. It runs in the image, which has everything
    where the unit says."""
    running: list[Container] = []

    def start(unit: Unit, port: int) -> Container:
        etc, credentials, filters = (
            tmp_path / name for name in ("etc", "credentials", "seccomp.json")
        )
        for directory in (etc, credentials):
            directory.mkdir()
        tmp_path.chmod(0o755)
        (etc / "mailtrip.yml").write_text(configuration(port))
        for credential in unit.all("LoadCredential"):
            (credentials / credential.partition(":")[0]).write_text(KEY)
        filters.write_text(json.dumps(profile(unit)))
        program, *arguments = unit.command()
        state = f"/var/lib/{unit.one('StateDirectory')}"
        runtime = f"/run/{unit.one('RuntimeDirectory')}"
        options = (
            *("--entrypoint", program, "--security-opt", f"seccomp={filters}"),
            *("--volume", f"{etc}:/etc/mailtrip:ro", "--volume", f"{credentials}:{CREDENTIALS}:ro"),
            *("--volume", f"{uuid4().hex}:{state}", "--env", f"STATE_DIRECTORY={state}"),
            *("--tmpfs", f"{runtime}:mode={unit.one('RuntimeDirectoryMode')},U"),
            *("--env", f"RUNTIME_DIRECTORY={runtime}"),
            *(f"--cap-add={capability}" for capability in unit.words("AmbientCapabilities")),
        )
        running.append(Container(podman, image, *arguments, options=options))
        return running[-1]

    yield start
    for container in running:
        container.remove()


def refused(container: Container) -> dict[str, str]:
    """What comes of attempts to do what the unit forbids."""
    attempts = {
        "socket": "import socket; socket.socket(socket.AF_NETLINK)",
        "memory": "import mmap; mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)",
        "priority": "import os; os.setpriority(0, 0, 5)",
    }
    said = {
        name: container.execute("python", "-c", script).stderr for name, script in attempts.items()
    }
    return {name: (text.splitlines() or ["allowed"])[-1] for name, text in said.items()}


def trip_by_hand(container: Container) -> str:
    """What the trip by hand of a runbook ends with: as in a shell of the unit's user, without what
    the unit sets. The port of the receiver is the unit's."""
    runbooks = RUNBOOKS.read_text(encoding="utf-8")
    first, command = re.findall(
        r"^    (mailtrip (?:status|probe .*)) NAME\b", runbooks, re.MULTILINE
    )
    shell = ("env", "-u", "STATE_DIRECTORY", "-u", "RUNTIME_DIRECTORY", "sh", "-c")
    known = container.execute(*shell, f"cd /tmp && {first} self")
    assert (known.returncode, known.stdout.split()[0]) == (0, "self:"), known
    done = container.execute(*shell, f"cd /tmp && {command} self")
    assert done.stderr.startswith("the running mailtrip ")
    return f"{done.stdout}{done.stderr}\n{done.stdout.splitlines()[-1].partition(':')[0]}"


@pytest.mark.parametrize(
    ("drop_ins", "port"), [([], 2525), (["port-25.conf"], 25)], ids=["alone", "port-25.conf"]
)
def test_it_makes_its_trips_with_the_system_calls_and_capabilities_of_the_unit(
    serve: Serve, drop_ins: list[str], port: int
) -> None:
    unit = Unit("mailtrip.service", *drop_ins)
    container = serve(unit, port)
    assert wait_until(lambda: " succeeded after " in container.log(), 60), container.log()
    assert refused(container) == {
        "socket": "OSError: [Errno 97] Address family not supported by protocol",
        **dict.fromkeys(
            ["memory", "priority"], "PermissionError: [Errno 1] Operation not permitted"
        ),
    }
    assert trip_by_hand(container).endswith("\nOK")
    _, name, which = unit.command("ExecReload")
    assert which == "$MAINPID"
    os.kill(container.pid, signal.Signals[f"SIG{name.removeprefix('-')}"])
    assert wait_until(lambda: "configuration reloaded" in container.log(), 10), container.log()
    status, seconds = container.stop()
    assert status == 0
    assert seconds < unit.seconds("TimeoutStopSec")
    assert "ERROR" not in container.log()


@pytest.mark.usefixtures("servers")
def test_a_scrape_at_the_socket_of_the_unit_is_answered(tmp_path: Path) -> None:
    unit = Unit("mailtrip.service", "socket.conf")
    assert Unit("mailtrip.socket").one("ListenStream") == "10925"
    address, mail = f"127.0.0.1:{free_port()}", free_port()
    file = tmp_path / "mailtrip.yml"
    file.write_text(configuration(mail).replace(CREDENTIALS, str(tmp_path)))
    (tmp_path / "imap").write_text(KEY)
    program = str(Path(sys.executable).with_name("mailtrip"))
    command = [
        {"/opt/mailtrip/bin/mailtrip": program, "/etc/mailtrip/mailtrip.yml": str(file)}.get(
            word, word
        )
        for word in unit.command()
    ]
    activate = [
        "systemd-socket-activate",
        f"--listen={address}",
        f"--setenv=STATE_DIRECTORY={tmp_path / 'state'}",
    ]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen([*activate, *command], stdout=log, stderr=log)
    try:
        assert wait_until(lambda: f"Listening on {address}" in (tmp_path / "log").read_text(), 10)
        with urllib.request.urlopen(f"http://{address}/-/ready", timeout=60) as answer:
            assert answer.read() == b"mailtrip is ready\n"
        assert (tmp_path / "state/mailtrip.sqlite").exists()
        process.terminate()
        assert process.wait(unit.seconds("TimeoutStopSec")) == 0
    finally:
        process.kill()
        process.wait()
