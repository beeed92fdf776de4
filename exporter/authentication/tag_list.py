"""Lists of tags, as in signatures and in records (RFC 6376 section 3.2, RFC 9989 section 4.8)."""

import re

LONGEST = 16384  # characters that are parsed

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,30}")


def tags_of(text: str) -> dict[str, str] | None:
    """The values by name, without blanks at their ends; None if the list is malformed."""
    if len(text) > LONGEST:
        return None
    pieces = text.split(";")
    if not pieces[-1].strip():
        pieces.pop()
    tags: dict[str, str] = {}
    for piece in pieces:
        name, equals, value = piece.partition("=")
        name = name.strip()
        if not equals or not _NAME.fullmatch(name) or name in tags:
            return None
        tags[name] = value.strip()
    return tags or None


def without_blanks(value: str) -> str:
    """A value that may be folded anywhere, such as base64."""
    return "".join(value.split())
