"""Writes the Grafana dashboards beside it, the rules for the Prometheus Operator and the mixin, and
the objective for Sloth and Pyrra.

Run it in the project's directory: python -m dashboards
"""

import json
from pathlib import Path

from dashboards import (
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


if __name__ == "__main__":
    for name, text in texts().items():
        (HERE / name).write_text(text, encoding="utf-8")
    prometheus_rule.FILE.write_text(prometheus_rule.text(), encoding="utf-8")
    mixin.FILE.write_text(mixin.text(), encoding="utf-8")
    for name, text in objective.texts().items():
        (objective.FOLDER / name).write_text(text, encoding="utf-8")
