"""What the certificate of a server says: its issuer, its names, and lines for a transcript.

The library for certificates takes long to import, while nothing else goes on.
"""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

from exporter.core.one_line import one_line

Info = Mapping[str, Any]
"""A certificate, decoded as by `SSLSocket.getpeercert`."""

MOST_NAMES = 10
LONGEST_NAME = 80  # characters
LONGEST_SERIAL = 40  # digits
LONGEST_OWNER = 200  # characters of a subject or an issuer
_NOBODY = "(empty)"
_SHORT = {
    "commonName": "CN",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "localityName": "L",
    "stateOrProvinceName": "ST",
    "countryName": "C",
    "domainComponent": "DC",
}
"""RFC 4514, section 3, by the names of OpenSSL."""


def names_of(info: Info) -> tuple[list[str], int]:
    """The first hosts and addresses that it is valid for, each cut, and the number of others."""
    names = [name for name in info.get("subjectAltName", ()) if name[0] in ("DNS", "IP Address")]
    return [_name(kind, str(name)) for kind, name in names[:MOST_NAMES]], len(names[MOST_NAMES:])


def issuer_of(info: Info) -> str:
    """Who signed it, cut."""
    return _owner(info.get("issuer", ()))


def serial_of(info: Info) -> str:
    """The number that its issuer gave it, in hexadecimal digits; at most 20 octets (RFC 5280,
    section 4.1.2.2)."""
    return one_line(str(info.get("serialNumber", "")), LONGEST_SERIAL).lower()


def lines_about(info: Info, sent: int) -> Iterator[str]:
    """The server's own certificate, of the `sent` ones. The server may be an attacker's: all is
    cut."""
    subject, issuer = _owner(info.get("subject", ())), issuer_of(info)
    yield f"-- certificate of the server: {subject}"
    itself = ", by itself" if issuer == subject != _NOBODY else ""
    yield f"-- issued by: {issuer}{itself}; certificates that the server sent: {sent}"
    names, others = names_of(info)
    more = [f"and {others} more"] if others else []
    yield f"-- for the names: {', '.join([*names, *more]) or 'none'}"
    times = [_time(str(info.get(name, ""))) for name in ("notBefore", "notAfter")]
    yield f"-- valid from {times[0]} until {times[1]} UTC"


def _owner(name: Any) -> str:
    """A distinguished name, in its own order."""
    parts = [f"{_SHORT.get(kind, kind)}={value}" for part in name for kind, value in part]
    return one_line(", ".join(parts), LONGEST_OWNER) or _NOBODY


def _name(kind: str, name: str) -> str:
    if kind == "IP Address":
        with suppress(ValueError):  # OpenSSL writes IPv6 in full
            return str(ip_address(name.strip()))
    return one_line(name, LONGEST_NAME)


def _time(text: str) -> str:
    try:
        return f"{datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC):%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError, OSError):
        return one_line(text, LONGEST_NAME) or "?"
