"""A choice: a mapping with exactly one key, such as `send: {smtp: …}`."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, get_args

from pydantic import ConfigDict

from exporter.config.types import Options


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
        """The options of each alternative, by its key."""
        return {name: get_args(cls.model_fields[name].annotation)[0] for name in cls.choices}

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
