"""The clients of the receiver, by address: none may use all connections, or all processing time."""

import asyncio
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

from exporter.net.listening import client_network
from exporter.net.smtpd.limits import Limits

Connection = TypeVar("Connection", bound=Hashable)


class Clients(Generic[Connection]):
    """The admitted connections."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._addresses: dict[Connection, str] = {}
        self._turns: dict[str, asyncio.Lock] = {}

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(self._addresses))

    def admit(self, connection: Connection, peer: object) -> str | None:
        """Admits a new connection, or returns the reply that refuses it."""
        if len(self._addresses) >= self._limits.connections:
            return "421 4.7.0 Too many connections"
        address = client_network(peer)
        if sum(address == other for other in self._addresses.values()) >= self._limits.per_address:
            return "421 4.7.0 Too many connections from your address"
        self._addresses[connection] = address
        return None

    def forget(self, connection: Connection) -> None:
        address = self._addresses.pop(connection, None)
        if address is not None and address not in self._addresses.values():
            self._turns.pop(address, None)

    def turn(self, connection: Connection) -> asyncio.Lock:
        """A lock per address, held by the connection whose message is being processed.

        So an address has one place in the queue, however many connections it opens.
        """
        return self._turns.setdefault(self._addresses.get(connection, ""), asyncio.Lock())
