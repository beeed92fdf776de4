"""The addresses of exchangers, one by one: for `each`."""

from collections.abc import Callable, Iterable
from ipaddress import ip_address

from exporter.config.server import NetworkOptions
from exporter.core.model import Exchanger, ProbeError
from exporter.core.steps import Step
from exporter.core.trace.run import Run
from exporter.net.dns.resolver import Resolver
from exporter.net.tcp import source_towards

MOST_ADDRESSES = 20
"""Of a domain. Of more, those with the lowest preferences are taken, and always the same."""


async def addresses_of(
    exchangers: Iterable[Exchanger],
    resolver: Resolver,
    network: NetworkOptions,
    run: Run,
    source: Callable[[str, str | None], str] = source_towards,
) -> list[Exchanger]:
    """Each address of each exchanger, in the order of preferences. A name that has none, or cannot
    be resolved, is there without an address. An address that no connection from here can have is
    left out, since a sender passes over it: IPv6 on a machine without it, most often."""
    found: dict[tuple[str, str], Exchanger] = {}
    in_order = sorted(exchangers, key=lambda one: (one.preference, one.host.lower()))
    for one in in_order[:MOST_ADDRESSES]:
        host = one.host.lower()
        for address in await _addresses(one.host, resolver, network, run):
            if address and not source(address, network.source_address):
                run.note(f"-- {one.host} [{address}]: no route from here; not tested")
            else:
                found.setdefault((host, address), Exchanger(host, one.preference, address))
        if len(found) > MOST_ADDRESSES:
            run.note(f"-- more addresses of exchangers; the first {MOST_ADDRESSES} are tested")
            break
    return [*found.values()][:MOST_ADDRESSES]


async def _addresses(host: str, resolver: Resolver, network: NetworkOptions, run: Run) -> list[str]:
    try:
        async with run.conversation():
            with run.step(Step.RESOLVE, host):
                run.awaited = f"the name server {resolver} for {host}"
                found = await resolver.absolute.addresses(host, network.ip)
    except ProbeError as error:
        run.note(f"-- {host}: {error}")
        return [""]
    old, new = ([one for one in found if (":" in one) is new] for new in (False, True))
    return [*_first(old), *_first(new)]


def _first(addresses: Iterable[str]) -> list[str]:
    """Those of one family, in order; of very many, always the same few. To ask for the route to
    each would take long."""
    few = sorted(set(addresses))[: MOST_ADDRESSES + 1]
    return [str(one) for one in sorted(map(ip_address, few), key=int)]
