"""Parses the bytes of an IMAP server into complete responses. Pure; a loop without recursion.

A response ends at a line end outside a literal (RFC 3501 section 4.3), so parentheses are not
counted, and a response amid another command's data is separate. All input is limited.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from exporter.net.imap.values import LITERAL, LONG, MAX_WORDS, listed, mended, without_size, words
from exporter.net.imap.values import Malformed as Malformed
from exporter.net.imap.values import Value as Value
from exporter.net.imap.values import number as number
from exporter.net.imap.values import parse as parse

MAX_LINE = 1 << 20  # bytes; the answer to a SEARCH in a large folder is one line
MAX_RESPONSE = 16 << 20  # bytes, literals included; we ask for 64 KiB of a message
MAX_PIECES = 2000  # texts and literals of one response, which are read in one go
STATUSES = frozenset({"OK", "NO", "BAD", "BYE", "PREAUTH"})
NEEDED = frozenset({"FETCH", "LIST", "STATUS", "SEARCH", "CAPABILITY", "MYRIGHTS"})
"""What is read; everything else a server says is only noted."""

_COUNTS = frozenset({"EXISTS", "EXPUNGE"})
_TOLD = NEEDED | _COUNTS | {"RECENT", "VANISHED", "FLAGS", "ENABLED", "ID", "NAMESPACE"}
_UNTAGGED = re.compile(
    rb"[ \t]*\*[ \t]*(?:(\d{1,20})[ \t]+)?([A-Za-z][A-Za-z0-9-]*)(?:[ \t]+|$|(?=[\[(]))"
)
_TAGGED = re.compile(
    rb"([^\s*+(){%\"\\]{1,60})[ \t]+(OK|NO|BAD|BYE)(?:[ \t]+|$|(?=\[))", re.IGNORECASE
)
_CODE = re.compile(r"\[([A-Za-z0-9-]++)(?: ++([^\]]*+))?\] ?(.*)", re.DOTALL)
_HEAD = 128  # bytes in which a response has said what it is
_MOST_WORDS = 1000  # characters of a text for people, behind a code that may be longer


@dataclass(frozen=True, slots=True)
class Response:
    """One complete response of the server."""

    tag: str  # "*" for untagged data, "+" for a continuation, "?" for a line that is not IMAP
    # OK, NO, BAD, BYE, PREAUTH, EXISTS, FETCH, …: in capitals; empty in a continuation, or if not
    # understood
    name: str
    number: int  # of a message, or how many; 0 if there is none
    # the response code, in capitals: UIDNEXT, AUTHENTICATIONFAILED (RFC 5530); empty if there is
    # none
    code: str
    argument: str  # what follows the code inside the brackets
    text: str  # for people
    values: list[Value]  # the data, where it has a structure
    shown: bytes  # the whole response, fit for a transcript: content of messages as its size
    received_at: float  # on the clock of the caller of `feed`


class Reader:
    """Takes data in any pieces, and yields complete responses."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0  # no line end before this place
        self._pieces: list[bytes] = []  # texts and literals in turns
        self._wanted = 0  # bytes of the literal that has begun
        self._in_literal = False
        self._size = 0
        self.texts = 0  # bytes that were read and were no literals

    @property
    def empty(self) -> bool:
        """True between two responses, when all data were yielded."""
        return not self._buffer and not self._pieces

    def feed(self, data: bytes, at: float = 0.0) -> Iterator[Response]:
        """The responses that `data` completes; `at` becomes their `received_at`. Raises
        Malformed."""
        self._buffer += data
        while (piece := self._next_piece()) is not None:
            self._pieces.append(piece)
            if len(self._pieces) > MAX_PIECES:
                raise Malformed(f"a response of more than {MAX_PIECES // 2:,} literals")
            if self._in_literal:
                self._in_literal = False
            elif size := self._announced(piece):
                self._wanted, self._in_literal = int(size[1]), True
                self._admit(self._wanted)
            elif pieces := self._complete():
                yield _response(pieces, at)

    def _next_piece(self) -> bytes | None:
        if self._in_literal:
            if len(self._buffer) < self._wanted:
                return None
            return self._take(self._wanted, self._wanted)
        if not self._pieces and self._buffer[:1].isspace():  # empty lines, perhaps very many
            self._buffer = self._buffer.lstrip()
            self._searched = 0
        end = self._buffer.find(b"\n", self._searched)
        if max(end, len(self._buffer) if end < 0 else 0) > MAX_LINE:
            raise Malformed(f"a line of more than {MAX_LINE >> 10} KiB")
        if end < 0:
            self._searched = len(self._buffer)
            return None
        self._admit(end)
        self.texts += end
        return self._take(end, end + 1).removesuffix(b"\r")

    def _take(self, size: int, consumed: int) -> bytes:
        piece = bytes(self._buffer[:size])
        del self._buffer[:consumed]
        self._searched = 0
        return piece

    def _admit(self, size: int) -> None:
        self._size += size
        if self._size > MAX_RESPONSE:
            raise Malformed(f"a response of more than {MAX_RESPONSE >> 20} MiB")

    def _announced(self, line: bytes) -> re.Match[bytes] | None:
        """Whether a literal follows. Text for people has none, even if it ends with `{5}`."""
        if not line.endswith(b"}"):
            return None
        head = _UNTAGGED.match(self._pieces[0][:_HEAD])
        return (
            LITERAL.search(line[-_HEAD:])
            if head and head[2].decode().upper() not in STATUSES
            else None
        )

    def _complete(self) -> list[bytes]:
        pieces, self._pieces, self._size = self._pieces, [], 0
        # An empty line means nothing and does no harm.
        return pieces if len(pieces) > 1 or pieces[0].strip() else []


def _response(pieces: list[bytes], at: float) -> Response:
    line = pieces[0]
    if line.startswith(b"+"):
        return Response("+", "", 0, "", "", _text(line[1:].removeprefix(b" ")), [], line, at)
    if head := _UNTAGGED.match(line[:_HEAD]):
        tag, name, number = "*", head[2].decode().upper(), int(head[1] or 0)
    elif head := _TAGGED.match(line[:_HEAD]):
        tag, name, number = _text(head[1]), head[2].decode().upper(), 0
    else:
        return _strange(pieces, at)
    if name in STATUSES:
        code, argument, text = _status(_text(line[head.end() :][:LONG]))
        return Response(tag, name, number, code, argument, text, [], line, at)
    try:
        values = _values(name, [line[head.end() :], *pieces[1:]]) if name in NEEDED else []
    except Malformed:
        return _strange(pieces, at)
    return Response(tag, name, number, "", "", "", values, _shown(name, pieces), at)


def _is_wanted(attributes: bytes) -> bool:
    """Whether these, in capitals, have what is used of a message."""
    return b"UID" in attributes or b"BODY" in attributes


def _values(name: str, pieces: list[bytes]) -> list[Value]:
    """The data of a response that we use. Tolerates a missing or additional parenthesis."""
    if name == "LIST":
        return listed(pieces)
    if name == "STATUS":  # the name before it may be badly quoted
        pieces = [b"(" + pieces[-1].rpartition(b"(")[2]]
    if name == "FETCH" and len(pieces) == 1 and not _is_wanted(pieces[0].upper()):
        # flags, most often, which are not used; thousands of lists keep the garbage collector busy
        return []
    if name in ("SEARCH", "CAPABILITY") and len(pieces) == 1 and len(pieces[0]) > LONG:
        return words(pieces)
    try:
        return parse(pieces, MAX_WORDS)
    except Malformed:
        return mended(pieces)


def _strange(pieces: list[bytes], at: float) -> Response:
    """A response with data that we ignore. A line that is not even untagged has the tag `?`.

    Untagged data and FETCH are not shown: they may be part of a message.
    """
    head = _UNTAGGED.match(pieces[0][:_HEAD])
    name = head[2].decode().upper() if head else ""
    if not pieces[0].lstrip().startswith(b"*"):
        return Response(
            "?", "", 0, "", "", _text(pieces[0][:80]), [], b"? {%d bytes}" % len(pieces[0]), at
        )
    shown = b"* {%d bytes}" % sum(map(len, pieces)) if name == "FETCH" else _shown(name, pieces)
    return Response("*", "", 0, "", "", "", [], shown, at)


def _status(text: str) -> tuple[str, str, str]:
    if match := _CODE.match(text):
        return match[1].upper(), match[2] or "", match[3][:_MOST_WORDS]
    return "", "", text[:_MOST_WORDS]


def _shown(name: str, pieces: list[bytes]) -> bytes:
    """The line, if it begins with a word of IMAP; otherwise it may be part of a message, after a
    wrong literal size."""
    if name not in _TOLD:
        return b"* {%d bytes}" % sum(map(len, pieces))
    texts = [without_size(text) for text in pieces[::2]]
    if name == "FETCH" and sum(map(len, texts)) > LONG:
        return b"* {%d bytes}" % sum(map(len, pieces))
    if name == "FETCH":  # a server may send a short header as a quoted string
        texts = [re.sub(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', b'"..."', text) for text in texts]
    sizes = [b"{%d bytes}" % len(literal) for literal in pieces[1::2]]
    return b"".join(part for pair in zip(texts, [*sizes, b""], strict=True) for part in pair)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def attributes(response: Response) -> dict[str, Value]:
    """The names and values of a FETCH or STATUS response, names in upper case.

    Xeams closes the parenthesis after the message and continues; others omit it.
    """
    first, rest = response.values[:1], response.values[1:]
    pairs = [*first[0], *rest] if first and isinstance(first[0], list) else [*first, *rest]
    return {str(name, "ascii", "replace").upper(): value for name, value in _pairs(pairs)}


def _pairs(values: list[Value]) -> list[tuple[bytes, Value]]:
    return [
        (name, value)
        for name, value in zip(values[::2], values[1::2], strict=False)
        if isinstance(name, bytes)
    ]


@dataclass(frozen=True, slots=True)
class Listed:
    """A folder in the answer to LIST."""

    name: str  # as the server spells it
    # stands between the folders that lie in each other; empty where there is nothing of the kind
    delimiter: str
    flags: frozenset[str]  # in small letters: \\noselect, \\junk


def folders(responses: list[Response]) -> list[Listed]:
    """The folders in the answer to LIST, without names that cannot be sent in a command."""
    listed = []
    for response in responses:
        if response.name == "LIST" and len(response.values) == 3:
            flags, delimiter, name = response.values
            if (
                isinstance(flags, list)
                and isinstance(name, bytes)
                and not set(name) & set(b"\0\r\n")
            ):
                words = (
                    str(flag, "ascii", "replace").lower()
                    for flag in flags
                    if isinstance(flag, bytes)
                )
                between = str(delimiter, "ascii", "replace") if isinstance(delimiter, bytes) else ""
                listed.append(
                    Listed(str(name, "utf-8", "surrogateescape"), between, frozenset(words))
                )
    return listed
