"""The hops of a message, from the `Received` headers of mail servers (RFC 5321 4.4, RFC 5322
3.6.7).

Servers differ in the format of `Received`, so unknown parts are ignored. Pure; never raises.

A hop is a server that accepted the message. Clocks differ, and headers have whole seconds only. So
for each hop:

    gap    the time that it wrote, less the time that the hop before it wrote; before hop 1 stands
           our own sending
    delay  the gap, if it is possible: at least 0, and at most what the whole trip took by our own
           monotonic clock
    skew   delay - gap: 0 when the gap is possible. Positive: this clock is behind that of the hop
           before by at least so much. Negative: it is ahead of it. One second means nothing, since
           two clocks that agree may stand on both sides of a full second.

A hop without a readable time has neither, and the next one is compared with the one before it.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

from exporter.core.facts import Hop
from exporter.core.one_line import one_line
from exporter.mail.headers.dates import MAX_LENGTH, time_of, without_date

# Reported hops: the newest, since they are nearest to us and least likely to be forged.
MAX_HOPS = 15
MAX_NAME = 100
MAX_PROTOCOL = 40

_KEYWORDS = frozenset({"from", "by", "with", "tls", "id", "for"})  # `tls` is Exim's
_PIECE = re.compile(r"\\.|[();]|[^\s()\\;]+", re.DOTALL)
_GREETING = re.compile(r'\b(?:helo|ehlo|lhlo)[= ]\s*"?([^\s()"]+)', re.IGNORECASE)
# Perhaps with a port.
_LITERAL = re.compile(r"\[(?:IPv6:)?(\d[\d.]{6,14}(?=:\d)|[0-9a-f:.]{2,45}(?=\]))", re.IGNORECASE)
_BARE = re.compile(r"(?<![\w.:-])([0-9a-f:.]{3,45})(?![\w.:-])", re.IGNORECASE)
_NOT_IN_A_HOST = re.compile(r"[^a-z0-9._:-]+")


def hops(received: Sequence[str], sent_at: float, took: float | None) -> list[Hop]:
    """The newest hops in these `Received` headers, which are oldest first. Numbers count all hops.

    The message was sent at `sent_at` by our wall clock, and was back after `took` seconds, if
    known.
    """
    first = max(len(received) - MAX_HOPS, 0)
    before = time_of(received[first - 1]) if first else math.floor(sent_at)
    limit = math.inf if took is None else math.ceil(took)
    found = []
    for number, text in enumerate(received[first:], first + 1):
        at = time_of(text)
        gap = None if at is None or before is None else float(at - before)
        delay = None if gap is None else min(max(gap, 0.0), limit)
        skew = None if gap is None or delay is None else delay - gap
        found.append(Hop(number, *places(text), at, delay, skew))
        before = before if at is None else at
    return found


@dataclass(slots=True)
class _Clause:
    """The text after one of the keywords."""

    words: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)

    @property
    def word(self) -> str:
        return self.words[0] if self.words else ""

    @property
    def remark(self) -> str:
        return " ".join(self.comments)


def places(received: str) -> tuple[str, str, str, str]:
    """by, helo, address, protocol."""
    clauses = _clauses(without_date(received[:MAX_LENGTH]))
    origin = clauses.get("from", _Clause())
    greeting = _GREETING.search(origin.remark)
    # The client chose its greeting; the rest is what the server saw.
    seen = (
        origin.remark[: greeting.start()] + origin.remark[greeting.end() :]
        if greeting
        else origin.remark
    )
    return (
        _NOT_IN_A_HOST.sub("", clauses.get("by", _Clause()).word.lower()).rstrip(".:")[:MAX_NAME],
        _text(greeting[1] if greeting else origin.word, MAX_NAME),
        _address(seen) or _address(" ".join(origin.words)),
        _text(" ".join(clauses.get("with", _Clause()).words), MAX_PROTOCOL),
    )


def _clauses(text: str) -> dict[str, _Clause]:
    """The clauses before the date, by keyword; the first of each keyword."""
    clauses: dict[str, _Clause] = {}
    clause, depth = _Clause(), 0
    for piece in _PIECE.findall(text):
        if piece == "(":
            depth += 1
        elif piece == ")":
            depth = max(depth - 1, 0)
        elif depth:
            clause.comments.append(piece)
        elif piece == ";":
            break
        elif piece.lower() in _KEYWORDS and (not clauses or clause.words or clause.comments):
            clause = _Clause()
            clauses.setdefault(piece.lower(), clause)
        else:
            clause.words.append(piece)
    return clauses


def _address(text: str) -> str:
    """The first IP address in a text, preferably one in brackets."""
    for match in _candidates(text):
        try:
            address = ip_address(match[1])
        except ValueError:
            continue
        mapped = address.ipv4_mapped if address.version == 6 else None
        return str(mapped or address)
    return ""


def _candidates(text: str) -> Iterator[re.Match[str]]:
    yield from _LITERAL.finditer(text)
    yield from _BARE.finditer(text)


def _text(text: str, limit: int) -> str:
    """External text, safe to show and store."""
    return one_line(text.encode("utf-8", "replace").decode(), limit)
