"""The JSON Schema of a configuration: for editors, for the page in docs/, and to find the known
keys."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from inspect import cleandoc, getsource
from itertools import pairwise
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from exporter.config.mistakes import Path
from exporter.config.types import Options, duration_text, size_text

_WRITTEN = {"duration": duration_text, "size": size_text}

OPTIONS = "options"
"""In the metadata of a validator: what knows the `options` that it validates."""


@cache
def json_schema(root: type[Options]) -> dict[str, Any]:
    """The schema, Draft 2020-12. `title` describes the type of a value, `description` is the
    option's docstring. Every caller gets the same one: do not change it."""
    schema = root.model_json_schema(schema_generator=_AsWritten)
    described: dict[str, Any] = _in_one_line({"$schema": _AsWritten.schema_dialect, **schema})
    return described


def _in_one_line(part: Any) -> Any:
    """Puts descriptions in one line, since editors show each line as a paragraph."""
    if isinstance(part, list):
        return [_in_one_line(one) for one in part]
    if not isinstance(part, dict):
        return part
    spoken = (
        {"description": " ".join(part["description"].split())}
        if isinstance(part.get("description"), str)
        else {}
    )
    return {name: _in_one_line(one) for name, one in part.items()} | spoken


def keys_at(schema: dict[str, Any], path: Path) -> list[str]:
    """The known keys of the mapping at a path; none if it allows any key, or is not a mapping."""
    here = _resolved(schema, schema)
    for part in path:
        named = next(iter(here.get("patternProperties", {}).values()), None)
        here = _resolved(
            schema, here.get("properties", {}).get(part) or named or here.get("items") or {}
        )
    return list(here.get("properties", ()))


def _resolved(schema: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """Resolves references; of alternatives, returns the mapping."""
    reference = next((one["$ref"] for one in part.get("anyOf", [part]) if "$ref" in one), None)
    resolved: dict[str, Any] = schema["$defs"][reference.rpartition("/")[2]] if reference else part
    return resolved


class _AsWritten(GenerateJsonSchema):
    """Describes values as written in a file: none is null, and defaults have the same form."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def function_plain_schema(
        self, schema: core_schema.PlainValidatorFunctionSchema
    ) -> JsonSchemaValue:
        """That of the options, if it validates such."""
        kind = schema.get("metadata", {}).get(OPTIONS)
        if kind is None:
            return super().function_plain_schema(schema)
        kind.options.model_rebuild()
        return self.generate_inner(kind.options.__pydantic_core_schema__)

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        inner = self.generate_inner(schema["schema"])
        default = schema.get("default")
        if default is None or isinstance(default, Options):
            return inner
        return {
            **inner,
            "default": _WRITTEN.get(inner.get("title", ""), lambda value: value)(default),
        }

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        found = super().dict_schema(schema)
        return {**found, "additionalProperties": False} if "patternProperties" in found else found

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """Sorts the options, and describes them."""
        found = super().model_schema(schema)
        found.pop("title", None)
        fields = schema["cls"].model_fields
        if properties := found.get("properties"):
            found["properties"] = {name: properties[name] for name in schema["cls"].keys}
            for name, text in _docstrings(schema["cls"]).items():
                key = fields[name].alias or name
                found["properties"][key] = {**found["properties"][key], "description": text}
        return found

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _docstrings(options: type[Options]) -> dict[str, str]:
    """The docstring of each option, also of inherited ones, by the name of its field."""
    texts: dict[str, str] = {}
    for kind in reversed(options.__mro__):
        if issubclass(kind, Options):
            texts |= _written(kind.__module__).get(kind.__qualname__, {})
    return {name: text for name, text in texts.items() if name in options.model_fields}


@cache
def _written(module: str) -> dict[str, dict[str, str]]:
    """The docstrings of attributes, by class. Python does not keep them, so they are read from the
    source, and only for a schema: to read all of them takes as long as to import pydantic."""
    classes = [
        node
        for node in ast.parse(getsource(sys.modules[module])).body
        if isinstance(node, ast.ClassDef)
    ]
    return {one.name: dict(_documented(one)) for one in classes}


def _documented(options: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for attribute, text in pairwise(options.body):
        match attribute, text:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(words))),
            ):
                yield name, cleandoc(words)
