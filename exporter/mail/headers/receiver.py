"""Finds the headers that the trusted receiver wrote, and the address from which the message came to
it.

Headers can be forged, so only their position makes them trustworthy. Servers add `Received` at the
top, and other headers near it: above (Exim) or directly below (Gmail, rspamd). The receiver's part
reaches from the top past the `Received` with which it accepted the message from an external server,
to the next one, which that server wrote. The receiver must remove forged headers directly below
(RFC 8601 section 5).

The receiver's servers are those whose name is its authserv-id, or in the same domain.
"""

import re
from collections.abc import Sequence
from ipaddress import ip_address, ip_network

from exporter.core.facts import Client, Hop
from exporter.mail.headers.received import places

Header = tuple[str, str]
"""Name and value."""

Names = str | Sequence[str]
"""The authserv-ids of a receiver: some write one for each method, or that of the host that took the
message."""

MICROSOFT = "mx.microsoft.com"
"""What Microsoft 365 calls itself in ARC-Authentication-Results. In Authentication-Results it
leaves its name out."""

MAX_PATH = 512  # characters of a Return-Path that are read
MAX_HEADERS = 200  # that are looked at, from the top

# Where its servers have their names.
_DOMAINS = {MICROSOFT: ("outlook.com", "office365.com", "exchangelabs.com")}
# As in co.uk: a public suffix.
_REGISTRIES = frozenset(("ac", "co", "com", "edu", "gov", "ne", "net", "or", "org"))
_PATH = re.compile(r"<([^<>\s]*)>")
_NOT_PUBLIC = tuple(
    ip_network(network)
    for network in (
        *(
            "127.0.0.0/8",
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "169.254.0.0/16",
            "100.64.0.0/10",
        ),
        *("::1/128", "fc00::/7", "fe80::/10"),
    )
)


def each(names: Names) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def trusted_part(headers: Sequence[Header], authserv_id: Names) -> Sequence[Header]:
    """The headers, newest first, down to the first that an external server may have written.

    Servers above the receiver are trusted, since they got the message from it. If no server has the
    receiver's name, the part ends at the second `Received`.
    """
    received = [
        place for place, (name, _) in enumerate(headers[:MAX_HEADERS]) if name.lower() == "received"
    ]
    seen, from_outside = False, False
    for place in received:
        by, helo, address, _ = places(headers[place][1])
        own = belongs(by, authserv_id)
        if from_outside or (seen and not own and not _is_local(by)):
            return headers[:place]
        seen = seen or own
        from_outside = own and _is_stranger(helo, address, authserv_id)
    return headers[: MAX_HEADERS if seen or len(received) < 2 else received[1]]


def names_below(headers: Sequence[Header], authserv_id: Names) -> tuple[str, ...]:
    """The receiver's names that are domains, judged by its servers' names, which in `icloud.com`
    are `p00-icloudmta.icloud.com` and the like, and the authserv-ids `spf.icloud.com`,
    `dmarc.icloud.com`, …"""
    servers = [
        places(value)[0] for name, value in headers[:MAX_HEADERS] if name.lower() == "received"
    ]
    return tuple(
        name for name in each(authserv_id) if any(by.endswith(f".{name.lower()}") for by in servers)
    )


def _is_stranger(helo: str, address: str, authserv_id: Names) -> bool:
    return _is_public(address) and not belongs(helo, authserv_id)


def _is_local(by: str) -> bool:
    """Whether this is a program on the same server: named localhost, an address, or unnamed."""
    return "." not in by or by.rpartition(".")[2].isdigit()


def belongs(name: str, authserv_id: Names) -> bool:
    """Whether this server is one of the receiver's."""
    name = name.lower().rstrip(".")
    receivers = [receiver.lower() for receiver in each(authserv_id)]
    domains = [domain for receiver in receivers for domain in (receiver, *_domains(receiver))]
    return any(name == domain or name.endswith(f".{domain}") for domain in domains)


def _domains(receiver: str) -> tuple[str, ...]:
    if receiver in _DOMAINS:
        return _DOMAINS[receiver]
    domain = receiver.partition(".")[2]
    first, dot, top = domain.partition(".")
    nobodys = not dot or (first in _REGISTRIES and len(top) == 2)
    return () if nobodys else (domain,)


def left_from(way: Sequence[Hop], authserv_id: Names | None) -> str:
    """The address from which the message came to the receiver; empty if unknown. `way` has the
    oldest hop first.

    It is the last client address that the server `authserv_id` saw, otherwise an external client of
    another server in its domain. Otherwise it is the newest public address, or the newest one if
    all are private.
    """
    taken = _taken_by(way, authserv_id) if authserv_id else None
    hop = taken or _outermost([hop for hop in reversed(way) if _sees(hop)])
    return hop.address if hop else ""


def client_of(headers: Sequence[Header], way: Sequence[Hop], authserv_id: Names) -> Client | None:
    """The client that delivered the message to this receiver; None if no server has its name, or
    there is no Return-Path. `way` has the oldest hop first, `headers` the newest header."""
    hop = _taken_by(way, authserv_id)
    paths = [
        value for name, value in trusted_part(headers, authserv_id) if name.lower() == "return-path"
    ]
    path = _PATH.search(paths[0][:MAX_PATH]) if paths else None
    return Client(hop.address, hop.helo, path[1]) if hop and path else None


def _taken_by(way: Sequence[Hop], authserv_id: Names) -> Hop | None:
    """The hop in which the receiver took the message from outside."""
    newest = [hop for hop in reversed(way) if _sees(hop)]
    itself = [hop for hop in newest if hop.by in [name.lower() for name in each(authserv_id)]]
    its_domain = [
        hop
        for hop in newest
        if belongs(hop.by, authserv_id) and _is_stranger(hop.helo, hop.address, authserv_id)
    ]
    return _outermost(itself or its_domain)


def _outermost(hops: Sequence[Hop]) -> Hop | None:
    """The first with a public address, else the first."""
    public = (hop for hop in hops if _is_public(hop.address))
    return next(public, hops[0] if hops else None)


def _sees(hop: Hop) -> bool:
    """Whether a hop shows an external client. A delivery agent (LMTP, RFC 2033) only sees its own
    server, and Microsoft's servers use public addresses among themselves."""
    local = hop.address in ("", "127.0.0.1", "::1") or hop.protocol.upper().startswith("LMTP")
    return not local and not (belongs(hop.by, MICROSOFT) and belongs(hop.helo, MICROSOFT))


def is_inside(address: str) -> bool:
    """Whether a client is on the receiver's own machine or in a private network: a relay of its
    own. Other loopback addresses are those of tests."""
    loopback = ip_address(address).is_loopback
    return address in ("127.0.0.1", "::1") or not (loopback or _is_public(address))


def _is_public(address: str) -> bool:
    if not address:
        return False
    ip = ip_address(address)
    return not any(ip in network for network in _NOT_PUBLIC)
