"""SPF records (RFC 7208 sections 4.6, 5, 6 and 12)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from exporter.authentication.spf.macros import is_domain_spec, is_macro_string
from exporter.authentication.verdict import Result

LONGEST = 8192  # characters of a record that is parsed; RFC 7208 section 3.4 recommends 450

_VERSION = re.compile(r"v=spf1(?: |\Z)", re.IGNORECASE)
_TERM = re.compile(r"([+?~-]?)([A-Za-z][A-Za-z0-9_.-]*)(?:([:=])(.*)|(/.*))?", re.DOTALL)
_PREFIXES = re.compile(r"(.*?)(?:/(0|[1-9][0-9]?))?(?://(0|[1-9][0-9]{0,2}))?", re.DOTALL)
_QUALIFIERS = {
    "": Result.PASS,
    "+": Result.PASS,
    "-": Result.FAIL,
    "~": Result.SOFTFAIL,
    "?": Result.NEUTRAL,
}


class RecordInvalid(Exception):
    """The record violates the syntax, so that the result is `permerror`."""


@dataclass(frozen=True, slots=True)
class Mechanism:
    """A term that may match a client."""

    result: Result  # if it matches
    name: str
    text: str  # as it was written
    target: str = ""  # the domain, with macros; empty for the record's own
    network: IPv4Network | IPv6Network | None = None
    prefix_4: int = 32
    prefix_6: int = 128


@dataclass(frozen=True, slots=True)
class SpfRecord:
    """The mechanisms in their order, and where to go on if none matches."""

    mechanisms: tuple[Mechanism, ...]
    redirect: str | None


def is_record(text: str) -> bool:
    """Whether a TXT record is an SPF record."""
    return _VERSION.match(text) is not None


def record_of(text: str) -> SpfRecord:
    """Reads a record. A mistake anywhere makes all of it invalid. Raises RecordInvalid."""
    if len(text) > LONGEST:
        raise RecordInvalid(f"it has more than {LONGEST} characters")
    mechanisms: list[Mechanism] = []
    modifiers: dict[str, str] = {}
    for term in text.split(" ")[1:]:
        if not term:
            continue
        match = _TERM.fullmatch(term)
        if match is None:
            raise RecordInvalid(f"{term} is not a term")
        qualifier, name, sign, value, prefix = match.groups()
        if sign == "=":
            if qualifier:
                raise RecordInvalid(f"{term} is a modifier with a qualifier")
            _add_modifier(modifiers, name.lower(), value, term)
            continue
        read = _MECHANISMS.get(name.lower())
        if read is None:
            raise RecordInvalid(f"{term} is not a mechanism")
        given = value if sign else None
        mechanisms.append(read(_QUALIFIERS[qualifier], name.lower(), term, given, prefix or ""))
    return SpfRecord(tuple(mechanisms), modifiers.get("redirect"))


def _add_modifier(modifiers: dict[str, str], name: str, value: str, term: str) -> None:
    known = name in ("redirect", "exp")
    if known and name in modifiers:
        raise RecordInvalid(f"it has {name}= twice")
    if not (is_domain_spec(value) if known else is_macro_string(value)):
        raise RecordInvalid(f"{term} is malformed")
    modifiers[name] = value


def _plain(result: Result, name: str, text: str, value: str | None, prefix: str) -> Mechanism:
    """`all`."""
    if value is not None or prefix:
        raise RecordInvalid(f"{text} has an argument")
    return Mechanism(result, name, text)


def _of_domain(result: Result, name: str, text: str, value: str | None, prefix: str) -> Mechanism:
    """`include`, `exists`, and `ptr`, which has a default."""
    if prefix or (value is None and name != "ptr"):
        raise RecordInvalid(f"{text} has no domain")
    if value is not None and not is_domain_spec(value):
        raise RecordInvalid(f"{text} has an invalid domain")
    return Mechanism(result, name, text, value or "")


def _of_hosts(result: Result, name: str, text: str, value: str | None, prefix: str) -> Mechanism:
    """`a` and `mx`."""
    match = _PREFIXES.fullmatch(value if value is not None else prefix)
    domain, four, six = match.groups() if match else ("", None, None)
    if match is None or int(four or 0) > 32 or int(six or 0) > 128:
        raise RecordInvalid(f"{text} has an invalid prefix")
    if (value is not None or domain) and not is_domain_spec(domain):
        raise RecordInvalid(f"{text} has an invalid domain")
    return Mechanism(
        result,
        name,
        text,
        domain,
        prefix_4=32 if four is None else int(four),
        prefix_6=128 if six is None else int(six),
    )


def _of_network(result: Result, name: str, text: str, value: str | None, prefix: str) -> Mechanism:
    """`ip4` and `ip6`."""
    address, slash, length = (value or "").partition("/")
    version = 4 if name == "ip4" else 6
    most, digits = (32, 2) if version == 4 else (128, 3)
    numeric = length.isascii() and length.isdigit() and len(length) <= digits
    if slash and not (numeric and (length == "0" or not length.startswith("0"))):
        raise RecordInvalid(f"{text} has an invalid prefix")
    try:
        network = ip_network(f"{address}/{length if slash else most}", strict=False)
    except ValueError:
        raise RecordInvalid(f"{text} is not a network") from None
    if network.version != version or "%" in address or prefix:
        raise RecordInvalid(f"{text} is not an IPv{version} network")
    return Mechanism(result, name, text, network=network)


_MECHANISMS: dict[str, Callable[[Result, str, str, str | None, str], Mechanism]] = {
    "all": _plain,
    "include": _of_domain,
    "exists": _of_domain,
    "ptr": _of_domain,
    "a": _of_hosts,
    "mx": _of_hosts,
    "ip4": _of_network,
    "ip6": _of_network,
}
