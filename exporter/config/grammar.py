"""The one grammar of what may become part of a command, of a header, or of a name that is looked
up.

Every function returns the canonical form, so that two spellings of one thing are equal, or None if
the text is invalid. A canonical form fits, and is its own. In none of them is a blank, a control
character, a bracket of an SMTP path (`<` and `>`), or anything that a server could take for the end
of a word.

An address has no zone, such as `%eth0` in `fe80::1%eth0` (RFC 4007 section 11): Python's
`ip_address` takes any character behind the `%`, line breaks included.
"""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address

import idna

LONGEST_LOCAL = 64  # octets of a local part (RFC 5321 section 4.5.3.1.1)
LONGEST_DOMAIN = 253  # characters as in the DNS (RFC 1035 section 2.3.4), within RFC 5321's 255
LONGEST_PATH = 256  # octets of an address with its < and > (RFC 5321 section 4.5.3.1.3)
_LONGEST_IP = 45  # an IPv4 address inside an IPv6 one, all digits written
# RFC 1123 section 2.1, and underscores.
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
# At the end of a name: an address, to some other programs.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
# RFC 5321 section 4.1.2, without quoted ones; broken UTF-8.
_NOT_IN_LOCAL_PART = frozenset('()<>[]{}\\,;:@"\ufffd')
_TAG = "ipv6:"


def ip_of(text: str) -> IPv4Address | IPv6Address | None:
    """An IP address without a zone. One of IPv4 inside of IPv6 (`::ffff:192.0.2.1`) is the same
    host by IPv4."""
    if len(text) > _LONGEST_IP or "%" in text:
        return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def domain_of(text: str) -> str | None:
    """A name as it stands in the DNS: ASCII, lower case, an international one in A-labels (RFC
    5891), no final dot."""
    if not text.isprintable() or len(text) > LONGEST_DOMAIN + 1:
        return None
    name = text.lower() if text.isascii() else _in_ascii(text)
    labels = (name or "").removesuffix(".").split(".")
    fit = all(map(_LABEL.fullmatch, labels)) and not _NUMBER.fullmatch(labels[-1])
    return ".".join(labels) if fit and len(".".join(labels)) <= LONGEST_DOMAIN else None


def _in_ascii(text: str) -> str | None:
    """An ASCII label may hold an underscore, which IDNA does not know. Mapping makes wide dots and
    digits plain."""
    try:
        labels = idna.uts46_remap(text, std3_rules=False, transitional=False).split(".")
        return ".".join(
            label if label.isascii() else idna.alabel(label).decode("ascii") for label in labels
        )
    except UnicodeError:  # idna.IDNAError is one
        return None


def host_of(text: str) -> str | None:
    """The name or the address of a host."""
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
    """An address as in an envelope. Its local part is its server's alone to compare, and stays as
    it is."""
    local, _, domain = text.rpartition("@")
    fit = all(c.isprintable() and not c.isspace() and c not in _NOT_IN_LOCAL_PART for c in local)
    if not fit or not 0 < len(local) <= LONGEST_LOCAL or len(local.encode()) > LONGEST_LOCAL:
        return None
    where = literal_of(domain) or domain_of(domain)
    address = f"{local}@{where}"
    return address if where and len(address.encode()) + len("<>") <= LONGEST_PATH else None


def in_unicode(name: str) -> str:
    """A canonical domain or e-mail address, with its domain as people write it; unchanged if
    that is not possible."""
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
    """Whether this is one line of text, fit for the value of a header: no control characters,
    nothing at its ends."""
    return 0 < len(text) <= longest and text == text.strip() and text.isprintable()
