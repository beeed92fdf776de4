"""The grammar of text that may become part of a command, of a header, or of a name to look up.

Every function returns the canonical form, so that two spellings of one thing are equal, or None if
the text is invalid. A canonical form is valid, and unchanged by its function. None contains a
blank, a control character, a bracket of an SMTP path (`<` and `>`), or any other delimiter for a
server.

An address has no zone, such as `%eth0` in `fe80::1%eth0` (RFC 4007 section 11): Python's
`ip_address` takes any character behind the `%`, line breaks included.
"""

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

import idna

LONGEST_LOCAL = 64  # octets of a local part (RFC 5321 section 4.5.3.1.1)
LONGEST_DOMAIN = 253  # characters as in the DNS (RFC 1035 section 2.3.4), within RFC 5321's 255
LONGEST_PATH = 256  # octets of an address with its < and > (RFC 5321 section 4.5.3.1.3)
_LONGEST_IP = 45  # an IPv4 address inside an IPv6 one, all digits written
_KEPT = 1000  # names, and addresses, that were read: each trip meets the same again
# RFC 1123 section 2.1, and underscores.
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
# At the end of a name: an address, to some other programs.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
# RFC 5321 section 4.1.2, without quoted ones; broken UTF-8.
_NOT_IN_LOCAL_PART = frozenset('()<>[]{}\\,;:@"\ufffd')
_TAG = "ipv6:"
_PRIVATE = (
    "localhost",
    "local",
    "localdomain",
    "internal",
    "intranet",
    "lan",
    "home",
    "corp",
    "private",
    "svc",
    "home.arpa",
)
"""What no name of the Internet ends with: RFC 6761, RFC 6762, RFC 8375; ICANN keeps the others out
of the root zone. Services of Kubernetes end with svc or with cluster.local."""


def is_private(domain: str) -> bool:
    """Whether a domain name, as `domain_of` returns it, is not one of the Internet: a single word,
    or below a name for private use."""
    return "." not in domain or domain.endswith(tuple(f".{end}" for end in _PRIVATE))


def ip_of(text: str) -> IPv4Address | IPv6Address | None:
    """An IP address without a zone. An IPv4-mapped IPv6 address (`::ffff:192.0.2.1`) becomes the
    IPv4 address."""
    return None if len(text) > _LONGEST_IP or "%" in text else _short_ip_of(text)


@lru_cache(_KEPT)
def _short_ip_of(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def domain_of(text: str) -> str | None:
    """A domain name as in the DNS: ASCII, lower case, A-labels for international names (RFC 5891),
    no final dot."""
    return None if len(text) > LONGEST_DOMAIN + 1 else _short_domain_of(text)


@lru_cache(_KEPT)
def _short_domain_of(text: str) -> str | None:
    if not text.isprintable():
        return None
    name = text.lower() if text.isascii() else _in_ascii(text)
    labels = (name or "").removesuffix(".").split(".")
    fit = all(map(_LABEL.fullmatch, labels)) and not _NUMBER.fullmatch(labels[-1])
    return ".".join(labels) if fit and len(".".join(labels)) <= LONGEST_DOMAIN else None


def _in_ascii(text: str) -> str | None:
    """The labels in ASCII, where underscores are allowed, unlike in IDNA. Maps full-width dots and
    digits to ASCII."""
    try:
        labels = idna.uts46_remap(text, std3_rules=False, transitional=False).split(".")
        return ".".join(
            label if label.isascii() else idna.alabel(label).decode("ascii") for label in labels
        )
    except UnicodeError:  # idna.IDNAError is one
        return None


def host_of(text: str) -> str | None:
    """A host: its name or address."""
    address = ip_of(text)
    return str(address) if address else domain_of(text)


def literal_of(text: str) -> str | None:
    """An address literal (RFC 5321 section 4.1.3): `[192.0.2.1]` or `[IPv6:2001:db8::1]`."""
    inside = text[1:-1] if text.startswith("[") and text.endswith("]") else ""
    tagged = inside[: len(_TAG)].lower() == _TAG
    address = ip_of(inside[len(_TAG) :] if tagged else inside)
    if address is None or tagged is not (":" in inside[len(_TAG) if tagged else 0 :]):
        return None
    return f"[IPv6:{address}]" if address.version == 6 else f"[{address}]"


def email_of(text: str) -> str | None:
    """An envelope address. Only its server can compare local parts, so they are unchanged."""
    local, _, domain = text.rpartition("@")
    fit = all(c.isprintable() and not c.isspace() and c not in _NOT_IN_LOCAL_PART for c in local)
    if not fit or not 0 < len(local) <= LONGEST_LOCAL or len(local.encode()) > LONGEST_LOCAL:
        return None
    where = literal_of(domain) or domain_of(domain)
    address = f"{local}@{where}"
    return address if where and len(address.encode()) + len("<>") <= LONGEST_PATH else None


def in_unicode(name: str) -> str:
    """A canonical domain or e-mail address with its domain in Unicode; unchanged if that is not
    possible."""
    local, at, domain = name.rpartition("@")
    if "xn--" not in domain:
        return name
    try:
        return (
            local
            + at
            + ".".join(
                idna.ulabel(label) if "xn--" in label else label for label in domain.split(".")
            )
        )
    except UnicodeError:
        return name


def is_line(text: str, longest: int) -> bool:
    """Whether this is one line of text, valid as a header value: no control characters, no blanks
    at its ends."""
    return 0 < len(text) <= longest and text == text.strip() and text.isprintable()
