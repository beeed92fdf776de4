"""Writes what the chart says of its values: values.yaml, values.schema.json and README.md, from
charts/values.py.

Run it in the project's directory: python -m charts
"""

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from charts.values import ChartValues
from exporter.config.schema import json_schema
from exporter.config.types import Options
from exporter.settings import Settings
from exporter.web.options import TlsServerOptions, WebOptions

CHART = Path(__file__).resolve().parent / "mailtrip"
COMMAND = "python -m charts"
DIALECT = "http://json-schema.org/draft-07/schema#"
"""The newest that every Helm 3 knows."""
OF_HELM: dict[str, JsonSchemaValue] = {
    "global": {"type": "object", "description": "What Helm gives to every subchart."},
    "enabled": {"type": "boolean", "description": "For the `condition` of a parent chart."},
}
"""Keys that other charts have in the values of this one when they depend on it."""
HEAD = f"""\
# yaml-language-server: $schema=values.schema.json
#
# The values of the chart, with their defaults. Another key is an error.
# Made from charts/values.py by "{COMMAND}".
"""
INTRODUCTION = f"""\
<!-- Generated from charts/values.py by "{COMMAND}". Change that, not this page. -->

# The values of the Helm chart

The chart installs [mailtrip](https://mailtrip.example.org/), the e-mail round-trip exporter for
Prometheus. [docs/kubernetes.md](../../docs/kubernetes.md) says how, with examples. The table shows
all values. Another key, or a value of another type, is an error; the same holds for the options of
mailtrip in `config` and `web.config`.

| value | type | default | meaning |
| --- | --- | --- | --- |
"""


def values() -> str:
    """The content of values.yaml."""
    return "\n".join([HEAD.rstrip("\n"), *_defaults(_schema(), "")]) + "\n"


def _defaults(mapping: JsonSchemaValue, indent: str) -> Iterator[str]:
    for name, option in mapping["properties"].items():
        if not indent:
            yield ""
        yield from _comment(option["description"], indent)
        if "properties" in option:
            yield f"{indent}{name}:"
            yield from _defaults(option, indent + "  ")
            continue
        for example in option.get("examples", ()):
            lines = yaml.safe_dump({name: example}, sort_keys=False, width=90).splitlines()
            yield from (f"{indent}#   {line}" for line in lines)
        yield from (f"{indent}{line}" for line in _yaml(name, option["default"]))


def _yaml(name: str, value: object) -> list[str]:
    if isinstance(value, dict) and value:
        return [f"{name}:", *(f"  {line}" for key in value for line in _yaml(key, value[key]))]
    return [f"{name}: {_flow(value)}"]


def _flow(value: object) -> str:
    """As JSON, with plain words where YAML needs no quotes."""
    if isinstance(value, list):
        return f"[{', '.join(map(_flow, value))}]"
    if isinstance(value, str) and value and isinstance(yaml.safe_load(value), str):
        return value
    return json.dumps(value)


def _comment(text: str, indent: str) -> list[str]:
    mark = f"{indent}# "
    return textwrap.wrap(
        text, 98, initial_indent=mark, subsequent_indent=mark, break_on_hyphens=False
    )


def schema() -> str:
    """The content of values.schema.json: with the options of mailtrip itself in `config` and
    `web.config`."""
    root = _schema()
    definitions: dict[str, JsonSchemaValue] = {}
    for place, options in (
        (root["properties"]["config"], Settings),
        (root["properties"]["web"]["properties"]["config"], WebOptions),
    ):
        place |= _options(options, definitions)
    del definitions[TlsServerOptions.__name__]["required"]  # they come from web.tlsSecret
    root["properties"] |= OF_HELM
    written = {
        "$schema": DIALECT,
        "title": "Values of mailtrip",
        **root,
        "definitions": definitions,
    }
    return json.dumps(written, indent=1, ensure_ascii=False) + "\n"


def _options(options: type[Options], definitions: dict[str, JsonSchemaValue]) -> JsonSchemaValue:
    """The schema of the options without their descriptions, which docs/configuration.md has: Helm
    keeps the chart in a Secret for each release."""
    root: JsonSchemaValue = _bare(json_schema(options))
    del root["$schema"]
    definitions |= {name: _bare(one) for name, one in root.pop("$defs", {}).items()}
    return root


def _bare(part: Any) -> Any:
    if isinstance(part, list):
        return [_bare(one) for one in part]
    if not isinstance(part, dict):
        return part
    kept: JsonSchemaValue = {
        name: {key: _bare(one) for key, one in inner.items()}
        if name in ("properties", "patternProperties", "$defs")
        else _bare(inner)
        for name, inner in part.items()
        if name not in ("description", "title", "default", "examples")
    }
    if "(?=.)" in kept.get("pattern", ""):  # Go's regular expressions look neither ahead nor back
        kept |= {"pattern": kept["pattern"].replace("(?=.)", ""), "minLength": 1}
    if "$ref" in kept:
        kept["$ref"] = kept["$ref"].replace("#/$defs/", "#/definitions/")
    return kept


def _schema() -> JsonSchemaValue:
    """Of the values, with what each mapping holds in its place."""
    root = ChartValues.model_json_schema(schema_generator=_InOrder)
    resolved: JsonSchemaValue = _resolved(root, root.pop("$defs"))
    return resolved


class _InOrder(GenerateJsonSchema):
    """Leaves keys in the order in which they are written."""

    def sort(self, value: JsonSchemaValue, parent_key: str | None = None) -> JsonSchemaValue:
        return value


def _resolved(part: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(part, list):
        return [_resolved(one, definitions) for one in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        part = definitions[part["$ref"].rpartition("/")[2]]
    found: JsonSchemaValue = {}
    for name, inner in part.items():
        if name in ("properties", "patternProperties"):
            found[name] = {key: _resolved(one, definitions) for key, one in inner.items()}
        elif name == "description":
            found[name] = " ".join(inner.split())
        elif name != "title":
            found[name] = (
                inner if name in ("default", "examples") else _resolved(inner, definitions)
            )
    if "patternProperties" in found:
        found["additionalProperties"] = False
    return found


def readme() -> str:
    """The content of README.md, which `helm show readme` prints."""
    return INTRODUCTION + "".join(_rows(_schema(), ""))


def _rows(mapping: JsonSchemaValue, path: str) -> Iterator[str]:
    for name, option in mapping["properties"].items():
        if "properties" in option:
            yield f"| `{path}{name}` | mapping | | {_cell(option['description'])} |\n"
            yield from _rows(option, f"{path}{name}.")
            continue
        default = option.get("default")
        shown = "" if default in ("", [], {}) else f"`{json.dumps(default, ensure_ascii=False)}`"
        cells = (f"`{path}{name}`", _kind(option), shown, _cell(option["description"]))
        yield f"| {' | '.join(cells)} |\n".replace("|  |", "| |")
        for below in option.get("patternProperties", {}).values():
            if "properties" in below:
                yield from _rows(below, f"{path}{name}.NAME.")


def _kind(option: JsonSchemaValue) -> str:
    if "enum" in option:
        return " or ".join(f"`{one}`" for one in option["enum"] if one)
    return {
        "string": "text",
        "integer": "whole number",
        "boolean": "`true` or `false`",
        "array": "list",
        "object": "mapping",
    }[option["type"]]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


FILES = {"values.yaml": values, "values.schema.json": schema, "README.md": readme}


if __name__ == "__main__":
    for name, text in FILES.items():
        (CHART / name).write_text(text(), encoding="utf-8")
