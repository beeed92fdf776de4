"""How we look to a server that does not know us: what it asks DNS about before it reads a word of a
message.

Most servers of strangers want the client's address to have a name that leads back to it
(forward-confirmed reverse DNS; Gmail and Microsoft 365 demand it), and EHLO to say a name that
exists. The refusal, when it comes, seldom says so. Here nothing is a failure: how strict a server
is, only a message can tell.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address

from exporter.config.server import NetworkOptions
from exporter.core.model import ProbeError, Reason, Span, Step
from exporter.net.dns import Resolver
from exporter.net.tcp import source_towards

SMTP = 25  # the port between mail servers, which many providers block


class Doubt(StrEnum):
    """What may be in the way of mail, though nothing has failed."""

    HIDDEN = "hidden"  # the address is translated on the way, and nobody here sees into what
    NAMELESS = "nameless"  # no PTR record
    MISNAMED = "misnamed"  # a PTR record, whose name does not lead back
    GREETS_UNKNOWN = "greets_unknown"  # EHLO says a name that does not exist
    GREETS_BARE = "greets_bare"  # EHLO says an address, for want of a name
    UNANSWERED = "unanswered"  # DNS does not answer
    PASSED_OVER = "passed_over"  # an exchanger could not be reached, another one could
    BLOCKED = "blocked"  # nobody can be reached on port 25
    RATIONED = "rationed"  # a mailbox may not be looked into often enough
    NO_WAY_HERE = "no_way_here"  # nothing in DNS leads to a receiver of ours
    UNSEEN = "unseen"  # DNS does not say what leads to it
    LEADS_ELSEWHERE = "leads_elsewhere"  # DNS leads to other machines than this one
    OTHER_PORT = "other_port"  # DNS leads here, and the receiver does not listen on port 25
    PLAINTEXT = "plaintext"  # TLS with an exchanger is broken, and mail goes to it in plain text
    ALL_DOWN = (
        "all_down"  # nobody can be reached, but others can, so that the network is not to blame
    )


@dataclass(frozen=True, slots=True)
class Remark:
    """A doubt, and what it is about: an address, a name, servers."""

    doubt: Doubt
    about: str
    more: str = ""


async def remarks(
    server: str, network: NetworkOptions, ehlo_name: str, resolver: Resolver
) -> list[Remark]:
    """On the addresses that we would come from to `server`, one of each family, and on what we call
    ourselves."""
    found: list[Remark] = []
    try:
        addresses = await resolver.addresses(server, network.ip)
        for address in {
            ":" in address: address for address in reversed(addresses)
        }.values():  # the first of each family
            if source := source_towards(address, network.source_address):
                found += await of_address(source, address, resolver)
        found += await _of_greeting(ehlo_name, resolver)
    except ProbeError as error:
        found.append(Remark(Doubt.UNANSWERED, error.detail))
    return found


async def is_public(server: str, resolver: Resolver) -> bool:
    """Whether it has an address of the Internet, and is no relay of our own network."""
    try:
        return any(ip_address(address).is_global for address in await resolver.addresses(server))
    except ProbeError:
        return False


async def of_address(source: str, destination: str, resolver: Resolver) -> list[Remark]:
    """Whether the name of `source` leads back to it. To a private destination, a private source
    goes as it is."""
    if not ip_address(source).is_global and ip_address(destination).is_global:
        return [Remark(Doubt.HIDDEN, source)]
    names = await resolver.names(source)
    if not names:
        return [Remark(Doubt.NAMELESS, source)]
    for name in names:
        if ip_address(source) in map(ip_address, await resolver.published(name)):
            return []
    return [Remark(Doubt.MISNAMED, source, ", ".join(names))]


async def _of_greeting(name: str, resolver: Resolver) -> list[Remark]:
    if name.startswith("["):
        return [Remark(Doubt.GREETS_BARE, name)]
    return [] if await resolver.published(name) else [Remark(Doubt.GREETS_UNKNOWN, name)]


# ---------------------------------------------------------------- who could be reached


def reached(spans: Iterable[Span]) -> list[str]:
    """The servers, as HOST:PORT, that a connection was made to."""
    return [span.note for span in spans if span.step is Step.CONNECT and span.reason is None]


def unreached(spans: Iterable[Span]) -> list[str]:
    """Those that one could not be made to: refused, unreachable, or no answer in time."""
    missed = (Reason.CONNECT, Reason.TIMEOUT)
    return [span.note for span in spans if span.step is Step.CONNECT and span.reason in missed]


def of_connections(mine: Iterable[Span], others: Iterable[Span]) -> list[Remark]:
    """On an attempt that reached somebody or nobody, while `others` did or did not.

    One dead exchanger is its owner's trouble. When every one of them is out of reach, on port 25
    and for everybody, it is most often the network that mail may not leave.
    """
    missed = unreached(mine := list(mine))
    if not missed:
        return []
    if met := reached(mine):
        return [Remark(Doubt.PASSED_OVER, ", ".join(missed), met[0])]
    if not all(server.endswith(f":{SMTP}") for server in missed):
        return []
    elsewhere = [server for server in reached(others) if server.endswith(f":{SMTP}")]
    return [
        Remark(
            Doubt.ALL_DOWN if elsewhere else Doubt.BLOCKED,
            ", ".join(missed),
            (elsewhere or missed)[0],
        )
    ]
