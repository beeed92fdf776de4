"""The data in an IMAP response: strings, numbers, NIL and lists of these (RFC 3501 section 4).
Pure; a loop without recursion, limited to a few thousand words."""

import re

MAX_DIGITS = 20  # of a 64-bit number
MAX_DEPTH = 40  # parentheses inside parentheses
# Of one response that are read: each takes two microseconds, and the event loop waits.
MAX_WORDS = 1000
LONG = 4096  # bytes of a folder's line, or of a message's attributes without the message
SHORT = 512  # bytes; only what is shorter is read several times, to find out what was meant

Value = bytes | None | list["Value"]
"""A string or an atom, NIL, or a list of these."""

# ~ is RFC 3516's, + is only for clients but harmless.
LITERAL = re.compile(rb"~?\{(\d{1,10})\+?\}$")
LONGEST_SIZE = 14  # bytes
_TOKEN = re.compile(
    rb"[ \t]*(?:(?P<open>\()|(?P<close>\))"
    rb'|"(?P<quoted>[^"\\]*+(?:\\.[^"\\]*+)*+)"'
    # BODY[HEADER.FIELDS (TO)]<0> is one atom
    rb"|(?P<atom>[^\s()\"\[]*+\[[^\]]{0,500}\](?:<[\d.]+>)?|[^\s()\"]++))",
    re.DOTALL,
)


class Malformed(Exception):
    """The input is not IMAP, or exceeds a limit. `what` is the problem, `piece` the input."""

    def __init__(self, what: str, piece: bytes = b"") -> None:
        self.what = what
        super().__init__(f"{what}: {piece.decode('utf-8', 'replace')}" if piece else what)


def without_size(text: bytes) -> bytes:
    """The text before a literal, without the size of the literal at its end. Looks only there: a
    search in a megabyte takes ten milliseconds."""
    return text[:-LONGEST_SIZE] + LITERAL.sub(b"", text[-LONGEST_SIZE:])


def parse(pieces: list[bytes], most: int = 1 << 20) -> list[Value]:
    """Parses alternating texts and literals, at most so many words. Raises Malformed."""
    stack: list[list[Value]] = [[]]
    for index, piece in enumerate(pieces):
        if index % 2:
            stack[-1].append(piece)
        else:
            most = _parse_text(
                without_size(piece) if index + 1 < len(pieces) else piece, stack, most
            )
    if len(stack) != 1:
        raise Malformed("an unclosed parenthesis")
    return stack[0]


def _parse_text(text: bytes, stack: list[list[Value]], most: int) -> int:
    place, end = 0, len(text.rstrip())
    while place < end:
        token = _TOKEN.match(text, place)
        if not token:
            raise Malformed("invalid data", text[place : place + 60])
        if (most := most - 1) < 0:
            raise Malformed("too many list elements")
        place = token.end()
        if (kind := token.lastgroup) == "open":
            inner: list[Value] = []
            stack[-1].append(inner)
            stack.append(inner)
        elif kind == "close":
            stack.pop()
        elif kind == "quoted":
            stack[-1].append(_unquoted(token["quoted"]))
        else:
            stack[-1].append(None if token["atom"].upper() == b"NIL" else token["atom"])
        if not 0 < len(stack) <= MAX_DEPTH:
            raise Malformed("unbalanced parentheses")
    return most


def words(pieces: list[bytes]) -> list[Value]:
    """The words of a plain list: SEARCH, CAPABILITY. Those beyond the limit form one word."""
    return list(b" ".join(pieces).split(None, MAX_WORDS))


def mended(pieces: list[bytes]) -> list[Value]:
    """Like `parse`, with a parenthesis added or removed at the end. Raises Malformed."""
    text = pieces[-1].rstrip()
    if sum(map(len, pieces[::2])) > SHORT:
        raise Malformed("invalid data")
    for last in (text + b")", text + b"))", text.removesuffix(b")")):
        try:
            return parse([*pieces[:-1], last], MAX_WORDS)
        except Malformed:
            continue
    raise Malformed("invalid data")


def listed(pieces: list[bytes]) -> list[Value]:
    """Parses a LIST response: the flags, the delimiter and the name (RFC 3501 section 7.2.2).

    The name may be unquoted despite blanks, brackets or tabs (Exchange), and the delimiter a lone
    backslash, NIL or missing. Ignores the extensions of RFC 5258 after the name. Raises Malformed.
    """
    text = pieces[0]
    if len(text) > LONG:
        raise Malformed("a folder name that is too long")
    flags = re.match(rb"[ \t]*\(([^()]{0,2000})\)[ \t]*|[ \t]*(?=[\"N{])", text, re.IGNORECASE)
    if not flags:
        raise Malformed("a folder without flags", text[:60])
    found: list[Value] = list((flags[1] or b"").split())
    rest = text[flags.end() :]
    delimiter = re.match(rb'(?:"(\\?[^"]?)"|(NIL)|([./\\|:^]))[ \t]+(?=\S)', rest, re.IGNORECASE)
    between: Value = (delimiter[1] or delimiter[3] or b"")[-1:] or None if delimiter else None
    rest = rest[delimiter.end() :] if delimiter else rest
    if len(pieces) > 1 and LITERAL.fullmatch(rest.strip()):
        name: Value = pieces[1]
    else:
        name = _name(rest, escaped=delimiter is None or delimiter[1] != b"\\")
    if not name and rest.strip() != b'""':
        raise Malformed("a folder without a name", text[:60])
    if (
        not delimiter
        and isinstance(name, bytes)
        and (guess := re.match(rb"INBOX([./\\])", name, re.IGNORECASE))
    ):
        between = guess[1]
    return [found, between, name]


def _name(rest: bytes, *, escaped: bool) -> bytes:
    """The name: quoted, even incorrectly; or the rest, since an unquoted name may contain
    anything."""
    if escaped and (
        quoted := re.match(rb'"([^"\\]*+(?:\\.[^"\\]*+)*+)"[ \t]*(\(.*)?$', rest, re.DOTALL)
    ):
        return _unquoted(quoted[1])
    if (
        len(rest) > 1
        and rest.startswith(b'"')
        and (end := rest.rstrip(b" ")).endswith(b'"')
        and len(end) > 1
    ):
        return end[1:-1]  # with quotes or backslashes in it that should have been escaped
    return re.sub(rb"(?<! ) ++\(\"?[A-Z]+\"? .*\)$", b"", rest.rstrip(b" "))


def _unquoted(string: bytes) -> bytes:
    """Without the backslash of each escaped character. A regular expression would take ten times as
    long, which matters for a megabyte of backslashes."""
    return b"\\".join(part.replace(b"\\", b"") for part in string.split(b"\\\\"))


def number(value: Value) -> int:
    """A number from the server; 0 if it is invalid or negative."""
    return (
        int(value)
        if isinstance(value, bytes) and value.isdigit() and len(value) <= MAX_DIGITS
        else 0
    )
