"""The rules as mixin/mixin.libsonnet imports them: the groups of each file of rules/, in JSON."""

import json

import yaml

from dashboards.prometheus_rule import HERE, SOURCES

FILE = HERE.parent / "mixin/rules.json"


def text() -> str:
    """The content of the file."""
    groups = {
        file.name: yaml.safe_load(file.read_text(encoding="utf-8"))["groups"] for file in SOURCES
    }
    return json.dumps(groups, indent=1, ensure_ascii=False) + "\n"
