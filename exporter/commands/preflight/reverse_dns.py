"""Our DNS records as an external server checks them before it reads a message.

Most external servers expect the client's address to have a name that resolves back to it
(forward-confirmed reverse DNS; Gmail and Microsoft 365 require it), and an existing name in EHLO.
Refusals rarely state this cause. It is never a failure here: only a message shows how strict a
server is.
"""

from ipaddress import ip_address

from exporter.commands.preflight.remark import Remark, Risk
from exporter.config.server import NetworkOptions
from exporter.core.model import ProbeError
from exporter.net.dns.resolver import Resolver
from exporter.net.tcp import source_towards


async def remarks(
    server: str, network: NetworkOptions, ehlo_name: str, resolver: Resolver
) -> list[Remark]:
    """Remarks on our source addresses for `server`, one of each family, and on our EHLO name."""
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
        found.append(Remark(Risk.UNANSWERED, error.detail))
    return found


async def is_public(server: str, resolver: Resolver) -> bool:
    """Whether it has a public address, and so is not a relay of our own network."""
    try:
        addresses = await resolver.addresses(server)
        return any(ip_address(address).is_global for address in addresses)
    except ProbeError:
        return False


async def of_address(source: str, destination: str, resolver: Resolver) -> list[Remark]:
    """Whether the name of `source` resolves back to it. A private source is fine for a private
    destination."""
    if not ip_address(source).is_global and ip_address(destination).is_global:
        return [Remark(Risk.HIDDEN, source)]
    names = await resolver.names(source)
    if not names:
        return [Remark(Risk.NAMELESS, source)]
    for name in names:
        if ip_address(source) in map(ip_address, await resolver.published(name)):
            return []
    return [Remark(Risk.MISNAMED, source, ", ".join(names))]


async def _of_greeting(name: str, resolver: Resolver) -> list[Remark]:
    if name.startswith("["):
        return [Remark(Risk.GREETS_BARE, name)]
    return [] if await resolver.published(name) else [Remark(Risk.GREETS_UNKNOWN, name)]
