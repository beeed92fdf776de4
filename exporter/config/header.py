"""Headers that users add to the probe message or trust in it, and reply codes that they expect."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from exporter.config.grammar import is_line

TOKEN_PLACE = "{token}"  # noqa: S105
MOST_HEADERS = 20
MOST_NAMES = 20  # of one receiver
OURS = frozenset(
    (
        "from",
        "to",
        "cc",
        "bcc",
        "subject",
        "date",
        "message-id",
        "x-mailtrip-token",
        "auto-submitted",
        "received",
        "x-auto-response-suppress",
        "mime-version",
        "content-type",
        "content-transfer-encoding",
        "return-path",
    )
)
_NAME = re.compile(r"[!-9;-~]{1,76}")  # RFC 5322 section 3.6.8
# RFC 8601 section 2.2: a word, and without `=` it is no result.
_AUTHSERV_ID = re.compile(r"[!#-'*-:<>-~]{1,253}")
# Characters; four bytes each in encoded words, and a line of ASCII stays below 998.
_LONGEST_VALUE = 400
_LONGEST_SUBJECT = 200


def _header_name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError("not the name of a header; write it without the colon, such as X-Team")
    if text.lower() in OURS:
        raise ValueError("reserved: mailtrip sets this header")
    return text


def _one_line_of(text: str, longest: int) -> str:
    if not is_line(text, len(text)):
        raise ValueError("must be one line of text, without spaces at its ends")
    if not is_line(text, longest):
        raise ValueError(f"has {len(text)} characters; the limit is {longest}")
    return text


def _authserv_id(text: str) -> str:
    if not _AUTHSERV_ID.fullmatch(text):
        raise ValueError(
            "not a single ASCII word; write the name at the start of Authentication-Results,"
            " such as"
            " mx.example.org"
        )
    return text.lower()


def _no_reference(value: Any) -> Any:
    if isinstance(value, dict) and value.keys() & {"file", "env"}:
        raise ValueError(
            "a header value must be text: {file: PATH} and {env: NAME} work only for secrets"
        )
    return value


def _header_value(text: str) -> str:
    return _one_line_of(text, _LONGEST_VALUE)


def _subject(text: str) -> str:
    _one_line_of(text, _LONGEST_SUBJECT)
    if text.count(TOKEN_PLACE) > 1 or set(text.replace(TOKEN_PLACE, "")) & set("{}"):
        raise ValueError(
            "the only placeholder is `{token}`, with one brace on either side, and only once"
        )
    return text


def _codes(value: Any) -> Any:
    """Turns one code into a list."""
    codes = value if isinstance(value, list) else [value]
    if not codes or not all(type(code) is int and 1 <= code <= 599 for code in codes):
        raise ValueError(
            "not a reply code; write a number such as 554, or a list such as [550, 554]"
        )
    return tuple(codes)


HeaderName = Annotated[
    str,
    AfterValidator(_header_name),
    WithJsonSchema({"type": "string", "title": "header", "pattern": _NAME.pattern}),
]
HeaderValue = Annotated[
    str,
    BeforeValidator(_no_reference),
    AfterValidator(_header_value),
    WithJsonSchema({"type": "string", "title": "line of text"}),
]
Subject = Annotated[
    str, AfterValidator(_subject), WithJsonSchema({"type": "string", "title": "line of text"})
]
"""A line of text that may hold `{token}`."""

_CODE = {"type": "integer", "minimum": 1, "maximum": 599}
ReplyCodes = Annotated[
    tuple[int, ...],
    BeforeValidator(_codes),
    WithJsonSchema(
        {
            "anyOf": [_CODE, {"type": "array", "items": _CODE, "minItems": 1}],
            "title": "code or codes",
        }
    ),
]
"""One code, or a list of them."""

AuthservId = Annotated[
    str,
    AfterValidator(_authserv_id),
    WithJsonSchema({"type": "string", "pattern": f"^{_AUTHSERV_ID.pattern}$"}),
]
"""The name of a server in its Authentication-Results, in small letters."""


def _names(value: Any) -> Any:
    """Turns one name into a list."""
    names = value if isinstance(value, list) else [value]
    if not 0 < len(names) <= MOST_NAMES:
        raise ValueError(f"must have one to {MOST_NAMES} names")
    return tuple(names)


_NAME_OR_NAMES = {"type": "string", "pattern": f"^{_AUTHSERV_ID.pattern}$"}
AuthservIds = Annotated[
    tuple[AuthservId, ...],
    BeforeValidator(_names),
    WithJsonSchema(
        {
            "anyOf": [
                _NAME_OR_NAMES,
                {"type": "array", "items": _NAME_OR_NAMES, "minItems": 1, "maxItems": MOST_NAMES},
            ],
            "title": "name or names",
        }
    ),
]
"""One name, or a list of them."""
