"""Resolvers that many clients share: blocklists refuse to answer them, since they cannot tell one
client from another (https://www.spamhaus.org/faqs/dnsbl-usage/)."""

import re
from collections.abc import Sequence
from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from exporter.config.grammar import ip_of

STUB_CONF = Path("/run/systemd/resolve/resolv.conf")
"""The servers to which systemd-resolved passes queries on (systemd-resolved.service(8))."""
MOST_SERVERS = 16  # that are read from there
MOST_NAMED = 3  # lists in a remark

_STUBS = frozenset({"127.0.0.53", "127.0.0.54"})
_DOMAIN = 53  # the port at which these addresses are what the table says
_PUBLIC = {
    "Google Public DNS": "8.8.8.8 8.8.4.4 2001:4860:4860::/48",
    "Cloudflare": "1.1.1.0/29 1.0.0.0/29 2606:4700:4700::/48",
    "Quad9": "9.9.9.0/28 149.112.112.0/24 2620:fe::/48",
    "OpenDNS": "208.67.220.0/24 208.67.222.0/24 2620:119:35::/48 2620:119:53::/48",
    "AdGuard": "94.140.14.0/24 94.140.15.0/24 2a10:50c0::/32",
    "CleanBrowsing": "185.228.168.0/24 185.228.169.0/24 2a0d:2a00:1::/48 2a0d:2a00:2::/48",
    "Control D": "76.76.2.0/24 76.76.10.0/24 2606:1a40::/32",
    "NextDNS": "45.90.28.0/24 45.90.30.0/24 2a07:a8c0::/32 2a07:a8c1::/32",
    "Mullvad": "194.242.2.0/24 2a07:e340::/32",
    "DNS.SB": "185.222.222.222 45.11.45.11 2a09:: 2a11::",
    "DNS4EU": "86.54.11.0/24 2a13:1001::86:54:11:0/112",
    "Yandex": "77.88.8.0/24 2a02:6b8::feed:0/112",
    "Level 3": "4.2.2.1 4.2.2.2 4.2.2.3 4.2.2.4 4.2.2.5 4.2.2.6 209.244.0.3 209.244.0.4",
    "UltraDNS Public": "64.6.64.6 64.6.65.6 156.154.70.0/24 156.154.71.0/24 2610:a1:1018::/48",
    "Comodo": "8.26.56.26 8.20.247.20",
    "Hurricane Electric": "74.82.42.42 2001:470:20::2",
    "AliDNS": "223.5.5.5 223.6.6.6 2400:3200::/48",
    "DNSPod": "119.29.29.29 119.28.28.28",
    "114DNS": "114.114.114.0/24 114.114.115.0/24",
    "Amazon Web Services": "169.254.169.253 fd00:ec2::253",
    "Google Cloud": "169.254.169.254",
    "Microsoft Azure": "168.63.129.16",
    "Hetzner": "185.12.64.1 185.12.64.2 2a01:4ff:ff00::add:1 2a01:4ff:ff00::add:2",
}
"""By operator, as their own pages say. Those of clouds are not open, but shared all the same."""


def operator_of(address: str) -> str:
    """Who operates the shared resolver at this address; empty if none is known."""
    ip = ip_of(address)
    return next(
        (name for name, network in _networks() if ip and ip in network),
        "",
    )


def remark_on(
    servers: Sequence[tuple[str, int]], refusing: Sequence[str], stub_conf: Path = STUB_CONF
) -> str:
    """What is wrong with a resolver for blocklists, for people; empty if nothing is known.

    `servers` are the addresses and ports that were queried, `refusing` the lists that refused.
    """
    cure = "use a resolver of your own, see docs/blocklists.md"
    for address, port in servers:
        if port == _DOMAIN and (operator := operator_of(address)):
            return f"{address} is a shared resolver ({operator}), which many lists refuse: {cure}"
        for other in _behind(address, stub_conf) if port == _DOMAIN else ():
            if operator := operator_of(other):
                return (
                    f"{address} passes queries on to {other}, a shared resolver ({operator}),"
                    f" which many lists refuse: {cure}"
                )
    if not refusing:
        return ""
    asked = ", ".join(address for address, _ in servers[:MOST_NAMED])
    lists = ", ".join(refusing[:MOST_NAMED])
    more = len(refusing) - MOST_NAMED
    return (
        f"refused by {lists}{f' and {more} more' if more > 0 else ''}: the resolver {asked}"
        f" probably passes queries on to a shared one, or is one; {cure}"
    )


@cache
def _networks() -> tuple[tuple[str, IPv4Network | IPv6Network], ...]:
    return tuple(
        (name, ip_network(one)) for name, those in _PUBLIC.items() for one in those.split()
    )


def _behind(address: str, stub_conf: Path) -> list[str]:
    """The servers behind the stub of systemd-resolved."""
    if address not in _STUBS:
        return []
    try:
        text = stub_conf.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return re.findall(r"(?m)^\s*nameserver\s+([^\s%#;]+)", text)[:MOST_SERVERS]
