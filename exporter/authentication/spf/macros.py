"""Macros in SPF records (RFC 7208 section 7)."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import quote

from exporter.config.grammar import LONGEST_DOMAIN

LONGEST_EXPANSION = 4096  # characters of one macro string

_PIECE = r"%\{([A-Za-z])([0-9]{0,9})([rR]?)([.+,/_=-]*)\}|%([%_-])|([!-$&-~]+)"
_PIECES = re.compile(_PIECE)
_MACRO_AT_END = re.compile(r"%\{[^{}]*\}\Z")
_TOP_LABEL = re.compile(
    r"\.(?:[A-Za-z0-9]*[A-Za-z][A-Za-z0-9]*|[A-Za-z0-9]+-[A-Za-z0-9-]*[A-Za-z0-9])\.?\Z"
)
_LETTERS = frozenset("slodiphv")
_LETTERS_OF_EXPLANATIONS = frozenset("crt")  # nobody sees our explanations
_ESCAPED = {"%": "%", "_": " ", "-": "%20"}
_UNRESERVED = "-._~"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who sends: the client, and what it says of itself."""

    address: IPv4Address | IPv6Address
    local: str
    domain: str  # of the sender
    helo: str

    @property
    def dotted(self) -> str:
        """The address, in dots: that of IPv6 as 32 digits."""
        if self.address.version == 4:
            return str(self.address)
        return ".".join(self.address.exploded.replace(":", ""))


def is_macro_string(text: str) -> bool:
    """Whether all macros in a text are well-formed."""
    place = 0
    while place < len(text):
        match = _PIECES.match(text, place)
        if match is None:
            return False
        letter, digits = match[1], match[2]
        if letter and letter.lower() not in _LETTERS | _LETTERS_OF_EXPLANATIONS:
            return False
        if digits and int(digits) == 0:
            return False
        place = match.end()
    return True


def is_domain_spec(text: str) -> bool:
    """Whether a text is a domain, with or without macros."""
    if not is_macro_string(text):
        return False
    if any(match[1] and match[1].lower() not in _LETTERS for match in _PIECES.finditer(text)):
        return False
    return bool(_MACRO_AT_END.search(text) or _TOP_LABEL.search(text[-256:]))


async def expanded(
    text: str, identity: Identity, domain: str, validated_name: Callable[[], Awaitable[str]]
) -> str:
    """A domain with its macros replaced, no longer than a name in DNS. `validated_name` returns the
    client's name, which costs queries."""
    pieces, size = [], 0
    for match in _PIECES.finditer(text):
        letter, digits, reverse, delimiters, escaped, literal = match.groups()
        if letter is None:
            piece = literal or _ESCAPED[escaped]
        else:
            value = await _value(letter.lower(), identity, domain, validated_name)
            piece = _transformed(value, int(digits or 0), bool(reverse), delimiters or ".")
            piece = quote(piece, safe=_UNRESERVED, errors="replace") if letter.isupper() else piece
        size += len(piece)
        if size > LONGEST_EXPANSION:
            break
        pieces.append(piece)
    return _fitting("".join(pieces).removesuffix("."))


async def _value(
    letter: str, identity: Identity, domain: str, validated_name: Callable[[], Awaitable[str]]
) -> str:
    match letter:
        case "s":
            return f"{identity.local}@{identity.domain}"
        case "l":
            return identity.local
        case "o":
            return identity.domain
        case "d":
            return domain
        case "i":
            return identity.dotted
        case "p":
            return await validated_name()
        case "v":
            return "in-addr" if identity.address.version == 4 else "ip6"
        case _:
            return identity.helo


def _transformed(value: str, count: int, reverse: bool, delimiters: str) -> str:
    parts = re.split(f"[{re.escape(delimiters)}]", value)
    if reverse:
        parts.reverse()
    return ".".join(parts[-count:] if count else parts)


def _fitting(name: str) -> str:
    """Without labels on the left, until it fits (section 7.3)."""
    while len(name) > LONGEST_DOMAIN and "." in name:
        name = name.partition(".")[2]
    return name
