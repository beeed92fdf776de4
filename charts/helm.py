"""Helm itself, as a library: its own code in Go, loaded into Python. Only tests and the generator
of the kustomize base need it."""

from functools import cache
from pathlib import Path
from typing import Any

import helm_python
from helm_python import HelmError

CHART = Path(__file__).resolve().parent / "mailtrip"

__all__ = ["CHART", "HelmError", "lint", "render", "version"]


def version() -> str:
    """Of Helm, such as v4.2.3."""
    told: str = helm_python.helm_sdk_version()
    return told


def render(
    values: dict[str, Any], *, name: str = "mailtrip", namespace: str = "mail", chart: Path = CHART
) -> dict[str, str]:
    """What `helm template` renders: the text of each template that is not empty, by its name below
    templates/. Raises HelmError, also for values that the schema refuses."""
    loaded = _chart(chart)
    loaded.validate_schema(loaded.merge_values(values))
    rendered = loaded.render(values, name=name, namespace=namespace, is_install=True)
    texts = {file.partition("/templates/")[2]: text for file, text in rendered.items()}
    return {file: text for file, text in sorted(texts.items()) if text.strip()}


@cache
def _chart(directory: Path) -> helm_python.Chart:
    return helm_python.Chart.load(directory)


def lint(values: dict[str, Any] | None = None) -> list[str]:
    """What `helm lint --strict` reports, without what is only informative."""
    report = helm_python.lint(CHART, values, strict=True)
    told = [one for one in report["messages"] if one["severity"] > 1]
    errors: list[str] = report["errors"]
    return [f"{one['path']}: {one['error']}" for one in told] + errors
