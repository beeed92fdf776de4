"""docs/scaling.md, with the Prometheus Operator: its configuration, two replicas of mailtrip, and
two real shards."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from charts import helm, kustomize
from tests.kubernetes.manifests import Object
from tests.kubernetes.operator import scrape_of_pods, scrape_of_probe, scrape_of_targets
from tests.support.left_behind import until
from tests.support.mailtrip_process import Exporter
from tests.support.ports import free_port
from tests.support.prometheus import Prometheus
from tests.trips.test_scaling import CONFIGURATION, TARGETS, probed_by

NAMES = ["mailtrip-0", "mailtrip-1"]
MODULE = "each-relay"


@pytest.fixture
def port() -> int:
    """One that is free on the addresses of both replicas."""
    return free_port()


def address(number: int | str) -> str:
    """Stands for mailtrip-N.mailtrip.mail.svc, which no resolver knows here."""
    return f"127.0.0.1{number}"


@pytest.fixture
def replicas(tmp_path: Path, port: int) -> Iterator[list[Exporter]]:
    started: list[Exporter] = []
    for number, name in enumerate(NAMES):
        text = CONFIGURATION % {"port": free_port(), "targets": json.dumps(TARGETS)}
        started.append(
            Exporter(text, tmp_path / name, "--web.listen-address", f"{address(number)}:{port}")
        )
    yield started
    for replica in started:
        replica.kill()


def rendered(name: str) -> Object:
    """An object of the Helm chart, in a hurry, with this test's targets and two replicas."""
    wanted = {"targets": TARGETS, "targetLabels": {"team": "network"}}
    changed = {"replicas": len(NAMES), "scrape": {"interval": "1s"}}
    changed |= {"probes": {MODULE: wanted}, "scrapeConfigs": {MODULE: wanted}}
    content: Object = yaml.safe_load(helm.render(kustomize.values() | changed)[name])
    return content


def configuration(shards: int, shard: int, port: int) -> str:
    """What Prometheus gets of a Probe and the ServiceMonitor."""
    targets = scrape_of_probe(rendered("probe.yaml"), shards, shard)
    return _with_pods(targets, shards, shard, port)


def undivided_by_scrape_config(port: int) -> str:
    """The same of a ScrapeConfig, for the only shard."""
    targets = scrape_of_targets(rendered("scrapeconfig.yaml"), 1, 0)
    return _with_pods(targets, 1, 0, port)


def _with_pods(targets: Object, shards: int, shard: int, port: int) -> str:
    pods = {name: f"{address(number)}:{port}" for number, name in enumerate(NAMES)}
    jobs = [targets, scrape_of_pods(rendered("servicemonitor.yaml"), pods, shards, shard)]
    text = json.dumps({"global": {"scrape_timeout": "1s"}, "scrape_configs": jobs})
    assert "mailtrip-$1.mailtrip.mail.svc:10925" in text
    for number in ("0", "$1"):
        name = f"mailtrip-{number}.mailtrip.mail.svc:10925"
        text = text.replace(name, f"{address(number)}:{port}")
    return text


async def asked(shard: Prometheus) -> dict[str, str]:
    """The replica that each target is asked of, as one shard sees it."""
    found = await asyncio.to_thread(shard.query, 'probe_success{job="mail"} == 1')
    return {sample.labels["instance"]: sample.labels["exporter"] for sample in found}


async def all_asked(*shards: Prometheus) -> list[dict[str, str]]:
    """Waits until every target is known; the test's own time limit ends the waiting."""
    while set().union(*(found := [await asked(shard) for shard in shards])) != set(TARGETS):
        await asyncio.sleep(0.2)
    return found


async def themselves(*shards: Prometheus) -> list[tuple[str, str]]:
    """The instance and the exporter of what replicas tell of themselves."""
    found = [await asyncio.to_thread(shard.query, "mailtrip_build_info") for shard in shards]
    return [
        (sample.labels["instance"], sample.labels["exporter"])
        for samples in found
        for sample in samples
    ]


async def test_shards_divide_the_targets_and_every_target_stays_with_its_replica(
    replicas: list[Exporter], port: int, prometheus: Callable[[str], Prometheus]
) -> None:
    shards = [
        await asyncio.to_thread(prometheus, configuration(2, number, port)) for number in range(2)
    ]
    undivided = await asyncio.to_thread(prometheus, undivided_by_scrape_config(port))
    first, second = await all_asked(*shards)
    assert first.keys().isdisjoint(second)
    # As many shards as replicas: each shard asks one replica alone, since both divide by the same
    # hash.
    assert set(first.values()) == {NAMES[0]}
    assert set(second.values()) == {NAMES[1]}
    # The log follows when the outcome is on the disk.
    probed = [set(first), set(second)]
    await until(lambda: [probed_by(replica) for replica in replicas] == probed)

    # What a replica tells of itself is scraped by one shard, and says its name as its probes do.
    while len(names := await themselves(*shards)) < len(NAMES):
        await asyncio.sleep(0.2)
    assert sorted(names) == [(name, name) for name in NAMES]

    # Whatever the number of shards, a target belongs to the same replica.
    assert await all_asked(undivided) == [first | second]
    assert [probed_by(replica) for replica in replicas] == probed
