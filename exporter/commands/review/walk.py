"""Walks through all options."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from exporter.config.mistakes import Path
from exporter.config.types import Options


def values(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every option below a value, in the order of the file, mappings before their content."""
    yield path, value
    if isinstance(value, Options):
        for name, field in type(value).model_fields.items():
            if name in value.model_fields_set:
                yield from values(getattr(value, name), (*path, field.alias or name))
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from values(one, (*path, key))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for number, one in enumerate(value):
            yield from values(one, (*path, number))
