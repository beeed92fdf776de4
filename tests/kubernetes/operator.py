"""What the Prometheus Operator writes into Prometheus' configuration.

As in pkg/prometheus/promcfg.go of the Operator 0.93, generateProbeConfig, generateScrapeConfig and
appendShardingRelabelingWithLabel, for the fields that examples/kubernetes and the Helm chart use;
the files ProbeStaticTargets*.golden and ScrapeConfig*.golden beside it show the same. The order
matters: the prober's address first, then the relabelings of the resource, and then the division
among the shards.
"""

import re
from typing import Any

from tests.kubernetes.manifests import Object


def scrape_of_probe(probe: Object, shards: int, shard: int) -> Object:
    """The job of a Probe with static targets in one of the shards of a Prometheus resource."""
    spec, namespace = probe["spec"], probe["metadata"]["namespace"]
    static = spec["targets"]["staticConfig"]
    return {
        "job_name": f"probe/{namespace}/{probe['metadata']['name']}",
        "metrics_path": spec["prober"].get("path", "/probe"),
        "scrape_interval": spec["interval"],
        "params": {"module": [spec["module"]]},
        "static_configs": [
            {"targets": static["static"], "labels": {"namespace": namespace} | static["labels"]}
        ],
        "relabel_configs": [
            {"source_labels": ["job"], "target_label": "__tmp_prometheus_job_name"},
            {"target_label": "job", "replacement": spec["jobName"]},
            {"source_labels": ["__address__"], "target_label": "__param_target"},
            {"source_labels": ["__param_target"], "target_label": "instance"},
            {"target_label": "__address__", "replacement": spec["prober"]["url"]},
            *relabelings(static["relabelingConfigs"]),
            *_division("__param_target", shards, shard),
        ],
    }


def scrape_of_targets(scrape: Object, shards: int, shard: int) -> Object:
    """The job of a ScrapeConfig with static targets."""
    spec = scrape["spec"]
    return {
        "job_name": f"scrapeConfig/{scrape['metadata']['namespace']}/{scrape['metadata']['name']}",
        "metrics_path": spec["metricsPath"],
        "scrape_interval": spec["scrapeInterval"],
        "params": spec["params"],
        "static_configs": spec["staticConfigs"],
        "relabel_configs": [
            {"source_labels": ["job"], "target_label": "__tmp_prometheus_job_name"},
            {"target_label": "job", "replacement": spec["jobName"]},
            *relabelings(spec["relabelings"]),
            *_division("__address__", shards, shard),
        ],
    }


def scrape_of_pods(monitor: Object, pods: dict[str, str], shards: int, shard: int) -> Object:
    """The job of a ServiceMonitor, for pods (address by name) that Kubernetes would tell Prometheus
    of."""
    (endpoint,) = monitor["spec"]["endpoints"]
    return {
        "job_name": (
            f"serviceMonitor/{monitor['metadata']['namespace']}/{monitor['metadata']['name']}/0"
        ),
        "scrape_interval": endpoint["interval"],
        "static_configs": [
            {"targets": [address], "labels": {"__meta_kubernetes_pod_name": name}}
            for name, address in pods.items()
        ],
        "relabel_configs": [
            *relabelings(endpoint["relabelings"]),
            *_division("__address__", shards, shard),
        ],
    }


def relabelings(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Prometheus' spelling of the Operator's: sourceLabels are source_labels."""
    return [
        {re.sub("[A-Z]", lambda capital: f"_{capital[0].lower()}", key): rule[key] for key in rule}
        for rule in rules
    ]


def _division(label: str, shards: int, shard: int) -> list[dict[str, Any]]:
    """The number of the shard stands there as $(SHARD), until the Operator's reloader has put it
    in."""
    return [
        {
            "source_labels": [label, "__tmp_hash"],
            "target_label": "__tmp_hash",
            "regex": "(.+);",
            "replacement": "$1",
        },
        {
            "source_labels": ["__tmp_hash"],
            "target_label": "__tmp_hash",
            "modulus": shards,
            "action": "hashmod",
        },
        {
            "source_labels": ["__tmp_hash", "__tmp_disable_sharding"],
            "regex": f"{shard};|.+;.+",
            "action": "keep",
        },
    ]
