"""Writes the kustomize base in examples/kubernetes: what Helm renders from the chart with the
values.yaml there, without the labels that speak of a release.

Run it in the project's directory: python -m charts.kustomize
"""

import re
from pathlib import Path
from typing import Any

import yaml

from charts import helm

BASE = Path(__file__).resolve().parent.parent / "examples/kubernetes"
COMMAND = "python -m charts.kustomize"
CONFIGURATION, VALUES = BASE / "mailtrip.yml", BASE / "values.yaml"
ELSEWHERE = {"configmap.yaml", "secret.yaml", "rules.yaml", "NOTES.txt"}
"""Kustomize has the configuration and the passwords from mailtrip.yml and secrets.yaml, which are
changed by hand; `python -m dashboards` writes the rules."""
OF_A_RELEASE = re.compile(
    r"^ +(app\.kubernetes\.io/(instance|version|managed-by)|helm\.sh/chart): .*\n", re.MULTILINE
)


def values() -> dict[str, Any]:
    """Those of `helm install --values values.yaml --set-file configText=mailtrip.yml`."""
    given: dict[str, Any] = yaml.safe_load(VALUES.read_text(encoding="utf-8"))
    return given | {"configText": CONFIGURATION.read_text(encoding="utf-8")}


def rendered() -> dict[str, str]:
    """Every file that Helm renders, as it is in the base."""
    return {
        name: OF_A_RELEASE.sub("", text.strip().removeprefix("---\n") + "\n")
        for name, text in helm.render(values()).items()
    }


def texts() -> dict[str, str]:
    """The content of every file of the base that is written from the chart."""
    return {name: text for name, text in rendered().items() if name not in ELSEWHERE}


if __name__ == "__main__":
    for name, text in texts().items():
        (BASE / name).write_text(text, encoding="utf-8")
