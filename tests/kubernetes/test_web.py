"""HTTPS, logins and a prefix, as the Helm chart sets them up: mailtrip runs with the flags and
files of the rendered pod, and is asked as `helm test` and Prometheus ask it."""

import base64
import re
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from charts import helm
from tests.kubernetes.manifests import Object
from tests.support.ports import free_port
from tests.support.web_config_folder import HASH, Folder

SECRET, TLS = "/run/secrets/mailtrip-web", "/run/secrets/mailtrip-tls"
ADDRESS = "prod-mailtrip-0.prod-mailtrip.mail.svc:10925"
PREFIX = "/mail"
HTTPS: Object = {
    "externalUrl": f"https://mailtrip.example.org{PREFIX}",
    "tlsSecret": "mailtrip-tls",
}


def rendered(web: Object) -> dict[str, Object]:
    values = {
        "web": web,
        "serviceMonitor": {"enabled": True},
        "probes": {"each-relay": {"targets": ["relay1.example.org"]}},
    }
    texts = helm.render(values, name="prod")
    return {name: yaml.safe_load(text) for name, text in texts.items() if name != "NOTES.txt"}


@contextmanager
def running(kinds: dict[str, Object], folder: Folder) -> Iterator[str]:
    """mailtrip with the flags of the pod, and what the pod mounts in a folder; its address."""
    for name, file in {"tls.crt": "server.crt", "tls.key": "server.key"}.items():
        (folder.path / name).write_bytes((folder.path / file).read_bytes())
    web = base64.b64decode(kinds["web-secret.yaml"]["data"]["web.yml"]).decode()
    assert TLS in web
    (folder.path / "web.yml").write_text(web.replace(TLS, str(folder.path)))
    (container,) = kinds["statefulset.yaml"]["spec"]["template"]["spec"]["containers"]
    mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert {SECRET, TLS} <= mounted
    arguments = [word.replace(SECRET, str(folder.path)) for word in container["args"]]
    address = f"127.0.0.1:{free_port()}"
    config = folder.path / "mailtrip.yml"  # without one, all would listen on one port for mail
    config.write_text("mailboxes: {}\nmodules: {}\n")
    own = (
        f"--web.listen-address={address}",
        f"--state.dir={folder.path / 'state'}",
        f"--config.file={config}",
    )
    command = [sys.executable, "-m", "exporter", *arguments, *own]
    with (folder.path / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield address
    finally:
        process.kill()
        process.wait()


def helm_test(kinds: dict[str, Object], address: str) -> subprocess.CompletedProcess[str]:
    """The command of the pod of `helm test`."""
    (container,) = kinds["tests/answers.yaml"]["spec"]["containers"]
    _, *words = container["command"]
    assert ADDRESS in words[-1]
    words[-1] = words[-1].replace(ADDRESS, address)
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=60)


def status(url: str) -> int:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with urllib.request.urlopen(url, timeout=30, context=context) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.status or 0


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.mark.slow
def test_https_below_a_prefix_is_scraped_where_the_objects_say(folder: Folder) -> None:
    kinds = rendered(HTTPS)
    with running(kinds, folder) as address:
        done = helm_test(kinds, address)
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"{PREFIX}/-/ready 200 mailtrip is ready" in done.stdout

        (endpoint,) = kinds["servicemonitor.yaml"]["spec"]["endpoints"]
        prober = kinds["probe.yaml"]["spec"]["prober"]
        assert endpoint["scheme"] == prober["scheme"] == "https"
        assert status(f"https://{address}{endpoint['path']}") == 200
        assert status(f"https://{address}{prober['path']}?module=none&target=a") == 400
        assert status(f"https://{address}/metrics") == 404
        (container,) = kinds["statefulset.yaml"]["spec"]["template"]["spec"]["containers"]
        for name in ("livenessProbe", "readinessProbe"):
            asked = container[name]["httpGet"]
            assert status(f"{asked['scheme'].lower()}://{address}{asked['path']}") == 200


@pytest.mark.slow
@pytest.mark.parametrize(
    ("config", "answer"),
    [
        ({"basic_auth_users": {"alice": HASH}}, "401 Unauthorized"),
        (
            {
                "tls_server_config": {
                    "client_auth_type": "RequireAndVerifyClientCert",
                    "client_ca_file": "clients.crt",
                }
            },
            "certificate required|Remote end closed connection|Connection reset by peer|Broken"
            " pipe",
        ),
    ],
    ids=["login", "certificate"],
)
def test_helm_test_takes_a_refusal_for_an_answer(
    config: Object, answer: str, folder: Folder
) -> None:
    kinds = rendered(HTTPS | {"config": config})
    with running(kinds, folder) as address:
        done = helm_test(kinds, address)
        assert done.returncode == 0, done.stdout + done.stderr
        assert re.search(answer, done.stdout)
    (container,) = kinds["statefulset.yaml"]["spec"]["template"]["spec"]["containers"]
    assert "tcpSocket" in container["livenessProbe"]
