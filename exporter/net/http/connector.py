"""The connections of a client of HTTP. One that is no longer wanted is over at once.

aiohttp closes it and forgets it, and asyncio then waits for the server: half a minute for its end
of TLS, and for good until it reads what we have written.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any
from weakref import WeakSet

import aiohttp
from aiohttp.client_proto import ResponseHandler

from exporter.net.dns.resolver import Resolver
from exporter.net.http.names import HttpNames


class Connector(aiohttp.TCPConnector):
    """Looks hosts up with this resolver, if there is one. `options` are aiohttp's."""

    def __init__(self, resolver: Resolver | None = None, **options: Any) -> None:
        names = HttpNames(resolver) if resolver else None
        super().__init__(resolver=names, use_dns_cache=False, **options)
        self._transports: WeakSet[asyncio.Transport] = WeakSet()
        protocol: Callable[..., ResponseHandler] = _Exchanges
        self._factory = partial(protocol, self._loop, self._transports.add)

    def abort(self) -> None:
        """Ends all connections at once, also those of requests in progress. May be called at any
        time, also twice."""
        for transport in list(self._transports):
            transport.abort()

    async def close(self, *, abort_ssl: bool = True) -> None:
        for transport in list(self._transports):
            _leave(transport)
        await super().close(abort_ssl=abort_ssl)
        await asyncio.sleep(0)  # asyncio closes the socket of one that has been aborted


class _Exchanges(ResponseHandler):
    """The protocol of one connection."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, connected: Callable[[asyncio.Transport], None]
    ) -> None:
        super().__init__(loop)
        self._connected = connected

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self.transport:
            self._connected(self.transport)

    def close(self) -> None:
        if self.transport:
            _leave(self.transport)
        self.abort()


def _leave(transport: asyncio.Transport) -> None:
    """Says goodbye, and does not wait for an answer."""
    # A second `close` would take from asyncio's transport of TLS what `abort` needs.
    if not transport.is_closing():
        transport.close()
    transport.abort()
