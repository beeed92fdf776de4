"""The pod of examples/kubernetes, started by Podman with its ConfigMap, its Secret and its volume,
in the lab, and the pods of `helm test` beside it."""

import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from charts import helm, kustomize
from tests.container.podman import ROOT, Podman, PodmanError
from tests.kubernetes.manifests import CONFIGURATION, Object, container, objects, pod
from tests.lab.client import Lab, LabUser
from tests.lab.shell import wait_until
from tests.support.ports import free_port

NAME = "mailtrip-in-a-pod"
MOUNTED = "/etc/mailtrip/mailtrip.yml"


class Pod:
    """What runs, as Kubernetes and Prometheus reach it."""

    def __init__(self, podman: Podman, address: str, files: dict[str, str], others: Path) -> None:
        self._podman, self._container = podman, f"{NAME}-mailtrip"
        self.address, self.files, self.others = address, files, others

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://{self.address}{path}", timeout=60) as answer:
            text: str = answer.read().decode()
            return text

    def wait_for(self, path: str, words: str) -> str:
        """Returns the page when it says so, and within a minute it must: a pod that cannot live is
        started for ever."""
        assert wait_until(lambda: words in self._get_if_there(path), 60), self._podman.attempt(
            "logs", self._container
        )
        return self.get(path)

    def _get_if_there(self, path: str) -> str:
        try:
            return self.get(path)
        except (urllib.error.URLError, ConnectionError):
            return ""

    def run(self, *words: str) -> str:
        """What a command in the container prints."""
        return self._podman("exec", self._container, *words)

    def change(self, file: str, text: str) -> None:
        """Writes a file of the ConfigMap, as the kubelet does when that has changed."""
        place = self._podman("volume", "inspect", "--format", "{{.Mountpoint}}", "mailtrip")
        command = self._podman.wrapped("tee", f"{place}/{file}")
        subprocess.run(command, input=text, text=True, check=True, stdout=subprocess.DEVNULL)


def in_the_lab(text: str, lab: Lab, user: LabUser) -> str:
    """The configuration, with the lab's servers and people."""
    places = {
        "imap.example.org": "imap.lab.test",
        "relay?.example.org": "relay.lab.test",
        "monitor@example.org": user.address,
        "probe@example.org": user.address,
        "username: monitor,": f"username: {user.address}, ca_file: /etc/mailtrip/ca.pem,",
        "username: probe,": "username: probe, ca_file: /etc/mailtrip/ca.pem,",
    }
    for old, new in places.items():
        assert old in text
        text = text.replace(old, new)
    return f"{text}\nresolver: {{nameservers: ['{lab.dns}']}}\n"


def files_of(name: str, files: dict[str, str]) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": files}


def manifests(
    image: str, address: str, configuration: dict[str, str], password: str
) -> list[Object]:
    """What `podman play kube` takes: the replica as a Pod, on the machine's own network, and what
    it mounts.

    Podman 4.3 lays a Secret into the pod as it is written, still in base64, and panics without
    `optional`. So the passwords are in a ConfigMap: for the program in the pod they are the same
    files.
    """
    kinds, spec, one = objects(), pod(), container()
    (claim,) = kinds["StatefulSet"]["spec"]["volumeClaimTemplates"]
    one |= {
        "image": image,
        "imagePullPolicy": "Never",
        "args": [*one["args"], f"--web.listen-address={address}"],
    }
    del (
        one["ports"],
        one["livenessProbe"],
        one["readinessProbe"],
    )  # Podman would want curl in the image
    mounted = {volume["name"]: volume for volume in spec["volumes"]}
    settings, passwords = (
        mounted["configuration"]["configMap"]["name"],
        mounted["secrets"].pop("secret")["secretName"],
    )
    mounted["secrets"]["configMap"] = {"name": passwords}
    mounted["state"] = {
        "name": claim["metadata"]["name"],
        "persistentVolumeClaim": {"claimName": NAME},
    }
    spec |= {"hostNetwork": True, "containers": [one], "volumes": [*mounted.values()]}
    return [
        files_of(settings, configuration),
        files_of(passwords, dict.fromkeys(kinds["Secret"]["stringData"], password)),
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": NAME},
            "spec": claim["spec"],
        },
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": NAME}, "spec": spec},
    ]


def helm_tests(image: str, address: str) -> list[Object]:
    """The pods of `helm test`, on the machine's own network, with the volumes of the other pod."""
    values = kustomize.values() | {"helmTest": {"enabled": True}}
    found = []
    for name, text in helm.render(values).items():
        if not name.startswith("tests/"):
            continue
        pod: Object = yaml.safe_load(text)
        (one,) = pod["spec"]["containers"]
        one |= {"image": image, "imagePullPolicy": "Never"}
        if "command" in one:
            assert one["command"][-1] == "http://mailtrip-0.mailtrip.mail.svc:10925/-/ready"
            one["command"][-1] = f"http://{address}/-/ready"
        for volume in pod["spec"].get("volumes", ()):
            if "secret" in volume:
                volume["configMap"] = {"name": volume.pop("secret")["secretName"]}
        pod["spec"]["hostNetwork"] = True
        found.append(pod)
    return found


@pytest.fixture
def running(
    podman: Podman, image: str, lab: Lab, lab_user: LabUser, tmp_path: Path
) -> Iterator[Pod]:
    configuration = in_the_lab(CONFIGURATION.read_text(encoding="utf-8"), lab, lab_user)
    files = {CONFIGURATION.name: configuration, "ca.pem": Path(lab.ca).read_text()}
    address = f"127.0.0.1:{free_port()}"
    content = manifests(image, address, files, lab.password)
    file = tmp_path / "pod.yaml"
    file.write_text(yaml.safe_dump_all(content))
    try:
        podman("play", "kube", file)
        yield Pod(podman, address, files, tmp_path)
    finally:
        podman("play", "kube", "--down", file)
        podman(
            "volume", "rm", *(one["metadata"]["name"] for one in content if one["kind"] != "Pod")
        )


def test_the_pod_is_healthy_and_makes_a_trip_with_what_is_mounted(running: Pod) -> None:
    for kind in ("livenessProbe", "readinessProbe"):
        running.wait_for(container()[kind]["httpGet"]["path"], "mailtrip is ")
    page = running.wait_for("/probe?module=each-relay&target=relay.lab.test", "\nprobe_success ")
    assert "\nprobe_success 1.0\n" in page
    assert "\nmailtrip_build_info{" in running.get("/metrics")

    running.run("mailtrip", "check", "--try", MOUNTED)
    by_hand = running.run(
        "mailtrip", "probe", "--config.file", MOUNTED, "--module", "each-relay", "relay.lab.test"
    )
    assert "  OK  " in by_hand

    process = dict(line.split(":\t") for line in running.run("cat", "/proc/1/status").splitlines())
    assert process["Uid"].split() == [str(pod()["securityContext"]["runAsUser"])] * 4
    assert (int(process["CapBnd"], 16), process["NoNewPrivs"], process["Seccomp"]) == (0, "1", "2")
    assert {"mailtrip.sqlite", "token.key"} < set(running.run("ls", "/var/lib/mailtrip").split())
    with pytest.raises(PodmanError, match="Read-only file system"):
        running.run("touch", "/opt/mailtrip/new")

    # Reloaded without a restart.
    running.change(
        CONFIGURATION.name,
        running.files[CONFIGURATION.name].replace("interval: 5m", "interval: 7m"),
    )
    running.wait_for("/config?format=text", "interval: 7m")


def test_helm_test_passes_and_sends_nothing(
    running: Pod, podman: Podman, image: str, lab: Lab
) -> None:
    pods = helm_tests(image, running.address)
    file = running.others / "tests.yaml"
    configuration = [
        files_of("mailtrip", running.files),
        files_of(
            "mailtrip-passwords", dict.fromkeys(objects()["Secret"]["stringData"], lab.password)
        ),
    ]
    file.write_text(yaml.safe_dump_all([*configuration, *pods]))
    try:
        podman("play", "kube", file)
        for pod in pods:
            (one,) = pod["spec"]["containers"]
            name = f"{pod['metadata']['name']}-{one['name']}"
            assert podman("wait", name) == "0", podman.attempt("logs", name)
        assert "mailtrip is ready" in podman("logs", "mailtrip-test-answers-answers")
        assert "imap.lab.test" in podman("logs", "mailtrip-test-servers-servers")
    finally:
        podman("play", "kube", "--down", file)
    assert "mailtrip_trips_total{" not in running.get("/metrics")


def test_the_pod_runs_as_whom_the_image_is_made_for() -> None:
    (user,) = re.findall(
        r"^USER (\S+)$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE
    )
    who = pod()["securityContext"]
    assert f"{who['runAsUser']}:{who['runAsGroup']}" == user
    assert who["fsGroup"] == who["runAsGroup"]
