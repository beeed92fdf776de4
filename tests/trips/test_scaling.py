"""docs/scaling.md: two exporters that share nothing, and a real Prometheus that divides the
targets."""

import asyncio
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.left_behind import until
from tests.support.mailtrip_process import Exporter
from tests.support.ports import free_port
from tests.support.prometheus import Prometheus

EXAMPLE = Path(__file__).resolve().parents[2] / "examples/sharding.yml"
TARGETS = [f"person{number}@mon.example.org" for number in range(8)]
CONFIGURATION = """\
mailboxes:
  own: {smtpd: {listen: "127.0.0.1:%(port)d", recipients: %(targets)s}}
modules:
  each-relay:
    interval: 1s
    session_timeout: 5s
    targets: ["*@mon.example.org"]
    roundtrip:
      from: probe@mon.example.org
      send: {smtp: {host: 127.0.0.1, port: %(port)d, tls: none}}
      mailbox: own
"""


@pytest.fixture
def replicas(tmp_path: Path) -> Iterator[list[Exporter]]:
    started: list[Exporter] = []
    for number in range(2):
        text = CONFIGURATION % {"port": free_port(), "targets": json.dumps(TARGETS)}
        started.append(Exporter(text, tmp_path / f"mailtrip-{number}"))
    yield started
    for replica in started:
        replica.kill()


def example(replicas: list[Exporter]) -> dict[str, Any]:
    """The example, in a hurry, with the targets and addresses of this test."""
    text = EXAMPLE.read_text(encoding="utf-8")
    for number, replica in enumerate(replicas):
        assert f"mailtrip-{number}:10925" in text
        text = text.replace(f"mailtrip-{number}:10925", replica.address)
    content: dict[str, Any] = yaml.safe_load(text)
    content["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s"}
    content["scrape_configs"][0]["static_configs"] = [{"targets": TARGETS}]
    return content


def for_one(content: dict[str, Any], left: Exporter) -> dict[str, Any]:
    """What the page says to do when the other one has died."""
    rules = content["scrape_configs"][0]["relabel_configs"]
    for rule in rules:
        if rule.get("action") == "hashmod":
            rule["modulus"] = 1
    (gone,) = [rule for rule in rules if rule.get("regex") == "1"]
    rules.remove(gone)
    (kept,) = [rule for rule in rules if rule.get("regex") == "0"]
    kept["replacement"] = left.address
    return content


def probed_by(replica: Exporter) -> set[str]:
    """The targets of its trips, by its log."""
    return set(re.findall(r"trip \w+ of each-relay \S+ (\S+) succeeded", replica.log.read_text()))


async def test_every_target_is_probed_by_one_replica_and_by_the_other_when_that_has_died(
    replicas: list[Exporter], prometheus: Callable[[str], Prometheus]
) -> None:
    content = example(replicas)
    server = await asyncio.to_thread(prometheus, json.dumps(content))
    await server.wait_for(f"count(probe_success == 1) == {len(TARGETS)}")
    # The log follows when the outcome is on the disk.
    await until(lambda: set().union(*map(probed_by, replicas)) == set(TARGETS))
    first, second = map(probed_by, replicas)
    assert first
    assert second
    assert first.isdisjoint(second)

    await asyncio.to_thread(replicas[0].kill)
    await asyncio.to_thread(server.reload, json.dumps(for_one(content, replicas[1])))
    await server.wait_for(
        f'count(probe_success{{exporter="{replicas[1].address}"}} == 1) == {len(TARGETS)}'
    )
    await until(lambda: probed_by(replicas[1]) == set(TARGETS))


def test_promtool_takes_the_example(promtool: str) -> None:
    done = subprocess.run([promtool, "check", "config", EXAMPLE], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
