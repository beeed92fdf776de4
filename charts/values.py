"""The values of the chart: each option is a field, and its docstring is its documentation.

`python -m charts` writes values.yaml, values.schema.json and the table in the chart's README.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

Mapping = dict[str, Any]
"""Goes into an object of Kubernetes as it is."""
Texts = dict[str, str]
KEY = r"^[-._a-zA-Z0-9]+$"
"""What may be a key of a Secret, and so the name of a file."""
NAME = r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$"
"""A name in Kubernetes (RFC 1123), or nothing."""
NamedObject = Annotated[str, Field(pattern=NAME, max_length=253)]

EXAMPLE_OF_CONFIGURATION = Field(
    examples=[
        {
            "mailboxes": {
                "monitor": {
                    "imap": {
                        "host": "imap.example.org",
                        "username": "monitor",
                        "password": {"file": "/run/secrets/mailtrip/imap"},
                    }
                }
            },
            "modules": {
                "each-relay": {
                    "targets": ["relay?.example.org"],
                    "roundtrip": {
                        "from": "probe@example.org",
                        "to": "monitor@example.org",
                        "send": {"smtp": {"host": "{target}"}},
                        "mailbox": "monitor",
                    },
                }
            },
        }
    ]
)
EXAMPLE_OF_SECRETS = Field(examples=[{"imap": "change-me"}])
EXAMPLE_OF_PROBES = Field(
    examples=[
        {
            "each-relay": {
                "targets": ["relay1.example.org", "relay2.example.org"],
                "targetLabels": {"team": "network"},
            }
        }
    ]
)
EXAMPLE_OF_SCRAPE_CONFIGS = Field(
    examples=[
        {
            "each-relay": {
                "spec": {"httpSDConfigs": [{"url": "https://inventory.example.org/relays"}]}
            }
        }
    ]
)


class Values(BaseModel):
    """A mapping of the values; another key is an error."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        alias_generator=to_camel,
        validate_by_name=True,
    )


class Image(Values):
    """The container image."""

    repository: Annotated[str, Field(min_length=1)] = "registry.example.org/mailtrip"
    """Where your cluster pulls the image from."""
    tag: str = ""
    """Default: the version of the chart."""
    digest: Annotated[str, Field(pattern=r"^(sha256:[0-9a-f]{64})?$")] = ""
    """`sha256:...`, instead of a tag: the image then never changes."""
    pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    """When the kubelet pulls the image."""


class Log(Values):
    """The log, on standard error."""

    format: Literal["json", "text"] = "json"
    """`json` is one object per line, with the ID of the trip."""
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """The least important messages that are logged."""


class Web(Values):
    """The HTTP server: pages, metrics, API."""

    external_url: str = ""
    """The address of the pages for browsers: links in alerts and dashboards lead there."""
    route_prefix: Annotated[str, Field(pattern=r"^(/.*)?$")] = ""
    """What all paths begin with. Default: the path of `externalUrl`."""
    grafana_url: str = ""
    """The URL of Grafana: the page of a probe then has a link to its dashboard."""
    documentation_url: str = ""
    """The URL of your copy of the documentation, for the links of the pages."""
    time_zone: str = ""
    """The time zone of the pages, such as `Europe/Berlin`. Default: UTC."""
    allowed_hosts: list[str] = []
    """Also accept requests to these host names."""
    admin_api: bool = False
    """Also accept requests that change something or send a message. Set a login in `config`
    first."""
    config: Mapping = {}
    """The web configuration file (docs/web.md): HTTPS, logins, headers, limits. It is kept in a
    Secret. The probes of the kubelet follow it."""
    existing_secret: NamedObject = ""
    """A Secret with the web configuration file as the key `web.yml`, instead of `config`. Set
    `livenessProbe` and `readinessProbe` yourself if it requires HTTPS or a login."""
    tls_secret: NamedObject = ""
    """A Secret of the type `kubernetes.io/tls`: enables HTTPS; `tls_server_config` in `config` then
    needs no files. A renewed certificate is used without a restart."""


class ReceiverService(Values):
    """The Service through which mail arrives; with several replicas, one for each."""

    type: Literal["LoadBalancer", "NodePort", "ClusterIP"] = "LoadBalancer"
    """The type of the Service."""
    port: Annotated[int, Field(ge=1, le=65535)] = 25
    """The port that mail servers connect to."""
    external_traffic_policy: Literal["Local", "Cluster", ""] = "Local"
    """`Local` keeps the address of the sending server; `Cluster` hides it, unless the load balancer
    sends PROXY headers."""
    load_balancer_class: str = ""
    """The class of the load balancer."""
    load_balancer_source_ranges: list[str] = []
    """The networks that may connect; default: every network."""
    annotations: Texts = {}
    """Annotations, such as those that give the load balancer its address."""


class Receiver(Values):
    """The SMTP receiver: `smtpd` in the configuration."""

    enabled: bool = False
    """Whether mail servers can connect to the SMTP receiver."""
    container_port: Annotated[int, Field(ge=1, le=65535)] = 2525
    """The port of `listen` in the configuration."""
    service: ReceiverService = ReceiverService()


class Persistence(Values):
    """The state: messages in transit, and the key that signs their tokens."""

    enabled: bool = True
    """Whether the state is on a persistent volume. Without one, a new pod knows neither the
    messages in transit nor what happened before."""
    size: str = "1Gi"
    """The size of the volume; docs/scaling.md says how much is needed."""
    storage_class: str = ""
    """The StorageClass. Default: that of the cluster. `-` is none: a volume that exists already."""
    access_mode: Literal["ReadWriteOnce", "ReadWriteOncePod"] = "ReadWriteOnce"
    """The access mode of the volume."""
    annotations: Texts = {}
    """Annotations of the claim."""
    existing_claim: NamedObject = ""
    """A PersistentVolumeClaim to use instead; for one replica."""


class ServiceAccount(Values):
    """The service account of the pods. mailtrip does not use the API of Kubernetes, and its token
    is never mounted."""

    create: bool = False
    """Whether the chart makes a service account."""
    name: NamedObject = ""
    """Its name. Default: `default`, or the name of the release if it is created."""
    annotations: Texts = {}
    """Its annotations."""


class DisruptionBudget(Values):
    """The PodDisruptionBudget. With one replica there is none: it would only block the maintenance
    of nodes."""

    enabled: bool = False
    """Whether there is one."""
    max_unavailable: Annotated[int, Field(ge=1)] = 1
    """How many pods may be evicted at the same time."""


class Service(Values):
    """The headless Service, which gives each replica its name."""

    annotations: Texts = {}
    """Its annotations."""


class Ingress(Values):
    """An Ingress for the pages; for one replica. Set a login first (`web.config`)."""

    enabled: bool = False
    """Whether there is one."""
    class_name: str = ""
    """Its class."""
    host: str = ""
    """Its host name. Default: that of `web.externalUrl`."""
    tls_secret: NamedObject = ""
    """The Secret with the certificate of the host; empty: no TLS."""
    annotations: Texts = {}
    """Its annotations."""


class HTTPRoute(Values):
    """A route of the Gateway API for the pages; for one replica. Set a login first
    (`web.config`)."""

    enabled: bool = False
    """Whether there is one."""
    parent_refs: list[Mapping] = []
    """The gateways, such as `[{name: gateway, namespace: infra}]`."""
    hostnames: list[str] = []
    """Its host names. Default: that of `web.externalUrl`."""
    annotations: Texts = {}
    """Its annotations."""


class NetworkPolicy(Values):
    """Who may connect to mailtrip. Everyone who can may read its pages (docs/security.md)."""

    enabled: bool = True
    """Whether there is one. It needs a network plugin that enforces it."""
    namespaces: list[str] = ["monitoring"]
    """The namespaces that may connect: where your Prometheus runs, and your ingress controller."""
    additional_peers: list[Mapping] = []
    """More peers that may connect, as in `from` of a NetworkPolicy."""
    egress: list[Mapping] = []
    """Rules for the connections of mailtrip, as in `egress` of a NetworkPolicy. Empty: it may
    connect anywhere, which it needs for DNS and mail."""


class Scrape(Values):
    """How Prometheus connects to mailtrip, for ServiceMonitor, Probe and ScrapeConfig."""

    interval: str = "1m"
    """How often Prometheus asks. A trip may take minutes: no scrape waits for it."""
    timeout: str = ""
    """The time limit of a scrape. Default: that of Prometheus."""
    tls_config: Mapping = {}
    """The Operator's `tlsConfig`, if mailtrip serves HTTPS."""
    basic_auth: Mapping = {}
    """The Operator's `basicAuth`, if mailtrip requires a login."""
    authorization: Mapping = {}
    """The Operator's `authorization`, if a proxy in front of mailtrip requires it."""


class ServiceMonitor(Values):
    """Prometheus Operator: `/metrics` of every replica."""

    enabled: bool = False
    """Whether there is one."""
    labels: Texts = {}
    """Labels, if your Prometheus selects by label, such as `{release: kube-prometheus-stack}`."""
    metric_relabelings: list[Mapping] = []
    """The Operator's `metricRelabelings`."""
    spec: Mapping = {}
    """More fields of its `spec`, such as `sampleLimit`."""


class OperatorProbe(Values):
    """Prometheus Operator: targets for a module, asked at `/probe`."""

    module: str = ""
    """The module. Default: the name of the Probe."""
    job_name: str = "mail"
    """The label `job`."""
    interval: str = ""
    """Default: `scrape.interval`."""
    targets: list[str] = []
    """The targets. The module must allow them (`targets` in the configuration)."""
    target_labels: Texts = {}
    """Labels of all series and alerts of these targets: Alertmanager routes by them."""
    labels: Texts = {}
    """Labels of the object, if your Prometheus selects by label."""
    spec: Mapping = {}
    """More fields of its `spec`, such as `metricRelabelings`."""


class ScrapeConfig(OperatorProbe):
    """Prometheus Operator: as `probes`, with the targets from a service discovery."""

    spec: Mapping = {}
    """More fields of its `spec`, such as `httpSDConfigs` or `fileSDConfigs`."""


class PrometheusRule(Values):
    """Prometheus Operator: the recording rules and alerts of dashboards/rules."""

    enabled: bool = False
    """Whether there is one."""
    namespace: NamedObject = ""
    """Its namespace. Default: that of the release."""
    labels: Texts = {}
    """Labels, if your Prometheus selects by label."""
    disabled_alerts: list[str] = []
    """The names of alerts that are left out."""
    runbook_url: str = ""
    """The address of your copy of docs/alerts.md, for the links in alerts."""


class Dashboards(Values):
    """A ConfigMap for each Grafana dashboard, for the sidecar of Grafana's chart."""

    enabled: bool = False
    """Whether there are any."""
    namespace: NamedObject = ""
    """Their namespace. Default: that of the release."""
    labels: Texts = {"grafana_dashboard": "1"}
    """The labels that the sidecar looks for."""
    annotations: Texts = {}
    """Annotations, such as `{grafana_folder: Mail}`."""


class HelmTest(Values):
    """What `helm test` does. It sends no message."""

    enabled: bool = True
    """Whether there are tests."""
    servers: bool = True
    """Whether it also connects and logs in to every server of the configuration."""


class ChartValues(Values):
    """The values of the chart."""

    name_override: NamedObject = ""
    """Replaces `mailtrip` in the names of objects."""
    fullname_override: NamedObject = ""
    """Replaces the names of objects."""
    common_labels: Texts = {}
    """Labels of all objects."""
    common_annotations: Texts = {}
    """Annotations of all objects."""

    image: Image = Image()
    image_pull_secrets: list[Mapping] = []
    """The Secrets for a private registry, such as `[{name: registry}]`."""

    replicas: Annotated[int, Field(ge=0)] = 1
    """The number of replicas. Prometheus divides the targets of `probes` and `scrapeConfigs` among
    them (docs/scaling.md). `config.probes` and an Ingress need one replica."""

    config: Annotated[Mapping, EXAMPLE_OF_CONFIGURATION] = {}
    """The configuration of mailtrip (docs/configuration.md). A change takes effect without a
    restart. Passwords are not allowed here: name their files, as in
    `{file: /run/secrets/mailtrip/imap}`."""
    config_text: str = ""
    """The same as a text, instead of `config`: `--set-file configText=mailtrip.yml`."""
    existing_config_map: NamedObject = ""
    """A ConfigMap with the key `mailtrip.yml`, instead of `config`."""

    secrets: Annotated[dict[Annotated[str, Field(pattern=KEY)], str], EXAMPLE_OF_SECRETS] = {}
    """Passwords by name. Each becomes the file `/run/secrets/mailtrip/NAME`. A change takes effect
    without a restart."""
    existing_secret: NamedObject = ""
    """A Secret with such files, instead of `secrets`."""

    log: Log = Log()
    web: Web = Web()
    receiver: Receiver = Receiver()
    extra_args: list[str] = []
    """More flags of `mailtrip serve`."""
    extra_env: list[Mapping] = []
    """Environment variables, as in a container."""
    extra_env_from: list[Mapping] = []
    """Sources of environment variables, as in `envFrom` of a container."""
    extra_volumes: list[Mapping] = []
    """More volumes, such as CA certificates."""
    extra_volume_mounts: list[Mapping] = []
    """Where they are mounted."""

    persistence: Persistence = Persistence()
    resources: Mapping = {
        "requests": {"cpu": "20m", "memory": "96Mi"},
        "limits": {"memory": "256Mi"},
    }
    """The resources of the container; docs/scaling.md says how much memory a probe needs."""
    pod_security_context: Mapping = {
        "runAsNonRoot": True,
        "runAsUser": 10925,
        "runAsGroup": 10925,
        "fsGroup": 10925,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    """The group may write to the volume, and read the secrets. OpenShift chooses the user: set
    `runAsUser`, `runAsGroup` and `fsGroup` to null there."""
    security_context: Mapping = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    """Together with `podSecurityContext`, this is the profile "restricted" of the Pod Security
    Standards."""
    liveness_probe: Mapping = {"periodSeconds": 15, "timeoutSeconds": 5}
    """The kubelet's probe. Without a handler, it is the one that fits `web`."""
    readiness_probe: Mapping = {"periodSeconds": 5, "timeoutSeconds": 5}
    """The kubelet's probe. Without a handler, it is the one that fits `web`."""

    pod_labels: Texts = {}
    """Labels of the pods."""
    pod_annotations: Texts = {}
    """Annotations of the pods."""
    pod_spec: Mapping = {}
    """More fields of the pods' `spec`, such as `hostAliases` or `initContainers`."""
    priority_class_name: str = ""
    """The PriorityClass of the pods."""
    node_selector: Texts = {}
    """The nodes on which the pods may run, by label."""
    tolerations: list[Mapping] = []
    """The taints of nodes that the pods tolerate."""
    affinity: Mapping = {}
    """The affinity of the pods."""
    topology_spread_constraints: list[Mapping] = []
    """How the pods are spread over nodes and zones."""
    dns_policy: str = ""
    """The DNS policy of the pods; `Default` uses the name servers of the node."""
    dns_config: Mapping = {}
    """The name servers and search list of the pods."""
    service_account: ServiceAccount = ServiceAccount()
    pod_disruption_budget: DisruptionBudget = DisruptionBudget()

    service: Service = Service()
    ingress: Ingress = Ingress()
    http_route: HTTPRoute = HTTPRoute()
    network_policy: NetworkPolicy = NetworkPolicy()

    scrape: Scrape = Scrape()
    service_monitor: ServiceMonitor = ServiceMonitor()
    probes: Annotated[
        dict[Annotated[str, Field(pattern=NAME)], OperatorProbe], EXAMPLE_OF_PROBES
    ] = {}
    """Probes of the Operator, by name."""
    scrape_configs: Annotated[
        dict[Annotated[str, Field(pattern=NAME)], ScrapeConfig], EXAMPLE_OF_SCRAPE_CONFIGS
    ] = {}
    """ScrapeConfigs of the Operator, by name."""
    prometheus_rule: PrometheusRule = PrometheusRule()
    dashboards: Dashboards = Dashboards()

    helm_test: HelmTest = HelmTest()
    extra_objects: list[Mapping] = []
    """More objects, such as an ExternalSecret. Templates in them are rendered."""
