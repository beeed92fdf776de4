"""A choice: a mapping with exactly one key, such as `send: {smtp: …}`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar, get_args

from pydantic import ConfigDict
from pydantic_core import CoreSchema, core_schema

from exporter.config.schema import OPTIONS
from exporter.config.types import Options


def load(name: str) -> Any:
    """The class of this name (`module:Class`), whose module is imported now."""
    module, _, found = name.partition(":")
    return getattr(import_module(module), found)


@dataclass(frozen=True, slots=True)
class Kind:
    """The options of an alternative, by the name of their class (`module:Class`). Their module is
    imported, with what it needs, when these options are given: by a reload in its thread."""

    name: str

    @property
    def options(self) -> type[Options]:
        found: type[Options] = load(self.name)
        return found

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> CoreSchema:
        given = core_schema.no_info_plain_validator_function(
            lambda value: self.options.model_validate(value), metadata={OPTIONS: self}
        )
        return core_schema.nullable_schema(given)


def _exactly_one(schema: dict[str, Any], model: "type[Choice]") -> None:
    schema["oneOf"] = [{"required": [name]} for name in model.choices]


class Choice(Options):
    """The fields of a derived class are alternatives: each is optional, and exactly one is given.

    A class derived from that may add ordinary options, as a module does to its check.
    """

    model_config = ConfigDict(json_schema_extra=_exactly_one)

    choices: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if Choice in cls.__bases__:
            cls.choices = tuple(cls.model_fields)

    @classmethod
    def kinds(cls) -> dict[str, type[Options]]:
        """The options of each alternative that has any, by its key."""
        found = dict[str, type[Options]]()
        for name in cls.choices:
            field = cls.model_fields[name]
            for kind in (*field.metadata, *get_args(field.annotation)):
                if isinstance(kind, Kind):
                    found[name] = kind.options
                elif isinstance(kind, type) and issubclass(kind, Options):
                    found[name] = kind
        return found

    @classmethod
    def _between(cls, given: Mapping[str, Any]) -> Iterator[str]:
        yield from super()._between(given)
        chosen = [name for name in cls.choices if given.get(name) is not None]
        if len(chosen) > 1:
            yield f"only one of these can be given: {', '.join(chosen)}"
        elif not chosen and len(cls.choices) == 1:
            yield f"{cls.choices[0]} is missing"
        elif not chosen:
            yield f"one of these is missing: {', '.join(cls.choices)}"

    @property
    def chosen(self) -> tuple[str, Any]:
        """The chosen key and its options."""
        return next(
            (name, options) for name in self.choices if (options := getattr(self, name)) is not None
        )
