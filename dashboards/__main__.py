"""Writes the Grafana dashboards beside it, the rules for the Prometheus Operator and the mixin,
the objective for Sloth and Pyrra, and copies for the Helm chart.

Run it in the project's directory: python -m dashboards
"""

import json
from pathlib import Path

from dashboards import (
    alert_texts,
    blocklists,
    exporter_itself,
    matrix,
    mixin,
    objective,
    one_probe,
    overview,
    prometheus_rule,
)

HERE = Path(__file__).resolve().parent
CHART = HERE.parent / "charts/mailtrip/files"
COMMAND = "python -m dashboards"
FILES = {
    "mail-overview.json": overview,
    "one-probe.json": one_probe,
    "matrix.json": matrix,
    "blocklists.json": blocklists,
    "exporter.json": exporter_itself,
}


def texts() -> dict[str, str]:
    """The content of every file."""
    return {
        name: json.dumps(module.build(), indent=1, ensure_ascii=False) + "\n"
        for name, module in FILES.items()
    }


def of_the_chart() -> dict[str, str]:
    """The content of what the Helm chart has of it, by its name below `CHART`: a chart cannot name
    files outside of itself."""
    rules = {
        f"rules/{file.name}": file.read_text(encoding="utf-8") for file in prometheus_rule.SOURCES
    }
    return rules | {f"dashboards/{name}": text for name, text in texts().items()}


if __name__ == "__main__":
    for name, text in texts().items():
        (HERE / name).write_text(text, encoding="utf-8")
    alert_texts.FILE.write_text(alert_texts.text(), encoding="utf-8")
    prometheus_rule.FILE.write_text(prometheus_rule.text(), encoding="utf-8")
    mixin.FILE.write_text(mixin.text(), encoding="utf-8")
    for name, text in objective.texts().items():
        (objective.FOLDER / name).write_text(text, encoding="utf-8")
    for name, text in of_the_chart().items():
        (CHART / name).write_text(text, encoding="utf-8")
