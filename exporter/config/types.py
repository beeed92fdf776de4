"""The types of values in a configuration: durations, sizes, names, secrets, addresses to listen
on."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from inspect import get_annotations
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    ModelWrapValidatorHandler,
    PlainSerializer,
    SerializerFunctionWrapHandler,
    ValidationError,
    WithJsonSchema,
    model_serializer,
    model_validator,
)
from pydantic_core import CoreSchema, InitErrorDetails, core_schema

from exporter.config.confusables import ends_oddly
from exporter.config.placeholders import (
    HIDDEN,
    env_mistake,
    is_template,
    path_mistake,
    secret_mistake,
    secret_type_mistake,
)
from exporter.core.timing.durations import DURATION_PATTERN, UNITS, seconds_of

_SIZE = re.compile(r"([0-9]{1,15})(B|KiB|MiB|GiB)?")
_BYTES = {None: 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
NAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}"
_NAME = re.compile(NAME_PATTERN)
_NAME_OF_A_CELL = r"([A-Za-z0-9_.-]|\{from\}|\{to\}){1,100}"

LARGEST_SECRET = 1 << 20  # characters; /dev/zero has more


class Options(BaseModel):
    """A mapping in the configuration. Unknown keys are errors; a field's docstring is its
    documentation."""

    model_config = ConfigDict(
        defer_build=True,  # of each class but the one that is read: 2 MiB
        extra="forbid",
        frozen=True,
        strict=True,  # YAML has types: "5" is no number and "yes" is no truth
        str_min_length=1,
        allow_inf_nan=False,
    )

    keys: ClassVar[tuple[str, ...]] = ()
    """The options in the order of the documentation: required ones first, then the class's own,
    then inherited ones."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        fields = cls.model_fields
        required = [name for name, field in fields.items() if field.is_required()]
        own = [name for kind in cls.__mro__ for name in get_annotations(kind) if name in fields]
        cls.keys = tuple(dict.fromkeys(fields[name].alias or name for name in [*required, *own]))

    @property
    def needs(self) -> Sequence[str]:
        """Modules that are imported for these options, by a start or in the thread of a reload, and
        else only when they are used: the event loop would stand still meanwhile."""
        return ()

    @model_serializer(mode="wrap")
    def _in_order(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = handler(self)
        return {key: written.pop(key) for key in self.keys if key in written} | written

    @classmethod
    def _between(cls, given: Mapping[str, Any]) -> Iterator[str]:
        """Errors between the given options, independent of their values.

        It is not called if a key is unknown: that is most likely a missing key, misspelt.
        """
        yield from ()

    @model_validator(mode="wrap")
    @classmethod
    def _all_at_once(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Reports errors between options together with errors in each option; pydantic would report
        one kind first.

        No input goes into the error: it may be a secret, or hold one.
        """
        known = {field.alias or name for name, field in cls.model_fields.items()}
        problems = cls._between(data) if isinstance(data, dict) and known.issuperset(data) else ()
        found: list[InitErrorDetails] = [
            {"type": "value_error", "input": None, "ctx": {"error": ValueError(problem)}}
            for problem in problems
        ]
        try:
            options = handler(data)
        except ValidationError as error:
            inner = error.errors(include_url=False)
            found += [
                {"type": e["type"], "loc": e["loc"], "input": None, "ctx": e.get("ctx", {})}
                for e in inner
            ]
        else:
            if not found:
                return options
        raise ValidationError.from_exception_data(cls.__name__, found)


def _duration(value: object) -> float:
    return seconds_of(value if isinstance(value, str) else "")


def duration_text(seconds: float) -> str:
    """Formats seconds as in a configuration."""
    for unit in ("h", "m", "s"):
        if seconds >= UNITS[unit] and (seconds / UNITS[unit]).is_integer():
            return f"{seconds / UNITS[unit]:.0f}{unit}"
    return f"{seconds * 1000:.12g}ms"


def _size(value: object) -> int:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    match = _SIZE.fullmatch(text) if isinstance(text, str) else None
    if not match:
        raise ValueError("not a size; write a number of bytes or one with a unit: 64KiB, 1MiB")
    return int(match[1]) * _BYTES[match[2]]


def size_text(size: int) -> str:
    """Formats bytes as in a configuration."""
    for unit in ("GiB", "MiB", "KiB"):
        if size and size % _BYTES[unit] == 0:
            return f"{size // _BYTES[unit]}{unit}"
    return f"{size}B"


def check_name(value: str) -> str:
    """Checks a name, and returns it unchanged. Raises ValueError."""
    if not _NAME.fullmatch(value):
        raise ValueError(
            "not a name; use up to 100 letters a-z, A-Z, digits, - _ . and begin with a"
            " letter or digit"
        )
    return value


def _text(value: str) -> str:
    if "{target}" in value:
        raise ValueError("`{target}` is not supported here")
    if is_template(value):
        raise ValueError(
            "looks like a variable, and variables are not expanded: write the value itself"
        )
    return value


def _path(value: str) -> str:
    if mistake := path_mistake(_text(value)):
        raise ValueError(mistake)
    return value


Duration = Annotated[
    float,
    BeforeValidator(_duration),
    PlainSerializer(duration_text, when_used="json"),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": f"^({DURATION_PATTERN})$",
            "title": "duration",
        }
    ),
]
"""Seconds, written with a unit. Defaults are given in seconds."""

Size = Annotated[
    int,
    BeforeValidator(_size),
    PlainSerializer(size_text, when_used="json"),
    WithJsonSchema(
        {"type": ["string", "integer"], "pattern": f"^{_SIZE.pattern}$", "title": "size"}
    ),
]
"""Bytes, written with or without a unit."""

Name = Annotated[
    str,
    AfterValidator(check_name),
    WithJsonSchema({"type": "string", "pattern": f"^{NAME_PATTERN}$", "title": "name"}),
]
"""What a module, a mailbox or a probe is called, fit for a label and for a URL."""

NameOfACell = Annotated[
    str,
    AfterValidator(check_name),
    WithJsonSchema({"type": "string", "pattern": f"^{_NAME_OF_A_CELL}$", "title": "name"}),
]
"""A name in which a matrix fills in `{from}` and `{to}` before it is read."""

Text = Annotated[str, AfterValidator(_text)]  # used unchanged


def _one_word(value: str) -> str:
    """Reports blanks at either end first: they are invisible, and other messages would mislead."""
    if ends := ends_oddly(_text(value)):
        raise ValueError(f"{ends}, which is part of it: remove it")
    return value


OneWord = Annotated[str, AfterValidator(_one_word)]
"""Text without a blank at its ends."""


class NamedFile(str):
    """Marks the type ReadFile, so that all its values can be found."""


ReadFile = Annotated[str, AfterValidator(lambda text: NamedFile(_path(text)))]
"""The name of a file that is read when it is used, such as a certificate."""


WrittenPath = Annotated[str, AfterValidator(_path)]  # of our own directory


def looked_for(file: str) -> str:
    """Where a file is looked for, for people: the name in the configuration does not show the
    working directory."""
    try:
        return os.path.join(os.getcwd(), file)
    except OSError:  # the directory is gone
        return file


class SecretUnavailable(Exception):
    """A secret's file or variable cannot be read, or is empty. The message names it and never holds
    the secret."""


class Secret:
    """A password or key: a literal, `{file: PATH}` or `{env: NAME}`. Printing it in any way shows
    `<secret>`.

    A file is read again at every use, so that a rotated password needs no restart.
    """

    __slots__ = ("_env", "_file", "_literal")

    def __init__(
        self, literal: str | None = None, *, file: str | None = None, env: str | None = None
    ) -> None:
        self._literal, self._file, self._env = literal, file, env

    def reveal(self) -> str:
        """Returns the secret itself. Raises SecretUnavailable."""
        if self._literal is not None:
            return self._literal
        text = (
            self._in_environment(self._env)
            if self._env is not None
            else self._in_file(self._file or "")
        )
        if not text.strip():
            where = self.origin if self._env is not None else f"the file {self._file}"
            raise SecretUnavailable(
                f"{where} {'contains only blanks' if text else 'is empty'}: there is no"
                " secret in it"
            )
        return text

    @staticmethod
    def _in_environment(name: str) -> str:
        if name not in os.environ:
            raise SecretUnavailable(f"the environment variable {name} is not set")
        return os.environ[name]

    @staticmethod
    def _in_file(path: str) -> str:
        """Reads the file. A byte order mark, as written by editors on Windows, is not part of the
        secret."""
        try:
            with open(path, encoding="utf-8-sig", newline="") as file:
                text = file.read(LARGEST_SECRET + 1)
        except (OSError, ValueError) as error:
            problem = error.strerror if isinstance(error, OSError) else "not UTF-8"
            raise SecretUnavailable(
                f"cannot read the secret in {looked_for(path)}: {problem}"
            ) from None
        if len(text) > LARGEST_SECRET:
            raise SecretUnavailable(
                f"the file {path} is larger than {size_text(LARGEST_SECRET)}, too large for a"
                " secret"
            )
        if "\0" in text:  # no login takes one (RFC 4616, RFC 9051)
            raise SecretUnavailable(
                f"the file {path} contains a null byte, which is not possible in a secret:"
                " save it as UTF-8"
            )
        return text.removesuffix("\n").removesuffix("\r")

    @property
    def origin(self) -> str:
        """Where the secret is kept, safe to show; empty for a literal."""
        return self._file or (f"the environment variable {self._env}" if self._env else "")

    def __repr__(self) -> str:
        return HIDDEN

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[str | None, str | None, str | None]:
        return self._literal, self._file, self._env

    @classmethod
    def _parse(cls, value: Any) -> "Secret":
        if isinstance(value, cls):
            return value
        if isinstance(value, str):
            if mistake := secret_mistake(value):
                raise ValueError(mistake)
            return cls(value)
        if isinstance(value, dict) and len(value) == 1:
            ((kind, name),) = value.items()
            if kind in ("file", "env") and isinstance(name, str) and name:
                if mistake := path_mistake(name) if kind == "file" else env_mistake(name):
                    raise ValueError(mistake)
                return cls(**{kind: name})
        raise ValueError(secret_type_mistake(value))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._parse, serialization=core_schema.plain_serializer_function_ser_schema(str)
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        one = {
            "type": "object",
            "maxProperties": 1,
            "minProperties": 1,
            "additionalProperties": False,
        }
        reference = {**one, "properties": {"file": {"type": "string"}, "env": {"type": "string"}}}
        return {"anyOf": [{"type": "string"}, reference], "title": "secret"}


class Listen(str):
    """HOST:PORT to listen on. An IPv6 address is in brackets; port 0 means any free port."""

    host: str
    port: int

    def __new__(cls, text: str) -> "Listen":
        host, colon, port = text.rpartition(":")
        bracketed = host.startswith("[") and host.endswith("]")
        if host == "*":
            raise ValueError(
                f"not an address to listen on; for all addresses of this machine write :{port}"
            )
        if (
            not colon
            or not re.fullmatch("[0-9]{1,5}", port)
            or int(port) > 65535
            or (":" in host and not bracketed)
        ):
            raise ValueError(
                "not an address to listen on; write HOST:PORT, such as 127.0.0.1:2525 or [::1]:2525"
            )
        self = super().__new__(cls, text)
        self.host, self.port = host.strip("[]"), int(port)
        return self

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(cls, core_schema.str_schema())

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        return {"type": "string", "title": "HOST:PORT"}
