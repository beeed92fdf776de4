"""What the DNS says about the servers of a domain."""

from collections.abc import Iterable

from exporter.commands.setup.providers import Provider, provider_of
from exporter.config.grammar import domain_of
from exporter.core.model import ProbeError
from exporter.net.dns.resolver import Resolver

PATIENCE = 3.0  # seconds for one answer, while a person waits for the next question


class Discovery:
    """Finds servers to suggest. Without an answer in time, it suggests nothing."""

    def __init__(self, resolver: Resolver | None = None) -> None:
        self._resolver = resolver or Resolver(timeout=PATIENCE)

    async def provider(self, domain: str) -> Provider | None:
        """The provider whose exchangers take the mail for this domain."""
        known = provider_of(domain)
        if known or not domain_of(domain):
            return known
        try:
            exchangers = await self._resolver.exchangers(domain)
        except ProbeError:
            return None
        return next(filter(None, (provider_of(one.host) for one in exchangers)), None)

    async def host(self, names: Iterable[str]) -> str:
        """The first of these names that has an address; empty if none has."""
        for name in filter(domain_of, names):
            try:
                await self._resolver.addresses(name)
            except ProbeError:
                continue
            return name
        return ""
