"""What other monitoring systems read exists: paths of the API in a template, series in their
configurations."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.commands.flags import SLOW
from exporter.commands.status.judgement import STALE_AFTER
from exporter.core.json_output import summary
from exporter.core.model import Outcome, ProbeKey
from exporter.metrics.definitions import OF_A_PROBE
from tests.commands.status.probes import item

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "examples/zabbix/mailtrip.yaml"
PAGE = (ROOT / "docs/monitoring.md").read_text(encoding="utf-8")
BRANCH = "$.items[?(@.name"


def values(tree: Any, key: str) -> Iterator[Any]:
    """Of this key, at any depth."""
    if isinstance(tree, dict):
        yield from ([tree[key]] if key in tree else [])
        tree = list(tree.values())
    if isinstance(tree, list):
        for one in tree:
            yield from values(one, key)


def template() -> Any:
    return yaml.safe_load(TEMPLATE.read_text(encoding="utf-8"))


def test_the_template_for_zabbix_reads_fields_that_the_api_has() -> None:
    probe = item()
    probe["newest"] = summary(Outcome("0123456789abcd", ProbeKey("m", "t"), 0.0, 0.0))
    probe["newest"]["failure"] = {"detail": ""}
    paths = [
        text.partition(")].")[2].removesuffix(".first()").split(".")
        for one in values(template(), "preprocessing")
        for step in one
        for text in step["parameters"]
        if text.startswith(BRANCH) and ")]." in text
    ]
    assert len(paths) == 4
    for path in paths:
        found: Any = probe
        for name in path:
            assert name in found, path
            found = found[name]


def test_the_template_names_each_thing_once() -> None:
    for key in ("uuid", "key"):
        found = [one for one in values(template(), key) if one != "mailtrip.probes"]
        assert len(found) == len(set(found))
    assert all(
        re.fullmatch("[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}", one)
        for one in [*values(template(), "uuid")]
    )


@pytest.mark.parametrize("name", sorted(set(re.findall(r"\bmailtrip_[a-z_]+", PAGE))))
def test_series_on_the_page_exist(name: str) -> None:
    assert name in {one.name for one in OF_A_PROBE}


def test_the_page_has_the_limits_of_the_command() -> None:
    assert "(`--warning`, default 5 min," in PAGE
    assert SLOW == 300
    assert "more than three intervals and a `timeout` ago" in PAGE
    assert STALE_AFTER == 3
