"""The checks by kind, and what they share. Apart from their options, which are all that
`mailtrip check` needs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from exporter.authentication import Authenticator
from exporter.blocklists.blocklists import Blocklists
from exporter.checks.check import AnyCheck
from exporter.checks.dnsbl import BlocklistCheck
from exporter.checks.dnsbl_options import DnsblOptions
from exporter.checks.heartbeat import HeartbeatCheck
from exporter.checks.heartbeat_options import HeartbeatOptions
from exporter.checks.known_heartbeats import KnownHeartbeats
from exporter.checks.options import RoundtripOptions
from exporter.checks.roundtrip import RoundTrip
from exporter.checks.standing import Standing
from exporter.mailboxes.watcher.watcher import Watcher
from exporter.net.dns.resolver import Resolver
from exporter.senders.kind import Means
from exporter.senders.pace import Pace


@dataclass(frozen=True, slots=True)
class Services:
    """Objects that all checks of a program share."""

    resolver: Resolver
    watchers: Mapping[str, Watcher]  # by mailbox
    pace: Pace
    blocklists: Blocklists
    authenticator: Authenticator
    sending: Means
    heartbeats: KnownHeartbeats
    # The address that the mail of the probe of this name left from; empty if unknown.
    left_from: Callable[[str], str]


def _roundtrip(
    options: RoundtripOptions, target: str, services: Services, interval: float
) -> RoundTrip:
    sender = options.send.how.sender(target, services.sending)
    lists = [entry.blocklist() for entry in options.blocklists]
    return RoundTrip(
        options,
        target,
        services.watchers,
        services.pace,
        sender,
        services.authenticator,
        Standing(lists, services.blocklists) if lists else None,
    )


def _dnsbl(
    options: DnsblOptions, target: str, services: Services, interval: float
) -> BlocklistCheck:
    return BlocklistCheck(
        options, target, services.resolver, services.blocklists, services.left_from
    )


def _heartbeat(
    options: HeartbeatOptions, target: str, services: Services, interval: float
) -> HeartbeatCheck:
    watcher = services.watchers[options.mailbox]
    return HeartbeatCheck(options, target, interval, watcher, services.heartbeats)


CHECKS: dict[str, Callable[[Any, str, Services, float], AnyCheck]] = {
    "roundtrip": _roundtrip,
    "dnsbl": _dnsbl,
    "heartbeat": _heartbeat,
}
"""By key in a module. Called with the options, the target, the services and the interval."""
