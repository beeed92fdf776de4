"""The manifests speak the language of Kubernetes and of the Operator, and agree with each other and
with mailtrip."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards import prometheus_rule
from dashboards.__main__ import COMMAND
from exporter.commands.cli import DEFAULT_LISTEN
from exporter.settings import Settings
from tests.kubernetes.manifests import (
    CONFIGURATION,
    DIRECTORY,
    FILES,
    KUSTOMIZATION,
    OBJECTS,
    Object,
    config_map,
    container,
    objects,
    pod,
    read,
)
from tests.kubernetes.schemas import complaints

APP = {"app.kubernetes.io/name": "mailtrip"}


def settings() -> Settings:
    return Settings.load(str(CONFIGURATION))


def mounted(volume: str) -> str:
    (path,) = (
        mount["mountPath"] for mount in container()["volumeMounts"] if mount["name"] == volume
    )
    return str(path)


def volumes() -> dict[str, Object]:
    return {volume["name"]: volume for volume in pod()["volumes"]}


@pytest.mark.slow
@pytest.mark.parametrize("file", OBJECTS, ids=lambda file: file.stem)
def test_every_field_is_one_that_is_known(file: Path) -> None:
    assert complaints(read(file)) == []


def test_the_pod_may_run_in_a_restricted_namespace() -> None:
    """The profile "restricted" of Kubernetes' Pod Security Standards, which the namespace
    enforces."""
    assert (
        objects()["Namespace"]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
        == "restricted"
    )
    assert pod()["securityContext"]["runAsNonRoot"] is True
    assert pod()["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container()["securityContext"]["allowPrivilegeEscalation"] is False
    assert container()["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert {kind for volume in volumes().values() for kind in volume} == {
        "name",
        "configMap",
        "secret",
    }
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod())


def test_promtool_takes_the_rules_and_they_are_those_of_the_dashboards(
    promtool: str, tmp_path: Path
) -> None:
    assert prometheus_rule.FILE.read_text(encoding="utf-8") == prometheus_rule.text(), (
        f"stale: run {COMMAND}"
    )
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump(objects()["PrometheusRule"]["spec"]))
    done = subprocess.run([promtool, "check", "rules", file], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    written = [group for source in prometheus_rule.SOURCES for group in read(source)["groups"]]
    assert objects()["PrometheusRule"]["spec"]["groups"] == written


def test_kustomize_takes_every_file_and_everything_lives_in_one_namespace() -> None:
    kustomization = read(KUSTOMIZATION)
    assert sorted(kustomization["resources"]) == sorted(file.name for file in OBJECTS)
    (image,) = kustomization["images"]
    assert container()["image"] == f"{image['name']}:{image['newTag']}"
    namespace = objects()["Namespace"]["metadata"]["name"]
    for kind, content in (objects() | {"ConfigMap": config_map()}).items():
        assert content["metadata"].get("namespace") == (None if kind == "Namespace" else namespace)


def test_every_file_says_what_it_is_for() -> None:
    for file in FILES:
        head = file.read_text(encoding="utf-8").partition("\n\n")[0]
        assert all(line.startswith("#") for line in head.splitlines()), file.name


def test_whoever_looks_for_the_pods_finds_them() -> None:
    kinds = objects()
    stateful, service = kinds["StatefulSet"]["spec"], kinds["Service"]
    assert stateful["template"]["metadata"]["labels"] == stateful["selector"]["matchLabels"] == APP
    assert (
        service["spec"]["selector"]
        == kinds["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"]
        == APP
    )
    assert (
        kinds["ServiceMonitor"]["spec"]["selector"]["matchLabels"]
        == service["metadata"]["labels"]
        == APP
    )
    assert stateful["serviceName"] == service["metadata"]["name"]


def test_there_is_one_port_by_one_name() -> None:
    kinds = objects()
    (port,), (served,) = container()["ports"], kinds["Service"]["spec"]["ports"]
    assert f":{port['containerPort']}" == f":{served['port']}" == DEFAULT_LISTEN
    (rule,), (endpoint,) = (
        kinds["NetworkPolicy"]["spec"]["ingress"],
        kinds["ServiceMonitor"]["spec"]["endpoints"],
    )
    names = [served["targetPort"], served["name"], rule["ports"][0]["port"], endpoint["port"]]
    names += [container()[kind]["httpGet"]["port"] for kind in ("livenessProbe", "readinessProbe")]
    assert set(names) == {port["name"]}


def files_in(value: Any) -> Iterator[str]:
    """Every `{file: ...}` of a configuration."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from [inner] if key == "file" else files_in(inner)


def test_the_configuration_is_good_and_finds_its_files_where_they_are_mounted() -> None:
    kinds = objects()
    assert [*config_map()["data"]] == [CONFIGURATION.name]
    assert f"--config.file={mounted('configuration')}/{CONFIGURATION.name}" in container()["args"]
    assert volumes()["configuration"]["configMap"]["name"] == config_map()["metadata"]["name"]

    secret = kinds["Secret"]
    assert volumes()["secrets"]["secret"]["secretName"] == secret["metadata"]["name"]
    there = {f"{mounted('secrets')}/{name}" for name in secret["stringData"]}
    assert sorted(files_in(read(CONFIGURATION))) == sorted(there)
    assert f"secret generic {secret['metadata']['name']} --from-file=imap --from-file=smtp" in (
        (DIRECTORY / "secrets.yaml").read_text(encoding="utf-8")
    )

    (claim,) = kinds["StatefulSet"]["spec"]["volumeClaimTemplates"]
    assert settings().state.dir == mounted(claim["metadata"]["name"])


def test_every_target_of_the_probe_is_one_that_mailtrip_allows() -> None:
    probe = objects()["Probe"]["spec"]
    assert settings().probes == []  # so there may be more replicas
    assert probe["targets"]["staticConfig"]["static"]
    for target in probe["targets"]["staticConfig"]["static"]:
        assert settings().allows(probe["module"], target)


def test_the_probe_asks_a_replica_by_its_name_and_knows_how_many_there_are() -> None:
    kinds = objects()
    stateful, service, probe = (
        kinds["StatefulSet"],
        kinds["Service"]["metadata"],
        kinds["Probe"]["spec"],
    )
    port = container()["ports"][0]["containerPort"]
    hashmod, address, exporter = probe["targets"]["staticConfig"]["relabelingConfigs"]
    assert hashmod["modulus"] == stateful["spec"]["replicas"]
    for number in range(hashmod["modulus"]):
        pod_name = f"{stateful['metadata']['name']}-{number}"
        name = f"{pod_name}.{service['name']}.{service['namespace']}.svc:{port}"
        assert address["replacement"].replace("$1", str(number)) == name
        assert exporter["replacement"].replace("$1", str(number)) == pod_name
    assert probe["prober"]["url"] == address["replacement"].replace("$1", "0")


def test_the_page_names_files_that_are_there() -> None:
    page = (DIRECTORY.parents[1] / "docs/kubernetes.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `(\w+\.ya?ml)` \|", page, re.MULTILINE))
    assert named == {file.name for file in FILES}
