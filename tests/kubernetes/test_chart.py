"""The Helm chart, rendered and linted by Helm itself: its objects fit the schemas, its values
refuse what is wrong, and examples/kubernetes is made of it."""

import base64
import json
import re
import shutil
import textwrap
from functools import cache
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from charts import helm, kustomize
from dashboards import prometheus_rule
from exporter.config.excerpt import OptionNames
from exporter.settings import Settings
from exporter.web.options import WebOptions
from tests.kubernetes.manifests import DIRECTORY, Object, objects
from tests.kubernetes.schemas import complaints

EVERYTHING: Object = yaml.safe_load(
    Path(__file__).with_name("everything.yaml").read_text(encoding="utf-8")
)
ONE_REPLICA: Object = {
    "receiver": {"enabled": True, "service": {"type": "ClusterIP"}},
    "web": {
        "externalUrl": "https://mail.example.org",
        "config": {"rate_limit": {"interval": "1s", "burst": 9}},
    },
    "ingress": {"enabled": True, "className": "nginx", "tlsSecret": "mail"},
    "httpRoute": {"enabled": True, "parentRefs": [{"name": "gateway"}]},
    "persistence": {"enabled": False},
    "podDisruptionBudget": {"enabled": True},
    "existingSecret": "passwords",
    "existingConfigMap": "mailtrip",
}
SETS: dict[str, Object] = {
    "none": {},
    "everything": EVERYTHING,
    "one-replica": ONE_REPLICA,
    "kustomize": kustomize.values(),
}
PASSWORD = "open-sesame"


@cache
def _texts(values: str) -> dict[str, str]:
    return helm.render(json.loads(values), name="prod")


def render(values: Object) -> list[Object]:
    """Every object, in the order of their files."""
    found: list[Object] = []
    for name, text in _texts(json.dumps(values)).items():
        if name != "NOTES.txt":
            found += [one for one in yaml.load_all(text, yaml.CSafeLoader) if one]
    return found


def notes(values: Object) -> str:
    return _texts(json.dumps(values))["NOTES.txt"]


def only(kind: str, values: Object) -> Object:
    (found,) = (one for one in render(values) if one["kind"] == kind)
    return found


def named(name: str, values: Object) -> Object:
    (found,) = (one for one in render(values) if one["metadata"]["name"] == name)
    return found


def container(values: Object) -> Object:
    (found,) = only("StatefulSet", values)["spec"]["template"]["spec"]["containers"]
    content: Object = found
    return content


def test_helm_is_the_version_that_the_page_names() -> None:
    page = (DIRECTORY.parents[1] / "docs/kubernetes.md").read_text(encoding="utf-8")
    assert f"Helm {helm.version().removeprefix('v')}" in page


@pytest.mark.parametrize("name", SETS)
def test_helm_lint_finds_nothing(name: str) -> None:
    assert helm.lint(SETS[name]) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", SETS)
def test_every_field_is_one_that_is_known(name: str) -> None:
    for content in render(SETS[name]):
        assert complaints(content) == [], content["metadata"]["name"]


@pytest.mark.parametrize("name", SETS)
def test_every_object_is_in_a_namespace_and_says_whose_it_is(name: str) -> None:
    for content in render(SETS[name]):
        about = content["metadata"]
        if about["name"] == "prod-extra":
            continue
        elsewhere = {"PrometheusRule": "monitoring"}.get(content["kind"], "grafana")
        assert about["namespace"] in {"mail", elsewhere}
        assert about["labels"]["app.kubernetes.io/instance"] == "prod"
    assert len({(one["kind"], one["metadata"]["name"]) for one in render(SETS[name])}) == len(
        render(SETS[name])
    )


@pytest.mark.parametrize("name", SETS)
def test_every_pod_may_run_in_a_restricted_namespace(name: str) -> None:
    """The profile "restricted" of Kubernetes' Pod Security Standards."""
    for content in render(SETS[name]):
        spec = content.get("spec", {})
        pod = spec.get("template", {}).get("spec") if content["kind"] == "StatefulSet" else spec
        if content["kind"] not in ("StatefulSet", "Pod"):
            continue
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        for one in pod["containers"]:
            assert one["securityContext"]["allowPrivilegeEscalation"] is False
            assert one["securityContext"]["readOnlyRootFilesystem"] is True
            assert one["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        kinds = {kind for volume in pod.get("volumes", ()) for kind in volume} - {"name"}
        assert kinds <= {"configMap", "secret", "persistentVolumeClaim", "emptyDir"}


def test_the_values_of_everything_leave_nothing_out() -> None:
    """Each value is used by one of the sets at least, except those that stand for another."""
    known = json.loads((helm.CHART / "values.schema.json").read_text(encoding="utf-8"))
    used = set(EVERYTHING) | set(ONE_REPLICA) | {"configText"}
    assert set(known["properties"]) - used == {
        *("nameOverride", "fullnameOverride", "resources", "helmTest"),
        *("podSecurityContext", "securityContext", "livenessProbe", "readinessProbe"),
    }


# The kustomize base.


def test_the_kustomize_base_is_what_helm_renders() -> None:
    for name, text in kustomize.texts().items():
        assert (DIRECTORY / name).read_text(encoding="utf-8") == text, (
            f"{name} is stale: run {kustomize.COMMAND}"
        )
    assert kustomize.rendered()["rules.yaml"] == prometheus_rule.text()


def test_what_kustomize_makes_itself_is_what_helm_renders() -> None:
    rendered = kustomize.rendered()
    map_of_helm, secret = (
        yaml.safe_load(rendered[name]) for name in ("configmap.yaml", "secret.yaml")
    )
    (generated,) = yaml.safe_load((DIRECTORY / "kustomization.yaml").read_text())[
        "configMapGenerator"
    ]
    about = {"name": generated["name"], "namespace": generated["namespace"]}
    assert map_of_helm["metadata"] | about == map_of_helm["metadata"]
    assert map_of_helm["data"] == {
        name: (DIRECTORY / name).read_text(encoding="utf-8") for name in generated["files"]
    }
    by_hand = objects()["Secret"]
    assert secret["metadata"] | by_hand["metadata"] == secret["metadata"]
    assert plain(secret) == by_hand["stringData"]


# Secrets.


def plain(secret: Object) -> dict[str, str]:
    return {name: base64.b64decode(text).decode() for name, text in secret["data"].items()}


def test_passwords_are_in_secrets_only() -> None:
    hashed = EVERYTHING["web"]["config"]["basic_auth_users"]["prometheus"]
    for content in render(EVERYTHING):
        text = json.dumps(content)
        assert PASSWORD not in text
        assert hashed not in text
        assert (
            content["kind"] == "Secret" or base64.b64encode(PASSWORD.encode()).decode() not in text
        )
    assert PASSWORD not in notes(EVERYTHING)
    assert plain(named("prod-mailtrip-passwords", EVERYTHING)) == {"imap": PASSWORD}
    assert named("prod-mailtrip-web", EVERYTHING)["kind"] == "Secret"
    web = yaml.safe_load(plain(named("prod-mailtrip-web", EVERYTHING))["web.yml"])
    assert web == {
        "basic_auth_users": {"prometheus": hashed},
        "tls_server_config": {
            "cert_file": "/run/secrets/mailtrip-tls/tls.crt",
            "key_file": "/run/secrets/mailtrip-tls/tls.key",
        },
    }
    WebOptions.model_validate(web)


def test_every_option_that_holds_a_secret_is_known_to_the_chart() -> None:
    names = OptionNames.of(Settings.json_schema())
    secret = names.known - names.public - names.holders - {"file", "env"}
    # A proxy with a login is one; a zone may be public; the text of a message is from a file.
    always = sorted(secret - {"proxy", "zone", "body", "html"})
    assert "password" in always
    written = (helm.CHART / "templates/_helpers.tpl").read_text(encoding="utf-8")
    assert f"(list {' '.join(json.dumps(name) for name in always)})" in written
    assert names.holders == {"headers"}


MAILBOX = {"imap": {"host": "imap.example.org", "username": "a"}}


@pytest.mark.parametrize(
    ("values", "place"),
    [
        (
            {"config": {"mailboxes": {"m": {"imap": MAILBOX["imap"] | {"password": PASSWORD}}}}},
            "config.mailboxes.m.imap.password",
        ),
        (
            {
                "config": {
                    "mailboxes": {
                        "m": {"imap": MAILBOX["imap"] | {"proxy": "socks5://a:b@proxy:1"}}
                    }
                }
            },
            "config.mailboxes.m.imap.proxy",
        ),
        (
            {"config": {"tracing": {"endpoint": "http://a:4318", "headers": {"X-Key": PASSWORD}}}},
            "config.tracing.headers.X-Key",
        ),
        (
            {"configText": f"mailboxes: {{m: {{imap: {{password: {PASSWORD}}}}}}}"},
            "configText.mailboxes.m.imap.password",
        ),
        (
            {"configText": f"a: &shared {{token: {PASSWORD}}}\nb: [{{c: *shared}}]"},
            "configText.a.token",
        ),
    ],
    ids=["map", "proxy", "header", "text", "anchor"],
)
def test_a_password_in_the_configuration_is_refused_and_not_repeated(
    values: Object, place: str
) -> None:
    with pytest.raises(helm.HelmError) as refused:
        render(values)
    assert f"{place}: everyone who may read ConfigMaps" in str(refused.value)
    assert PASSWORD not in str(refused.value)


# Wrong values.

WRONG: dict[str, tuple[Object, str]] = {
    "typo": ({"persistance": {"size": "2Gi"}}, "'persistance' not allowed"),
    "typo below": ({"persistence": {"sise": "2Gi"}}, "'sise' not allowed"),
    "text for a number": ({"replicas": "two"}, "at '/replicas': got string, want integer"),
    "number for a text": ({"image": {"tag": 1.2}}, "at '/image/tag': got number, want string"),
    "text for a list": ({"extraArgs": "--a"}, "at '/extraArgs': got string, want array"),
    "port": ({"receiver": {"containerPort": 70000}}, "at '/receiver/containerPort'"),
    "digest": ({"image": {"digest": "sha256:abc"}}, "at '/image/digest'"),
    "choice": ({"log": {"format": "xml"}}, "value must be one of 'json', 'text'"),
    "name of a Secret": ({"existingSecret": "No Name"}, "at '/existingSecret'"),
    "name of a file": ({"secrets": {"a/b": "c"}}, "'a/b' not allowed"),
    "typo in a probe": ({"probes": {"a": {"target": []}}}, "'target' not allowed"),
    "typo of mailtrip": ({"config": {"mailboxs": {}}}, "'mailboxs' not allowed"),
    "typo in an option of mailtrip": (
        {"config": {"mailboxes": {"m": {"imap": MAILBOX["imap"] | {"hots": "a"}}}}},
        "at '/config/mailboxes/m/imap': additional properties 'hots' not allowed",
    ),
    "typo in the web configuration": (
        {"web": {"config": {"basic_auth_user": {}}}},
        "'basic_auth_user' not allowed",
    ),
    "two configurations": (
        {"config": {"state": {"dir": "/x"}}, "configText": "a: b"},
        "set only one of config, configText and existingConfigMap",
    ),
    "two Secrets": (
        {"secrets": {"a": "b"}, "existingSecret": "c"},
        "set only one of secrets and existingSecret",
    ),
    "two web configurations": (
        {"web": {"existingSecret": "a", "config": {"basic_auth_users": {"a": "b"}}}},
        "set only one of web.config and web.existingSecret",
    ),
    "text that is not YAML": ({"configText": "a: [b"}, "configText is not YAML"),
    "probes of replicas": (
        {"replicas": 2, "configText": "probes: [{name: a}]"},
        "config.probes needs one replica",
    ),
    "Ingress of replicas": (
        {"replicas": 2, "ingress": {"enabled": True, "host": "a"}},
        "ingress and httpRoute need one replica",
    ),
    "volume of replicas": (
        {"replicas": 2, "persistence": {"existingClaim": "a"}},
        "persistence.existingClaim needs one replica",
    ),
    "Ingress without a host": (
        {"ingress": {"enabled": True}},
        "set ingress.host or web.externalUrl",
    ),
    "route without a gateway": ({"httpRoute": {"enabled": True}}, "set httpRoute.parentRefs"),
    "probe without targets": ({"probes": {"a": {"module": "b"}}}, "set probes.a.targets"),
    "label of the chart": (
        {"podLabels": {"app.kubernetes.io/name": "a"}},
        "podLabels: the chart itself sets the label app.kubernetes.io/name",
    ),
}


@pytest.mark.parametrize(("values", "words"), WRONG.values(), ids=WRONG)
def test_wrong_values_are_refused_and_it_says_why(values: Object, words: str) -> None:
    with pytest.raises(helm.HelmError) as refused:
        render(values)
    assert words in str(refused.value)


EXAMPLES = [
    file
    for file in sorted(DIRECTORY.parent.glob("*.yml"))
    if "modules" in yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)
]


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_a_configuration_as_a_mapping_means_the_same(file: Path) -> None:
    """The schema takes every example, and Helm writes it as it was, though it sorts the keys."""
    text = file.read_text(encoding="utf-8")
    written = only("ConfigMap", {"config": yaml.load(text, yaml.CSafeLoader)})["data"][
        "mailtrip.yml"
    ]
    one, other = (Settings.parse(content.encode(), file.name) for content in (text, written))
    assert sorted(probe.name for probe in one.probes) == sorted(
        probe.name for probe in other.probes
    )
    assert one.model_copy(update={"probes": []}) == other.model_copy(update={"probes": []})


@pytest.mark.parametrize(
    "text",
    [
        "  # indented\n\n# {{ .Values.secrets }} --- |\nstate: {dir: /var/lib/mailtrip}\n",
        "state:\n\n    dir: /var/lib/mailtrip # ü\n---\n",
    ],
    ids=["indented", "lines"],
)
def test_a_configuration_as_a_text_stays_as_it_is(text: str) -> None:
    assert only("ConfigMap", {"configText": text})["data"] == {"mailtrip.yml": text}


def test_helm_keeps_large_numbers_as_they_are() -> None:
    """It reads all numbers as floating-point."""
    trip = {"from": "a@example.org", "mailbox": "m", "send": {"mx": {}}, "size": 10485760}
    config = {"modules": {"m": {"roundtrip": trip}}}
    assert "size: 10485760\n" in only("ConfigMap", {"config": config})["data"]["mailtrip.yml"]


def examples_of_the_page() -> list[Object]:
    page = (DIRECTORY.parents[1] / "docs/kubernetes.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^( *)```yaml\n(.*?)^ *```", page, re.MULTILINE | re.DOTALL)
    return [yaml.safe_load(textwrap.dedent(text)) for _, text in blocks]


@pytest.mark.parametrize("number", range(5))
def test_the_values_on_the_page_are_good(number: int) -> None:
    found = examples_of_the_page()
    assert len(found) == 5
    assert render(found[number])


# What the values do.


def test_without_a_configuration_mailtrip_sends_messages_to_itself() -> None:
    kinds = [one["kind"] for one in render({})]
    assert sorted(kinds) == ["NetworkPolicy", "Pod", "Service", "StatefulSet"]
    assert container({})["args"] == ["serve", "--log.format=json"]
    dockerfile = (DIRECTORY.parents[1] / "Dockerfile").read_text(encoding="utf-8")
    assert f"STATE_DIRECTORY={container({})['workingDir']} " in dockerfile
    assert "sends messages to itself" in notes({})
    assert "registry.example.org/mailtrip:0.1.0 does not exist" in notes({})


def test_a_change_of_the_configuration_changes_no_pod() -> None:
    """mailtrip reloads it, so the pod goes on; a flag restarts it."""
    one, other = (
        kustomize.values() | {"configText": f"state: {{dir: /var/lib/mailtrip}} # {number}\n"}
        for number in (1, 2)
    )
    assert only("StatefulSet", one) == only("StatefulSet", other)
    assert only("ConfigMap", one)["metadata"] == only("ConfigMap", other)["metadata"]
    assert "--config.enable-auto-reload" in container(one)["args"]
    assert only("StatefulSet", one) != only("StatefulSet", one | {"log": {"level": "DEBUG"}})


def test_an_upgrade_changes_nothing_that_kubernetes_never_changes() -> None:
    """Of a StatefulSet, only replicas, template and strategies can change."""
    never = ("selector", "serviceName", "podManagementPolicy", "volumeClaimTemplates")
    before = only("StatefulSet", {})["spec"]
    same_volume = EVERYTHING | {"persistence": {}}
    after = only("StatefulSet", same_volume)["spec"]
    assert {name: before[name] for name in never} == {name: after[name] for name in never}
    assert "0.1.0" not in json.dumps({name: after[name] for name in never})
    # A newer version of the chart with the same image restarts no pod.
    image = {"repository": "mailtrip", "tag": "latest"}
    assert "0.1.0" not in json.dumps(only("StatefulSet", {"image": image})["spec"])


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ({"repository": "a/b"}, "a/b:0.1.0"),
        ({"repository": "a/b", "tag": "1"}, "a/b:1"),
        (
            {"repository": "a/b", "tag": "1", "digest": f"sha256:{'0' * 64}"},
            f"a/b@sha256:{'0' * 64}",
        ),
    ],
    ids=["version", "tag", "digest"],
)
def test_an_image_has_a_version_a_tag_or_a_digest(image: Object, name: str) -> None:
    assert container({"image": image})["image"] == name


@pytest.mark.parametrize(
    ("web", "handler"),
    [
        ({}, {"httpGet": {"path": "/-/healthy", "port": "http"}}),
        (
            {"externalUrl": "https://a.example.org/mail/"},
            {"httpGet": {"path": "/mail/-/healthy", "port": "http"}},
        ),
        (
            {"externalUrl": "https://a.example.org/mail", "routePrefix": "/"},
            {"httpGet": {"path": "/-/healthy", "port": "http"}},
        ),
        (
            {"tlsSecret": "tls"},
            {"httpGet": {"path": "/-/healthy", "port": "http", "scheme": "HTTPS"}},
        ),
        ({"config": {"basic_auth_users": {"a": "b"}}}, {"tcpSocket": {"port": "http"}}),
        (
            {
                "tlsSecret": "tls",
                "config": {
                    "tls_server_config": {
                        "client_auth_type": "RequireAndVerifyClientCert",
                        "client_ca_file": "/ca",
                    }
                },
            },
            {"tcpSocket": {"port": "http"}},
        ),
    ],
    ids=["http", "path", "prefix", "https", "login", "certificate"],
)
def test_the_kubelet_asks_in_a_way_that_is_answered(web: Object, handler: Object) -> None:
    assert container({"web": web})["livenessProbe"] == handler | {
        "periodSeconds": 15,
        "timeoutSeconds": 5,
    }
    own = {"exec": {"command": ["true"]}}
    probe = container({"web": web, "livenessProbe": own})["livenessProbe"]
    assert set(probe) == {"exec", "periodSeconds", "timeoutSeconds"}


def test_a_budget_blocks_no_single_replica() -> None:
    budget = {"podDisruptionBudget": {"enabled": True}}
    assert "PodDisruptionBudget" not in {one["kind"] for one in render(budget)}
    spec = only("PodDisruptionBudget", budget | {"replicas": 2})["spec"]
    pods = only("StatefulSet", {})["spec"]["selector"]
    assert spec == {"maxUnavailable": 1, "selector": pods}


def test_each_replica_receives_its_own_mail() -> None:
    for number in range(3):
        service = named(f"prod-mailtrip-smtp-{number}", EVERYTHING)["spec"]
        assert (
            service["selector"]["statefulset.kubernetes.io/pod-name"] == f"prod-mailtrip-{number}"
        )
        assert service["externalTrafficPolicy"] == "Local"
    (policy,) = [one for one in render(EVERYTHING) if one["kind"] == "NetworkPolicy"]
    assert {"ports": [{"port": "smtp"}]} in policy["spec"]["ingress"]


def test_prometheus_divides_the_targets_among_as_many_replicas_as_there_are() -> None:
    address = "prod-mailtrip-$1.prod-mailtrip.mail.svc:10925"
    for content in render(EVERYTHING):
        if content["kind"] == "Probe":
            rules = content["spec"]["targets"]["staticConfig"]["relabelingConfigs"]
        elif content["kind"] == "ScrapeConfig":
            rules = content["spec"]["relabelings"]
        else:
            continue
        assert [rule["modulus"] for rule in rules if "modulus" in rule] == [3]
        assert [
            rule["replacement"] for rule in rules if rule.get("targetLabel") == "__address__"
        ] == [address]


def test_pods_of_helm_test_are_no_replicas_and_may_connect() -> None:
    replicas = only("StatefulSet", EVERYTHING)["spec"]["selector"]["matchLabels"]
    peers = only("NetworkPolicy", EVERYTHING)["spec"]["ingress"][0]["from"]
    allowed = [peer["podSelector"]["matchLabels"] for peer in peers if "podSelector" in peer]
    pods = [one for one in render(EVERYTHING) if one["kind"] == "Pod"]
    assert len(pods) == 2
    for pod in pods:
        labels = pod["metadata"]["labels"]
        assert labels | replicas != labels
        assert allowed == [labels]
        assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"


def test_alerts_can_be_left_out_and_lead_to_runbooks_of_ones_own() -> None:
    def alerts(values: Object) -> dict[str, Object]:
        groups = only("PrometheusRule", values)["spec"]["groups"]
        return {
            rule["alert"]: rule for group in groups for rule in group["rules"] if "alert" in rule
        }

    everyone = alerts({"prometheusRule": {"enabled": True}})
    fewer = alerts(EVERYTHING)
    assert set(everyone) - set(fewer) == {"MailtripFailing"}
    for name, rule in fewer.items():
        url = everyone[name]["annotations"].get("runbook_url", "")
        own = rule["annotations"].get("runbook_url", "")
        assert own == url.replace(
            "https://mailtrip.example.org/docs/alerts.md", "https://wiki.example.com/alerts"
        )
        assert rule["expr"] == everyone[name]["expr"]
    assert any(rule["annotations"].get("runbook_url") for rule in fewer.values())


def test_grafana_gets_every_dashboard() -> None:
    maps = [one for one in render(EVERYTHING) if one["metadata"].get("namespace") == "grafana"]
    found = {name: json.loads(text) for one in maps for name, text in one["data"].items()}
    sources = DIRECTORY.parents[1] / "dashboards"
    assert found == {file.name: json.loads(file.read_text()) for file in sources.glob("*.json")}
    for one in maps:
        assert one["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert len(json.dumps(one)) < 1 << 20  # what a ConfigMap may have


def test_another_chart_can_depend_on_it(tmp_path: Path) -> None:
    """Helm then puts `global` among the values, and the condition is usually called `enabled`."""
    parent = tmp_path / "parent"
    shutil.copytree(helm.CHART, parent / "charts/mailtrip")
    dependency = {"name": "mailtrip", "version": "0.1.0", "condition": "mailtrip.enabled"}
    about = {"apiVersion": "v2", "name": "parent", "version": "1.0.0", "dependencies": [dependency]}
    (parent / "Chart.yaml").write_text(yaml.safe_dump(about))
    values = {"global": {"a": "b"}, "mailtrip": {"enabled": True, "replicas": 2}}
    rendered = helm.render(values, name="prod", chart=parent)
    (stateful,) = (yaml.safe_load(text) for name, text in rendered.items() if "stateful" in name)
    assert stateful["spec"]["replicas"] == 2
    assert not helm.render({"mailtrip": {"enabled": False}}, name="prod", chart=parent)


def test_names_have_room_for_what_kubernetes_appends() -> None:
    """The label controller-revision-hash has the name of the StatefulSet and 11 more characters."""
    long = {"fullnameOverride": "m" * 63}
    name = only("StatefulSet", long)["metadata"]["name"]
    assert len(name) == 52
    assert only("Service", long)["metadata"]["name"] == name


def test_null_removes_a_default_as_openshift_needs_it() -> None:
    none = {"runAsUser": None, "runAsGroup": None, "fsGroup": None}
    pod = only("StatefulSet", {"podSecurityContext": none})["spec"]["template"]["spec"]
    assert not set(none) & set(pod["securityContext"])


def test_the_newest_kubernetes_is_not_the_only_one() -> None:
    chart = yaml.safe_load((helm.CHART / "Chart.yaml").read_text(encoding="utf-8"))
    oldest = chart["kubeVersion"].removeprefix(">=").removesuffix(".0-0")
    for content in render(EVERYTHING):
        if "monitoring.coreos.com" not in content["apiVersion"]:
            kubernetes_validate.validate(content, oldest, strict=True)
