"""Our own resolver, as aiohttp wants it."""

import socket

from aiohttp.abc import AbstractResolver, ResolveResult

from exporter.net.dns.resolver import Resolver


class HttpNames(AbstractResolver):
    """Looks up the hosts of URLs with our resolver."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in await self._resolver.addresses(host)
        ]

    async def close(self) -> None:
        """It belongs to others."""
