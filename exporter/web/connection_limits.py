"""Limits the resources of slow, idle or greedy clients: aiohttp waits for a request header without
limit."""

import asyncio
from collections.abc import Callable

from exporter.metrics.text import Text
from exporter.web.connection import Connection
from exporter.web.eviction import busiest_client, least_missed, oldest_unread
from exporter.web.limits import LIMITS, Limits
from exporter.web.tls import Tls


def _no_tls() -> None:
    """Plain HTTP."""


class ConnectionLimits:
    """Tracks the open connections; the server reports the progress of their requests. If there are
    too many, one is dropped (see `eviction`). `tls` is called for every new connection."""

    def __init__(
        self,
        make_handler: Callable[[], asyncio.Protocol],
        limits: Limits = LIMITS,
        tls: Callable[[], Tls | None] = _no_tls,
    ) -> None:
        self.limits = limits
        self.tls = tls
        self._make_handler = make_handler
        # By handler, the one that has been idle for the longest first.
        self._connections: dict[asyncio.BaseProtocol | None, Connection] = {}

    def __call__(self) -> asyncio.Protocol:
        """The protocol of a new connection, for asyncio."""
        return Connection(self, self._make_handler())

    def client(self, handler: asyncio.BaseProtocol | None) -> str:
        """The address of a connection's client; empty for a Unix socket."""
        return self._connections[handler].client if handler in self._connections else ""

    def admit(self, connection: Connection) -> bool:
        """Whether a new connection is accepted. Another one may be dropped for it."""
        same_client = [
            one
            for one in self._connections.values()
            if connection.client and one.client == connection.client
        ]
        if len(same_client) >= self.limits.per_address and not _drop(least_missed(same_client)):
            return False
        if len(self._connections) >= self.limits.connections and not self._make_room(
            connection.client
        ):
            return False
        self._connections[connection.handler] = connection
        connection.progress.expect_request(self.limits.header)
        return True

    def _make_room(self, client: str) -> bool:
        """Drops a connection of the client with the most; for another client, even during a
        request."""
        busiest = busiest_client(self._connections.values())
        theirs = [one for one in self._connections.values() if one.client == busiest]
        return _drop(least_missed(theirs, also_answering=busiest != client))

    def forget(self, connection: Connection) -> None:
        self._connections.pop(connection.handler, None)

    def request_started(self, handler: asyncio.BaseProtocol | None) -> None:
        """A request has passed the middleware; from now on only our own time limits apply."""
        if handler in self._connections:
            self._connections[handler].progress.answer_request()

    def answer_started(self, handler: asyncio.BaseProtocol | None, answer: Text) -> None:
        """An answer is ready, which the client must read within the limits."""
        if handler not in self._connections:
            return
        self._connections[handler].progress.expect_reading(answer, self.limits.answer)
        while _drop(oldest_unread(self._connections.values(), self.limits.unread, answer)):
            pass

    def request_ended(self, handler: asyncio.BaseProtocol | None) -> None:
        if handler in self._connections:
            connection = self._connections.pop(handler)
            self._connections[handler] = connection  # now the least idle
            connection.progress.expect_request(self.limits.idle)

    def close(self) -> None:
        """Drops connections that aiohttp does not know yet; aiohttp closes the others."""
        for connection in [one for one in self._connections.values() if not one.is_open]:
            connection.drop()


def _drop(connection: Connection | None) -> bool:
    """Whether a connection was dropped."""
    if connection:
        connection.drop()
    return connection is not None
