"""A message as bytes on the wire: what a signature is about, unlike what a reader sees of it."""

import re
from dataclasses import dataclass
from functools import cached_property

MOST_FIELDS = 1000  # of a header that is looked at

_FIELD = re.compile(rb"([!-9;-~]{1,100})[ \t]*:")
_BLANKS = re.compile(rb"[ \t]+")


@dataclass(frozen=True, slots=True)
class Field:
    """A header field."""

    name: str  # in lower case
    raw: bytes  # unchanged, with its folds, without the CRLF at its end

    @property
    def value(self) -> bytes:
        """What comes after the colon, unchanged."""
        return self.raw.partition(b":")[2]

    @property
    def text(self) -> str:
        """The value, unfolded. It is ASCII, or UTF-8 (RFC 6532)."""
        return self.value.replace(b"\r\n", b"").decode("utf-8", "replace").strip()


@dataclass(frozen=True)
class WireMessage:
    """The fields, the topmost first, and the body."""

    fields: tuple[Field, ...]
    body: bytes

    def all(self, name: str) -> list[Field]:
        """The fields of that name (in lower case), the topmost first."""
        return self.by_name.get(name, [])

    @cached_property
    def by_name(self) -> dict[str, list[Field]]:
        found: dict[str, list[Field]] = {}
        for field in self.fields:
            found.setdefault(field.name, []).append(field)
        return found


def wire_message(raw: bytes) -> WireMessage:
    """The message in these bytes. Lines may end in LF, as in a file: on the wire it was CRLF."""
    text = raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    if text.startswith(b"\r\n"):
        return WireMessage((), text[2:])
    header, _, body = text.partition(b"\r\n\r\n")
    fields: list[tuple[str, list[bytes]]] = []
    for line in header.removesuffix(b"\r\n").split(b"\r\n"):
        if line[:1] in (b" ", b"\t"):
            if fields:
                fields[-1][1].append(line)
        elif len(fields) == MOST_FIELDS:
            break
        elif match := _FIELD.match(line):
            fields.append((match[1].decode().lower(), [line]))
    return WireMessage(tuple(Field(name, b"\r\n".join(lines)) for name, lines in fields), body)


def simple_field(field: Field) -> bytes:
    """RFC 6376 section 3.4.1, without the CRLF at its end."""
    return field.raw


def relaxed_field(field: Field) -> bytes:
    """RFC 6376 section 3.4.2, without the CRLF at its end."""
    value = _BLANKS.sub(b" ", field.value.replace(b"\r\n", b"")).strip(b" ")
    return field.name.encode() + b":" + value


def simple_body(body: bytes) -> bytes:
    """RFC 6376 section 3.4.3."""
    return _without_empty_lines(body) or b"\r\n"


def relaxed_body(body: bytes) -> bytes:
    """RFC 6376 section 3.4.4. Each step takes linear time, also for a body of blanks."""
    return _without_empty_lines(
        _BLANKS.sub(b" ", body).replace(b" \r\n", b"\r\n").removesuffix(b" ")
    )


def _without_empty_lines(body: bytes) -> bytes:
    end = len(body)
    while body.endswith(b"\r\n", 0, end):
        end -= 2
    return body[:end] + b"\r\n" if end else b""


FIELDS = {"simple": simple_field, "relaxed": relaxed_field}
BODIES = {"simple": simple_body, "relaxed": relaxed_body}
"""The forms that are signed, by the word in `c=`."""


def without_signature(field: Field) -> Field:
    """The field of a signature, its tag `b` empty (RFC 6376 section 3.7)."""
    name, colon, value = field.raw.partition(b":")
    pieces = value.split(b";")
    for place, piece in enumerate(pieces):
        tag, equals, _ = piece.partition(b"=")
        if tag.strip() == b"b" and equals:
            pieces[place] = tag + equals
            break
    return Field(field.name, name + colon + b";".join(pieces))
