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
        self._all: WeakSet[_Exchanges] = WeakSet()
        protocol: Callable[..., ResponseHandler] = _Exchanges
        self._factory = partial(protocol, self._loop, self._all.add)

    def abort(self) -> None:
        """Ends all connections at once, also those of requests in progress. May be called at any
        time, also twice."""
        for exchanges in list(self._all):
            exchanges.abort()

    async def close(self, *, abort_ssl: bool = True) -> None:
        for exchanges in list(self._all):
            exchanges.close()
        await super().close(abort_ssl=abort_ssl)
        await asyncio.sleep(0)  # asyncio closes the socket of one that has been aborted


class _Exchanges(ResponseHandler):
    """The protocol of one connection."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, connected: Callable[["_Exchanges"], None]
    ) -> None:
        super().__init__(loop)
        self._connected = connected
        self._link: asyncio.Transport | None = None  # also when aiohttp has forgotten it

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._link = self.transport
        self._connected(self)

    def close(self) -> None:
        """Says goodbye, and does not wait for an answer."""
        transport, self.transport = self.transport, None
        # While it is closed, asyncio brings what it has read before. Were that no HTTP, aiohttp
        # would close it for a second time, which takes from it what `abort` needs.
        if transport and not transport.is_closing():
            transport.close()
        self.transport = transport
        self.abort()

    def abort(self) -> None:
        super().abort()
        if self._link:
            self._link.abort()
