"""compose.yml, started by podman-compose: a newcomer has a trip to look at, and alerts that reach
Alertmanager."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from tests.compose.files import EXAMPLES, elsewhere, read
from tests.compose.standins import PROGRAMS, make
from tests.container.podman import Podman
from tests.lab.shell import wait_until
from tests.support.ports import free_port

RULES = EXAMPLES.parent / "dashboards/rules"


class Stack:
    """What compose.yml says, in a project of its own, on ports that are free, and without
    Grafana."""

    def __init__(self, podman: Podman, directory: Path) -> None:
        self._podman, self._file = podman, directory / "compose.yml"
        self._project = f"mailtrip-{uuid4().hex[:12]}"
        content = elsewhere()
        del content["services"]["grafana"]
        self.services = content["services"]
        self._ports = {name: free_port() for name in self.services}
        for name, service in self.services.items():
            inside = service["ports"][0].rpartition(":")[2]
            service["ports"] = [f"127.0.0.1:{self._ports[name]}:{inside}"]
            service["volumes"] += PROGRAMS.get(name, [])
        self._file.write_text(yaml.safe_dump(content | {"name": self._project}))

    def up(self) -> None:
        for program in PROGRAMS:
            make(
                self._podman, program, self.services[program]["image"], self._file.parent / program
            )
        self._compose("up", "--detach", "--no-build")

    def down(self) -> None:
        self._compose("down", "--volumes", "--timeout", "5")

    def _compose(self, *words: str) -> None:
        command = [
            *self._podman.wrapped(sys.executable),
            "-m",
            "podman_compose",
            "--file",
            str(self._file),
            *words,
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr

    def name(self, service: str) -> str:
        return f"{self._project}_{service}_1"

    def get(self, service: str, path: str) -> Any:
        with urllib.request.urlopen(
            f"http://127.0.0.1:{self._ports[service]}{path}", timeout=10
        ) as answer:
            return json.load(answer)["data"]


@pytest.fixture(scope="module")
def stack(podman: Podman, image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(podman, tmp_path_factory.mktemp("stack"))
    try:
        stack.up()
        yield stack
    finally:
        stack.down()


@pytest.mark.parametrize("service", ["mailtrip", *PROGRAMS])
def test_a_service_becomes_healthy_with_the_rights_that_it_has(
    stack: Stack, podman: Podman, service: str
) -> None:
    name = stack.name(service)
    healthy = wait_until(lambda: podman.attempt("healthcheck", "run", name).returncode == 0, 60)
    assert healthy, [podman.attempt("logs", name), podman.attempt("ps", "--all")]
    (about,) = json.loads(podman("inspect", name))
    assert about["HostConfig"]["ReadonlyRootfs"]
    assert about["EffectiveCaps"] in ([], None)
    status = podman("exec", name, "cat", "/proc/1/status")
    assert "\nNoNewPrivs:\t1\n" in status
    assert "\nUid:\t0\t" not in status


def test_prometheus_sees_a_trip_knows_the_rules_and_tells_alertmanager(stack: Stack) -> None:
    question = "/api/v1/query?query=mailtrip_success"
    assert wait_until(lambda: stack.get("prometheus", question)["result"], 60)
    found = stack.get("prometheus", question)["result"]
    assert [(one["metric"]["probe"], one["value"][1]) for one in found] == [("self", "1")]

    (target,) = stack.get("prometheus", "/api/v1/targets")["activeTargets"]
    assert target["health"] == "up"
    known = {group["name"] for group in stack.get("prometheus", "/api/v1/rules")["groups"]}
    assert known == {
        group["name"] for file in RULES.glob("*.yml") for group in read(file)["groups"]
    }
    (told,) = stack.get("prometheus", "/api/v1/alertmanagers")["activeAlertmanagers"]
    assert told["url"] == "http://alertmanager:9093/api/v2/alerts"


def test_the_secret_is_where_alertmanager_looks_for_it(stack: Stack, podman: Podman) -> None:
    file = read(EXAMPLES / "alertmanager.yml")["global"]["smtp_auth_password_file"]
    assert podman("exec", stack.name("alertmanager"), "cat", file) == "change-me"
