"""Parses any message (RFC 5322, RFC 2045 to 2047). Pure and limited; never raises.

The standard library's parser compares each line with the boundary of every enclosing multipart, so
64 KiB of hostile mail cost half a second. This one searches each part once per level, up to
MAX_DEPTH levels and MAX_PARTS parts, and ignores the rest. Text is one character per byte
(latin-1), so that no data are lost before the charset is known.
"""

import codecs
import re
from base64 import b64decode
from collections.abc import Iterator
from email.errors import MessageError
from email.header import decode_header
from functools import lru_cache
from quopri import decodestring
from urllib.parse import unquote_to_bytes

MAX_PARTS = 100  # of a MIME tree, the message itself included
MAX_DEPTH = 20
MAX_HEADERS = 1000  # of one part; what comes after them is not read
MAX_VALUE = 4096  # characters of a header that are looked at
_MAX_PARAMETERS = 100
_AT_A_TIME = 64 << 10  # characters
_LONGEST_BOUNDARY = 250  # RFC 2046 section 5.1.1 allows 70

_HEADER = re.compile(r"([!-9;-~]*)[ \t]*:((?:.*\n?)(?:[ \t].*\n?)*)")
_TYPE = re.compile(r"\s*([^\s;/()<>@,\"]{1,80}/[^\s;/()<>@,\"]{1,80})")
_PARAMETER = re.compile(
    r';\s*([\w!#$&^`{}~+.-]{1,60})(\*\d{1,3})?(\*)?\s*=\s*("(?:[^"\\]|\\.)*"|[^;\s]*)',
    re.ASCII | re.DOTALL,
)
_ENCODED_WORD_GAP = re.compile(r"\?=\s+=\?")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
_CHARSET = re.compile(
    r"(us-)?ascii|utf-?8|utf-?16(le|be)?|iso-?8859-\d{1,2}|windows-\d{3,4}|cp\d{3,4}|koi8-[rut]|big5(-?hkscs)?|gb2312|gbk|gb18030|"
    r"hz(-gb-2312)?|shift[_-]?jis|sjis|euc-?(jp|kr|cn)|ks_c_5601-1987|iso-2022-(jp|kr)(-[123])?|iso-2022-jp-ms|tis-620|mac-?\w{1,12}|latin-?1"
)
"""Those that mail is written in. Some others of Python's take quadratic time (punycode), or are no
charsets at all."""


class Part:
    """A message, or a part of one."""

    __slots__ = ("_content", "_values", "body", "content_type", "headers", "parameters", "parts")

    def __init__(self, headers: list[tuple[str, str]], body: str, default: str) -> None:
        self.headers = headers  # names and values, unchanged, with their folds
        self.body = body  # what comes below them, in its transfer encoding
        self.parts: list[Part] = []
        self._content: str | None = None
        self._values: dict[str, list[str]] = {}  # by name
        for name, value in headers:
            self._values.setdefault(name.lower(), []).append(value)
        written = self.get("content-type")
        kind = _TYPE.match(written)
        self.content_type = kind[1].lower() if kind else default
        self.parameters = parameters(written) if ";" in written else {}

    def get(self, name: str) -> str:
        """The first header of that name (in lower case), unfolded; empty if there is none."""
        value = self._values[name][0][:MAX_VALUE] if name in self._values else ""
        return " ".join(value.split("\n")).strip() if "\n" in value else value.strip()

    def all(self, name: str) -> list[str]:
        """All headers of that name (in lower case), the topmost first."""
        return self._values.get(name, [])

    @property
    def is_message(self) -> bool:
        """Whether it contains a whole message (RFC 2046 section 5.2, RFC 6532)."""
        return self.content_type in ("message/rfc822", "message/global", "message/news")

    @property
    def content(self) -> str:
        """The body of a leaf, its transfer encoding decoded as far as possible; one character per
        byte."""
        if self._content is None:
            self._content = _undone(self.body, self.get("content-transfer-encoding").lower())
        return self._content

    def pieces(self) -> Iterator[bytes]:
        """The body of a leaf like `content`, in pieces of which each takes a millisecond."""
        if self.get("content-transfer-encoding").lower() != "base64":
            yield self.content.encode("latin-1", "replace")
            return
        letters = b""
        for start in range(0, len(self.body), _AT_A_TIME):
            piece = self.body[start : start + _AT_A_TIME].encode("latin-1", "replace")
            letters += _NOT_BASE64.sub(b"", piece)
            whole = len(letters) // 4 * 4
            yield b64decode(letters[:whole])
            letters = letters[whole:]
        yield b64decode(letters + b"==") if len(letters) > 1 else b""

    def text(self, limit: int) -> str:
        """The beginning of a leaf's body, decoded by its charset if known."""
        return in_charset(self.content[:limit], self.parameters.get("charset", ""))


def parse(raw: bytes) -> Part:
    """Parses these bytes as a message; they may be cut anywhere."""
    text = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").decode("latin-1")
    return _parsed(text, "text/plain", 0, [MAX_PARTS])


def _parsed(text: str, default: str, depth: int, left: list[int]) -> Part:
    left[0] -= 1
    headers, start = headers_of(text)
    part = Part(headers, text[start:], default)
    if depth >= MAX_DEPTH or left[0] <= 0:
        return part
    if part.is_message:
        part.parts = [_parsed(part.content, "text/plain", depth + 1, left)]
    elif part.content_type.startswith("multipart/") and (
        boundary := part.parameters.get("boundary")
    ):
        inside = "message/rfc822" if part.content_type == "multipart/digest" else "text/plain"
        for piece in _pieces(part.body, boundary):
            if left[0] <= 0:
                break
            part.parts.append(_parsed(piece, inside, depth + 1, left))
    return part


def headers_of(text: str, limit: int = MAX_HEADERS) -> tuple[list[tuple[str, str]], int]:
    """The headers at the beginning of a text, and the position after them."""
    found: list[tuple[str, str]] = []
    place = 0
    while text.startswith(("From ", ">From ", " ", "\t"), place) and (
        end := text.find("\n", place) + 1
    ):
        place = end  # the line above a message in a mailbox file; a fold of nothing
        if place > MAX_VALUE:
            break
    while len(found) < limit and (header := _HEADER.match(text, place)):
        found.append((header[1], header[2].strip("\n").lstrip(" \t")))
        place = header.end()
    if len(found) == limit:
        end = text.find("\n\n", place - 1)
        return found, len(text) if end < 0 else end + 2
    return found, place + text.startswith("\n", place)


def _pieces(body: str, boundary: str) -> Iterator[str]:
    """The pieces between the delimiters (RFC 2046 section 5.1.1), without the preamble."""
    delimiter, place, start = f"--{boundary}", 0, None
    while (place := body.find(delimiter, place)) >= 0:
        end = body.find("\n", place)
        end = len(body) if end < 0 else end
        rest = body[place + len(delimiter) : min(end, place + len(delimiter) + MAX_VALUE)].strip(
            " \t"
        )
        if (place == 0 or body[place - 1] == "\n") and rest in ("", "--"):
            if start is not None:
                yield body[start : max(place - 1, start)]
            if rest:
                return
            start = end + 1
        place = end
    if start is not None:
        yield body[start:]


def parameters(value: str) -> dict[str, str]:
    """The parameters of a header such as Content-Type, names in lower case, with continuations (RFC
    2231)."""
    found: dict[str, str] = {}
    pieces: dict[str, dict[int, str]] = {}
    for match, _ in zip(_PARAMETER.finditer(value), range(_MAX_PARAMETERS), strict=False):
        name, number, extended, text = match[1].lower(), match[2], match[3], match[4]
        if text.startswith('"'):  # the end may be missing
            inside = text[1:-1] if text.endswith('"') else text[1:]
            text = re.sub(r"\\(.)", r"\1", inside, flags=re.DOTALL)
        if extended:
            text = unquote_to_bytes(
                text.rpartition("'")[2] if not number or number == "*0" else text
            ).decode("latin-1")
        if number:
            pieces.setdefault(name, {}).setdefault(int(number[1:]), text)
        else:
            found.setdefault(name, text)
    for name, numbered in pieces.items():
        found.setdefault(name, "".join(numbered[number] for number in sorted(numbered)))
    return {name: text[:_LONGEST_BOUNDARY] for name, text in found.items()}


def _undone(body: str, encoding: str) -> str:
    if encoding == "quoted-printable":
        return decodestring(body.encode("latin-1", "replace")).decode("latin-1")
    if encoding == "base64":
        letters = _NOT_BASE64.sub(b"", body.encode("latin-1", "replace"))
        # One letter alone is no byte: the text was cut there.
        whole = len(letters) - (len(letters) % 4 == 1)
        return b64decode(letters[:whole] + b"==").decode("latin-1").replace("\r\n", "\n")
    return body


@lru_cache(maxsize=64)
def _codec(charset: str) -> str:
    if not _CHARSET.fullmatch(charset):
        return "utf-8"
    try:
        return codecs.lookup(charset).name
    except LookupError:
        return "utf-8"


def in_charset(text: str, charset: str) -> str:
    """Decodes latin-1 characters that stand for bytes; as UTF-8 if the charset is unknown."""
    codec = _codec(charset.lower()[:40])
    if text.isascii() and not codec.startswith(("iso2022", "hz", "utf-16")):
        return text
    return text.encode("latin-1", "replace").decode(
        "utf-8" if codec == "ascii" else codec, "replace"
    )


def decoded(text: str) -> str:
    """Decodes encoded words (RFC 2047); joins adjacent ones, since a long word may have been
    split."""
    if "=?" not in text:
        return in_charset(text, "utf-8")
    try:
        pieces = decode_header(_ENCODED_WORD_GAP.sub("?= =?", text[:MAX_VALUE]))
        return "".join(
            p if isinstance(p, str) else in_charset(p.decode("latin-1"), charset or "")
            for p, charset in pieces
        )
    except (ValueError, LookupError, MessageError, AssertionError):
        return text
