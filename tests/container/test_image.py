"""The image as its users run it: read-only, without capabilities, as nobody in particular."""

import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import trustme

from exporter import __version__
from tests.container.podman import Podman
from tests.container.running import Container
from tests.lab.shell import wait_until

# bytes beyond the base image, of which most are libraries and what is compiled of them
MOST_ADDED = 80_000_000

Start = Callable[..., Container]


@pytest.fixture(scope="module")
def start(podman: Podman, image: str) -> Iterator[Start]:
    """Call it with arguments of mailtrip, and options of `podman run`."""
    running: list[Container] = []

    def launch(*arguments: str, options: tuple[str, ...] = ()) -> Container:
        running.append(Container(podman, image, *arguments, options=options))
        return running[-1]

    yield launch
    for container in running:
        container.remove()


@pytest.fixture(scope="module")
def container(start: Start) -> Container:
    """With a volume for its state, and nothing configured."""
    container = start(options=("--volume", f"{uuid4().hex}:/var/lib/mailtrip"))
    container.wait_until_healthy()
    return container


def test_a_message_makes_its_trip_and_the_world_outside_sees_it(container: Container) -> None:
    assert wait_until(
        lambda: 'mailtrip_success{probe="self"} 1' in container.get("/metrics"), 30
    ), container.log()


def test_it_is_an_unprivileged_number_without_any_capability(container: Container) -> None:
    status = container.status()
    assert (status["Uid"], status["Gid"], status["Groups"]) == (
        "\t".join(["10925"] * 4),
        "\t".join(["10925"] * 4),
        "10925",
    )
    assert [status[f"Cap{kind}"] for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")] == [
        "0000000000000000"
    ] * 5
    assert status["NoNewPrivs"] == "1"
    # Process 1 itself, which gets the signal of `docker stop`.
    assert status["NSpid"].split()[-1] == "1"


def test_it_writes_to_its_state_and_nowhere_else(container: Container) -> None:
    mounts = [
        line.split() for line in Path(f"/proc/{container.pid}/mountinfo").read_text().splitlines()
    ]
    ways = {place: options.split(",")[0] for _, _, _, _, place, options, *_ in mounts}
    # The kernel's; resolv.conf, hosts and the like, of root's.
    others = ("/proc", "/sys", "/dev", "/run/", "/etc/")
    assert {place: way for place, way in ways.items() if not place.startswith(others)} == {
        "/": "ro",
        "/var/lib/mailtrip": "rw",
    }
    for place in ("/", "/tmp", "/opt/mailtrip"):
        assert "Read-only file system" in container.execute("touch", f"{place}/file").stderr
    kept = container.execute(
        "stat", "--format", "%a %u %n", "/var/lib/mailtrip", "/var/lib/mailtrip/mailtrip.sqlite"
    )
    assert kept.stdout.splitlines() == [
        "700 10925 /var/lib/mailtrip",
        "600 10925 /var/lib/mailtrip/mailtrip.sqlite",
    ]


def test_a_program_that_hangs_is_not_healthy(container: Container) -> None:
    os.kill(container.pid, signal.SIGSTOP)
    try:
        assert not container.is_healthy()
    finally:
        os.kill(container.pid, signal.SIGCONT)
    container.wait_until_healthy()


def test_its_health_is_known_also_behind_tls_a_login_and_another_path(
    start: Start, tmp_path: Path
) -> None:
    """Any answer comes from a program that lives, so nothing has to be said twice. The port alone
    must be told."""
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    certificate.private_key_pem.write_to_path(tmp_path / "server.key")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "server.crt")
    authority.cert_pem.write_to_path(tmp_path / "clients.crt")
    (tmp_path / "web.yml").write_text(
        "basic_auth_users: {prometheus:"
        " $2y$10$hwOX8OZeTo1bs8DTvVUBGeuosqqGI59tU93gUsUvXQDP8ZkQGkB/m}\ntls_server_config:\n "
        " cert_file: server.crt\n  key_file: server.key\n  client_auth_type:"
        " RequireAndVerifyClientCert\n  client_ca_file: clients.crt\n"
    )
    for file in [tmp_path, *tmp_path.iterdir()]:
        file.chmod(0o755)
    flags = [
        "--web.config.file",
        "/etc/mailtrip/web.yml",
        "--web.route-prefix",
        "/mail",
        "--web.listen-address",
        ":8443",
    ]
    options = (
        "--volume",
        f"{tmp_path}:/etc/mailtrip:ro",
        "--env",
        "MAILTRIP_HEALTH=127.0.0.1:8443",
    )
    container = start("serve", *flags, options=options)
    container.wait_until_healthy()
    assert "https://localhost:8443/mail" in container.log()
    assert "ERROR" not in container.log()
    assert "WARNING" not in container.log()


def test_the_image_tells_what_it_is(podman: Podman, image: str) -> None:
    (description,) = json.loads(podman("image", "inspect", image))
    assert description["User"] == "10925:10925"
    assert description["Labels"]["org.opencontainers.image.version"] == __version__
    assert list(description["Config"]["ExposedPorts"]) == ["10925/tcp"]


def test_it_adds_little_to_its_base(container: Container) -> None:
    added, _ = container.execute("du", "--summarize", "--bytes", "/opt/mailtrip").stdout.split()
    assert 10_000_000 < int(added) < MOST_ADDED


def test_nothing_that_built_it_is_left_in_it(container: Container) -> None:
    library = (
        "print(*sorted(one.metadata['Name'] for one in"
        " importlib.metadata.distributions(path=[sys.path[-1]])))"
    )
    listed = container.execute(
        "python", "-c", f"import importlib.metadata, sys; {library}"
    ).stdout.split()
    assert "mailtrip-exporter" in listed
    assert {"pip", "uv", "setuptools", "hatchling", "pytest"}.isdisjoint(listed)
    assert container.execute("ls", "/source").returncode != 0


def test_it_ends_in_time_when_told_and_the_next_container_knows_what_it_knew(
    container: Container, start: Start
) -> None:
    """The last test here, since it stops what the others share."""
    assert wait_until(lambda: " succeeded after " in container.log(), 60), container.log()
    trip = re.findall(r"trip (\w+) of self", container.log())[0]
    volume = container.about("range .Mounts}}{{.Name}}:{{.Destination}}{{end")
    status, seconds = container.stop()
    assert status == 0
    assert seconds < 5
    after = start(options=("--volume", volume))
    after.wait_until_healthy()
    assert f"Trip {trip}" in after.get(f"/trips/{trip}")
