"""The trace that mail servers write into a message: `Received` and `Return-Path` (RFC 5321 4.4, RFC
5322 3.6.7).

Every server writes `Received` in its own way, so what is there is read, and the rest is left out.
Pure, never raising.

A hop is a server that took the message. Its clock is its own, and headers know whole seconds only.
So for each hop:

    gap    the time that it wrote, less the time that the hop before it wrote; before hop 1 stands
    our own sending
    delay  the gap, if it is possible: at least 0, and at most what the whole trip took by our own
    monotonic clock
    skew   delay - gap: 0 when the gap is possible. Positive: this clock is behind that of the hop
    before by at
           least so much. Negative: it is ahead of it. One second means nothing, since two clocks
           that agree may stand on both sides of a full second.

A hop without a readable time has neither, and the next one is compared with the one before it.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from ipaddress import ip_address

from exporter.core.facts import Hop
from exporter.core.model import one_line

# That are told; the newest, since they are nearest to us and least likely to be forged.
MAX_HOPS = 15
MAX_LENGTH = 4096  # characters of a header that are read
MAX_NAME = 100
MAX_PROTOCOL = 40

_KEYWORDS = frozenset({"from", "by", "with", "tls", "id", "for"})  # `tls` is Exim's
_PIECE = re.compile(r"\\.|[();]|[^\s()\\;]+", re.DOTALL)
_GREETING = re.compile(r'\b(?:helo|ehlo|lhlo)[= ]\s*"?([^\s()"]+)', re.IGNORECASE)
# Perhaps with a port.
_LITERAL = re.compile(r"\[(?:IPv6:)?(\d[\d.]{6,14}(?=:\d)|[0-9a-f:.]{2,45}(?=\]))", re.IGNORECASE)
_BARE = re.compile(r"(?<![\w.:-])([0-9a-f:.]{3,45})(?![\w.:-])", re.IGNORECASE)
_NOT_IN_A_HOST = re.compile(r"[^a-z0-9._:-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ZONE = r"(?:gmt|utc?)?[+-]\d{2}:?\d{2}|[+-]\d{2}|(?:gmt|utc)[+-]\d{1,2}|[a-z]{1,5}"
_DATE = re.compile(
    rf"(?<!\d)(\d{{1,2}})[ -]({'|'.join(_MONTHS)})[a-z]{{0,6}}[ -](\d{{4}}|\d{{2}}) (\d\d?):(\d\d)"
    rf"(?::(\d\d)(?:[.,]\d{{1,9}})?)? ?\(?({_ZONE})(?![a-z\d])",
    re.IGNORECASE | re.ASCII,
)
"""The time in the words of RFC 5322, also its section 4.3, and as servers deviate from it."""
_OF_C = re.compile(
    rf"\b({'|'.join(_MONTHS)}) (\d{{1,2}}) (\d\d:\d\d:\d\d)(?: ({_ZONE}))? (\d{{4}})\b(?:"
    rf" ({_ZONE})(?![a-z\d]))?",
    re.IGNORECASE | re.ASCII,
)
"""The same as asctime and date(1) write it."""
_WEEKDAY = re.compile(r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6}\.?,?\s*\Z", re.IGNORECASE)
_COMMENT = re.compile(r"\((?:[^()\\]|\\.)*\)", re.DOTALL)
_MOST_NESTED = 5  # comments

_ZONES = {"ut": 0, "utc": 0, "gmt": 0, "z": 0, "est": -5, "edt": -4, "cst": -6, "cdt": -5}
# RFC 5322 4.3; others are those that are one country's alone.
_ZONES |= {"mst": -7, "mdt": -6, "pst": -8, "pdt": -7}
_ZONES |= {
    "wet": 0,
    "west": 1,
    "bst": 1,
    "met": 1,
    "mez": 1,
    "cet": 1,
    "mest": 2,
    "mesz": 2,
    "cest": 2,
    "sast": 2,
}
_ZONES |= {
    "eet": 2,
    "eest": 3,
    "msk": 3,
    "hkt": 8,
    "sgt": 8,
    "awst": 8,
    "jst": 9,
    "kst": 9,
    "aest": 10,
    "aedt": 11,
}
_ZONES |= {
    "wat": 1,
    "cat": 2,
    "eat": 3,
    "trt": 3,
    "yekt": 5,
    "ict": 7,
    "wib": 7,
    "myt": 8,
    "pht": 8,
}
_ZONES |= {"nzst": 12, "nzdt": 13, "hst": -10, "akst": -9, "akdt": -8, "brt": -3, "art": -3}


# ---------------------------------------------------------------- reading


def hops(received: Sequence[str], sent_at: float, took: float | None) -> list[Hop]:
    """The newest hops of the way that these `Received` headers, oldest first, tell of. Numbers
    count all of them.

    The message was sent at `sent_at` by our wall clock, and was back after `took` seconds, if that
    is known.
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


def time_of(received: str) -> int | None:
    """The time that a server wrote, seconds since the epoch. The date is the last thing in the
    header but comments; some servers have nothing but a comment for the zone."""
    bare = text = _on_one_line(received[:MAX_LENGTH])
    for _ in range(_MOST_NESTED):
        bare = _COMMENT.sub(" ", bare)
    dates = _DATE.findall(" ".join(bare.split())) or _DATE.findall(text)
    if not dates:
        return None
    day, month, year, hour, minute, second, zone = dates[-1]
    try:
        offset = timezone(timedelta(minutes=_minutes_east(zone.lower())))
        number = _MONTHS.index(month.lower()) + 1
        moment = datetime(_full(year), number, int(day), int(hour), int(minute), tzinfo=offset)
        return int(moment.timestamp()) + int(second or 0)
    except (LookupError, ValueError):  # no such zone, no such day
        return None


def _on_one_line(text: str) -> str:
    """With single blanks, and the time as mail has it."""
    return _OF_C.sub(
        lambda at: f"{at[2]} {at[1]} {at[5]} {at[3]} {at[4] or at[6] or ''}", " ".join(text.split())
    )


def _full(year: str) -> int:
    """Two digits, as before the year 2000: RFC 5322 section 4.3."""
    return int(year) + (0 if len(year) == 4 else 1900 if int(year) >= 50 else 2000)


def _minutes_east(zone: str) -> int:
    sign = zone.find("-") if "-" in zone else zone.find("+")
    if sign < 0:
        return 60 * _ZONES[zone]
    digits = zone[sign + 1 :].replace(":", "")
    hours, minutes = (int(digits), 0) if len(digits) <= 2 else (int(digits[:-2]), int(digits[-2:]))
    return -(60 * hours + minutes) if zone[sign] == "-" else 60 * hours + minutes


@dataclass(slots=True)
class _Clause:
    """What follows one of the keywords."""

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
    clauses = _clauses(_without_date(received[:MAX_LENGTH]))
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


def _without_date(text: str) -> str:
    """Some servers write no semicolon in front of it (fdm)."""
    text = _on_one_line(text)
    found = list(_DATE.finditer(text))
    if not found or ";" in text[: found[-1].start()]:
        return text
    return _WEEKDAY.sub("", text[: found[-1].start()])


def _clauses(text: str) -> dict[str, _Clause]:
    """The clauses up to the date, by keyword; of two with the same keyword the first."""
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
    """The first IP address in a text; one in brackets is preferred."""
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
    """A stranger's word, fit to be shown and stored."""
    return one_line(text.encode("utf-8", "replace").decode(), limit)


# ---------------------------------------------------------------- writing


def trace(helo: str, address: str, name: str, protocol: str, sender: str, at: float) -> bytes:
    """What a server that delivers for good puts above a message that it took from this client at
    that wall time."""
    helo = re.sub(r"[^A-Za-z0-9.:_\[\]-]", "?", helo)
    literal = f"IPv6:{address}" if ":" in address else address
    date = format_datetime(datetime.fromtimestamp(at, UTC))
    lines = (
        f"Return-Path: <{_CONTROL.sub('?', sender)}>",
        f"Received: from {helo} ([{literal}])",
        f"\tby {name} with {protocol};",
        f"\t{date}",
    )
    return "".join(f"{line}\r\n" for line in lines).encode("utf-8", "surrogateescape")
