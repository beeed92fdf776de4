"""Connects for aiohttp as all our clients connect: in the steps `resolve`, `connect` and `tls`,
with our resolver, our time limits and the facts of the certificate."""

import asyncio

import aiohttp
from aiohttp.client_proto import ResponseHandler

from exporter.config.jmap import JmapServerOptions
from exporter.core.phases import Leg
from exporter.core.steps import Step
from exporter.core.trace.trace import Trace
from exporter.net.dns.resolver import Resolver
from exporter.net.http.connector import Connector
from exporter.net.tcp import dial
from exporter.net.tls.handshake import client_context, handshake_errors, session_fact, start_tls

MOST_CONNECTIONS = 4
KEEP_ALIVE = 60.0  # seconds


class JmapConnector(Connector):
    """The connections of one session. `made` counts them."""

    def __init__(
        self, options: JmapServerOptions, resolver: Resolver, trace: Trace, leg: Leg
    ) -> None:
        super().__init__(resolver, keepalive_timeout=KEEP_ALIVE, limit=MOST_CONNECTIONS)
        self.made = 0
        self._options = options
        self._names = resolver
        self._trace = trace
        self._leg = leg
        self._ready: ResponseHandler | None = None

    async def prepare(self) -> None:
        """Connects to the server before the first request, so that its steps are not parts of
        another. Raises ProbeError."""
        self._ready = await self._connected(self._options.host, self._options.tcp_port)

    async def _create_connection(
        self, req: aiohttp.ClientRequest, traces: object, timeout: object
    ) -> ResponseHandler:
        """aiohttp's documented place for a kind of connection of one's own."""
        host, port = (req.url.host or "").strip("[]"), req.url.port or 0
        ready, self._ready = self._ready, None
        # It is a queue, too, and false while it is empty.
        if ready is not None and ready.is_connected():
            if (host, port) == (self._options.host, self._options.tcp_port):
                return ready
            ready.close()
        return await self._connected(host, port)

    async def _connected(self, host: str, port: int) -> ResponseHandler:
        options, trace = self._options, self._trace
        context = client_context(options)
        name = (options.server_name if host == options.host else None) or host
        connected = await dial(self._names, host, port, options, trace)
        self.made += 1
        loop = asyncio.get_running_loop()
        plain, _ = await loop.create_connection(asyncio.Protocol, sock=connected)
        protocol = self._factory()
        try:
            with trace.step(Step.TLS), handshake_errors(host, self._leg, note=trace.note):
                secure = await start_tls(plain, protocol, context, name)
        except BaseException:
            plain.abort()
            raise
        protocol.connection_made(secure)
        fact = session_fact(secure.get_extra_info("ssl_object"), self._leg, host)
        if self.made == 1:
            trace.fact(fact)
        trace.note(f"-- {fact.version} {fact.cipher}")
        return protocol
