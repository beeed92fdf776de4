"""Reads what an IMAP server says: bytes in, complete responses out. Pure; a loop and never a recursion.

A response ends at a line end outside a literal (RFC 3501 section 4.3), so nobody has to count parentheses, and a
response that comes in the middle of another command's data stands for itself. Everything a server says is bounded.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_LINE = 1 << 20  # bytes; the answer to a SEARCH in a large folder is one line
MAX_RESPONSE = 16 << 20  # bytes, literals included; we ask for 64 KiB of a message
MAX_DIGITS = 20  # of a 64-bit number
MAX_DEPTH = 40  # parentheses inside parentheses

Value = bytes | None | list["Value"]
"""A string or an atom, NIL, or a list of these."""

STATUSES = frozenset({"OK", "NO", "BAD", "BYE", "PREAUTH"})
_STRUCTURED = frozenset({"FETCH", "LIST", "STATUS", "SEARCH", "CAPABILITY"})
_TOLD = _STRUCTURED | {"EXISTS", "RECENT", "EXPUNGE", "VANISHED", "FLAGS", "ENABLED", "ID", "NAMESPACE"}
_LITERAL = re.compile(rb"~?\{(\d{1,10})\+?\}$")  # ~ is RFC 3516's, + is only for clients but harmless
_UNTAGGED = re.compile(rb"\* (?:(\d{1,20}) )?([A-Za-z][A-Za-z0-9-]*)(?: |$)")
_TAGGED = re.compile(rb"([^\s*+(){%\"\\]+) (OK|NO|BAD)(?: |$)", re.IGNORECASE)
_CODE = re.compile(r"\[([A-Za-z0-9-]+)(?: ([^\]]*))?\] ?(.*)", re.DOTALL)
_TOKEN = re.compile(
    rb" *(?:(?P<open>\()|(?P<close>\))"
    rb'|"(?P<quoted>(?:[^"\\]|\\.)*)"'
    rb"|(?P<atom>[^\s()\"\[]*\[[^\]]{0,500}\](?:<\d+>)?|[^\s()\"]+))",  # BODY[HEADER.FIELDS (TO CC)]<0> is one atom
    re.DOTALL,
)


class Malformed(Exception):
    """This is not IMAP, or more of it than anybody needs. `what` says which, `piece` what came instead."""

    def __init__(self, what: str, piece: bytes = b"") -> None:
        self.what = what
        super().__init__(f"{what}: {_text(piece)}" if piece else what)


@dataclass(frozen=True, slots=True)
class Response:
    """One complete response of the server."""

    tag: str  # "*" for untagged data, "+" for a continuation
    name: str  # OK, NO, BAD, BYE, PREAUTH, EXISTS, FETCH, …: in capitals; empty in a continuation
    number: int  # of a message, or how many; 0 if there is none
    code: str  # the response code, in capitals: UIDNEXT, AUTHENTICATIONFAILED (RFC 5530); empty if there is none
    argument: str  # what follows the code inside the brackets
    text: str  # for people
    values: list[Value]  # the data, where it has a structure
    shown: bytes  # the whole response, fit for a transcript: content of messages as its size
    received_at: float  # on the clock of whoever fed the reader


class Reader:
    """Takes what arrives, in any pieces, and yields complete responses."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0  # no line end before this place
        self._pieces: list[bytes] = []  # texts and literals in turns
        self._wanted = 0  # bytes of the literal that has begun
        self._in_literal = False
        self._size = 0

    @property
    def empty(self) -> bool:
        """True between two responses: nothing has come that was not yielded."""
        return not self._buffer and not self._pieces

    def feed(self, data: bytes, at: float = 0.0) -> Iterator[Response]:
        """The responses that `data` completes; `at` becomes their `received_at`. Raises Malformed."""
        self._buffer += data
        while (piece := self._next_piece()) is not None:
            self._pieces.append(piece)
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
        end = self._buffer.find(b"\n", self._searched)
        if max(end, len(self._buffer) if end < 0 else 0) > MAX_LINE:
            raise Malformed(f"a line of more than {MAX_LINE >> 10} KiB")
        if end < 0:
            self._searched = len(self._buffer)
            return None
        self._admit(end)
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
        """A literal follows. Text for people has none, even when it ends with `{5}`."""
        first = self._pieces[0]
        head = _UNTAGGED.match(first)
        return _LITERAL.search(line) if head and head[2].decode().upper() not in STATUSES else None

    def _complete(self) -> list[bytes]:
        pieces, self._pieces, self._size = self._pieces, [], 0
        return pieces if pieces != [b""] else []  # an empty line means nothing and harms nobody


def _response(pieces: list[bytes], at: float) -> Response:
    line = pieces[0]
    if line.startswith(b"+"):
        return Response("+", "", 0, "", "", _text(line[2:]), [], line, at)
    if head := _UNTAGGED.match(line):
        tag, name, number = "*", head[2].decode().upper(), int(head[1] or 0)
    elif head := _TAGGED.match(line):
        tag, name, number = _text(head[1]), head[2].decode().upper(), 0
    else:
        raise Malformed("a line that is not IMAP", line[:80])
    if name in STATUSES:
        code, argument, text = _status(_text(line[head.end() :]))
        return Response(tag, name, number, code, argument, text, [], line, at)
    values = parse([line[head.end() :], *pieces[1:]]) if name in _STRUCTURED else []
    return Response(tag, name, number, "", "", "", values, _shown(name, pieces), at)


def _status(text: str) -> tuple[str, str, str]:
    if match := _CODE.match(text):
        return match[1].upper(), match[2] or "", match[3]
    return "", "", text


def _shown(name: str, pieces: list[bytes]) -> bytes:
    """What is none of IMAP's words may be a piece of a message, from a server that cannot count its literals."""
    if name not in _TOLD:
        return b"* {%d bytes}" % sum(map(len, pieces))
    texts = [_LITERAL.sub(b"", text) for text in pieces[::2]]
    if name == "FETCH":  # a server may send a short header as a quoted string
        texts = [re.sub(rb'"(?:[^"\\]|\\.)*"', b'"..."', text) for text in texts]
    sizes = [b"{%d bytes}" % len(literal) for literal in pieces[1::2]]
    return b"".join(part for pair in zip(texts, [*sizes, b""], strict=True) for part in pair)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def parse(pieces: list[bytes]) -> list[Value]:
    """The values in texts and literals that come in turns. Raises Malformed."""
    stack: list[list[Value]] = [[]]
    for index, piece in enumerate(pieces):
        if index % 2:
            stack[-1].append(piece)
        else:
            _parse_text(_LITERAL.sub(b"", piece) if index + 1 < len(pieces) else piece, stack)
    if len(stack) != 1:
        raise Malformed("a parenthesis that is never closed")
    return stack[0]


def _parse_text(text: bytes, stack: list[list[Value]]) -> None:
    place, end = 0, len(text.rstrip())
    while place < end:
        token = _TOKEN.match(text, place)
        if not token:
            raise Malformed("data that makes no sense", text[place : place + 60])
        place = token.end()
        if token["open"]:
            inner: list[Value] = []
            stack[-1].append(inner)
            stack.append(inner)
        elif token["close"]:
            stack.pop()
        elif token["quoted"] is not None:
            stack[-1].append(re.sub(rb"\\(.)", rb"\1", token["quoted"], flags=re.DOTALL))
        else:
            stack[-1].append(None if token["atom"].upper() == b"NIL" else token["atom"])
        if not 0 < len(stack) <= MAX_DEPTH:
            raise Malformed("parentheses that do not fit together")


def attributes(response: Response) -> dict[str, Value]:
    """The names and values of a FETCH or STATUS response, names in capitals."""
    pairs = response.values[-1] if response.values else None
    if not isinstance(pairs, list):
        return {}
    return {str(name, "ascii", "replace").upper(): value for name, value in _pairs(pairs)}


def _pairs(values: list[Value]) -> list[tuple[bytes, Value]]:
    return [(name, value) for name, value in zip(values[::2], values[1::2], strict=False) if isinstance(name, bytes)]


def number(value: Value) -> int:
    """A number that the server sent; what is none, or negative, is 0."""
    return int(value) if isinstance(value, bytes) and value.isdigit() and len(value) <= MAX_DIGITS else 0


@dataclass(frozen=True, slots=True)
class Listed:
    """A folder as LIST tells it."""

    name: str  # as the server spells it
    delimiter: str  # stands between the folders that lie in each other; empty where there is nothing of the kind
    flags: frozenset[str]  # in small letters: \\noselect, \\junk


def folders(responses: list[Response]) -> list[Listed]:
    """The answer to LIST, without names that no command line can carry."""
    listed = []
    for response in responses:
        if response.name == "LIST" and len(response.values) == 3:
            flags, delimiter, name = response.values
            if isinstance(flags, list) and isinstance(name, bytes) and not set(name) & set(b"\0\r\n"):
                words = (str(flag, "ascii", "replace").lower() for flag in flags if isinstance(flag, bytes))
                between = str(delimiter, "ascii", "replace") if isinstance(delimiter, bytes) else ""
                listed.append(Listed(str(name, "utf-8", "surrogateescape"), between, frozenset(words)))
    return listed
