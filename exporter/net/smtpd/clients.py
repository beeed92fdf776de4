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
        """Admits a new connection, or one whose client was not known so far; or returns the reply
        that refuses it."""
        return self._admit(connection, client_network(peer))

    def admit_unknown(self, connection: Connection, proxy: object) -> str | None:
        """Admits a connection of a proxy that has not said for which client."""
        return self._admit(connection, f"by {client_network(proxy)}")

    def _admit(self, connection: Connection, address: str) -> str | None:
        others = self._addresses.keys() - {connection}
        if len(others) >= self._limits.connections:
            return "421 4.7.0 Too many connections"
        if sum(self._addresses[one] == address for one in others) >= self._limits.per_address:
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
