"""The examples for Prometheus and Alertmanager, with addresses of a test: nothing else differs."""

from pathlib import Path
from typing import Any

import yaml

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def prometheus_example(
    exporter: str, alertmanager: str, module: str, target: str
) -> dict[str, Any]:
    """examples/prometheus.yml with one target for /probe."""
    text = (EXAMPLES / "prometheus.yml").read_text(encoding="utf-8")
    for theirs, ours in (
        ("localhost:10925", exporter),
        ("localhost:9093", alertmanager),
        ("each-relay", module),
    ):
        assert theirs in text
        text = text.replace(theirs, ours)
    content: dict[str, Any] = yaml.safe_load(text)
    content["scrape_configs"][1]["static_configs"][0]["targets"] = [target]
    return content


def alertmanager_example(webhook: str) -> dict[str, Any]:
    """examples/alertmanager.yml; every receiver is a path of the webhook, except for that of the
    heartbeat, which nobody receives."""
    content: dict[str, Any] = yaml.safe_load(
        (EXAMPLES / "alertmanager.yml").read_text(encoding="utf-8")
    )
    del content["global"]
    names = {receiver["name"] for receiver in content["receivers"]} - {"heartbeat"}
    content["receivers"] = [{"name": "heartbeat"}] + [
        {"name": name, "webhook_configs": [{"url": f"{webhook}/{name}", "send_resolved": True}]}
        for name in sorted(names)
    ]
    return content
