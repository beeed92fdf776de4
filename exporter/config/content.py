"""Content that users give a message: texts, and files that are read when they are used."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, GetCoreSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema, core_schema

from exporter.config.placeholders import path_mistake
from exporter.config.types import NamedFile, Options, ReadFile

MOST_ATTACHMENTS = 10
_FILE_NAME = re.compile(r'[^\x00-\x1f\x7f-\x9f"\\/:*?<>|]{1,100}')


class TextOrFile:
    """A text, or `{file: PATH}`."""

    __slots__ = ("file", "literal")

    def __init__(self, literal: str = "", file: str = "") -> None:
        self.literal, self.file = literal, NamedFile(file) if file else ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TextOrFile) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> tuple[str, str]:
        return self.literal, str(self.file)

    @property
    def written(self) -> str | dict[str, str]:
        """As in a configuration."""
        return {"file": str(self.file)} if self.file else self.literal

    @classmethod
    def _parse(cls, value: Any) -> "TextOrFile":
        if isinstance(value, cls):
            return value
        if isinstance(value, str) and value.strip():
            return cls(value)
        if isinstance(value, dict) and [*value] == ["file"] and isinstance(value["file"], str):
            if mistake := path_mistake(value["file"]) or ("" if value["file"] else "is empty"):
                raise ValueError(mistake)
            return cls(file=value["file"])
        raise ValueError("not a text; write {file: PATH} or the text itself")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._parse,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda text: text.written
            ),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        reference = {
            "type": "object",
            "properties": {"file": {"type": "string"}},
            "required": ["file"],
            "additionalProperties": False,
        }
        return {"anyOf": [{"type": "string"}, reference], "title": "text"}


def _file_name(name: str) -> str:
    if not _FILE_NAME.fullmatch(name) or name.strip(" .") != name:
        raise ValueError(
            'not the name of a file; write one such as invoice.pdf, without / \\ : * ? " < > |'
        )
    return name


FileName = Annotated[
    str, AfterValidator(_file_name), WithJsonSchema({"type": "string", "title": "file name"})
]


class AttachmentOptions(Options):
    """A file that is attached to the message."""

    file: ReadFile
    """The file on this machine. It is read again when it has changed."""

    name: FileName | None = None
    """The name that the recipient sees, which also decides the media type. Default: the last part
    of `file`."""

    @property
    def shown_name(self) -> str:
        return self.name or self.file.rpartition("/")[2]


def _listed(value: Any) -> Any:
    """Turns one attachment into a list."""
    return [value] if isinstance(value, dict) else value


class _OneOrMore:
    """In the JSON schema, one value may stand in place of a list."""

    @staticmethod
    def __get_pydantic_json_schema__(schema: CoreSchema, handler: Any) -> dict[str, Any]:
        several = handler(schema)
        return {"anyOf": [several, several["items"]]}


Attachments = Annotated[
    list[AttachmentOptions],
    BeforeValidator(_listed),
    Field(max_length=MOST_ATTACHMENTS),
    _OneOrMore,
]
"""One attachment, or a list of them."""
