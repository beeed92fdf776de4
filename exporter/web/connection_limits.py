"""Bounds what a slow, idle or greedy client may use up: aiohttp waits for a request's header as
long as it takes."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable

from exporter.web.connection import Connection, State
from exporter.web.limits import LIMITS, Limits
from exporter.web.tls import Tls


def _no_tls() -> None:
    """Plain HTTP."""


class ConnectionLimits:
    """Knows the open connections. When there are too many, one has to go: that of the client who
    has the most of them that is missed the least. `tls` is asked for every new connection.
    """

    def __init__(
        self,
        make_handler: Callable[[], asyncio.Protocol],
        limits: Limits = LIMITS,
        tls: Callable[[], Tls | None] = _no_tls,
    ) -> None:
        self.limits = limits
        self.tls = tls
        self._make_handler = make_handler
        self._connections: dict[asyncio.BaseProtocol | None, Connection] = {}  # the least idle last

    def __call__(self) -> asyncio.Protocol:
        """A protocol for a new connection, as asyncio asks for it."""
        return Connection(self, self._make_handler())

    def origin(self, handler: asyncio.BaseProtocol | None) -> str:
        """Who the client of a connection is; empty for a Unix socket."""
        return self._connections[handler].origin if handler in self._connections else ""

    # ---------------------------------------------------------------- told by connections

    def admit(self, connection: Connection) -> bool:
        """Whether a new connection may stay. Another one may have to go for it."""
        everybody = list(self._connections.values())
        neighbours = [
            one for one in everybody if connection.origin and one.origin == connection.origin
        ]
        if len(neighbours) >= self.limits.per_address and not _drop_one(neighbours):
            return False
        if len(self._connections) >= self.limits.connections and not self._make_room(
            connection.origin
        ):
            return False
        self._connections[connection.handler] = connection
        connection.expect_request(self.limits.header)
        return True

    def _make_room(self, origin: str) -> bool:
        """Who has the most connections has to give one up, for somebody else even one that is being
        answered."""
        greediest = _greediest(self._connections.values())
        theirs = [one for one in self._connections.values() if one.origin == greediest]
        return _drop_one(theirs, also_busy=greediest != origin)

    def forget(self, connection: Connection) -> None:
        self._connections.pop(connection.handler, None)

    # ---------------------------------------------------------------- told by the server

    def request_begins(self, handler: asyncio.BaseProtocol | None) -> None:
        """A request has come, and passed the middleware; from here on our own time limits count."""
        if handler in self._connections:
            self._connections[handler].answer_request()

    def answer_begins(self, handler: asyncio.BaseProtocol | None, answer: bytes) -> None:
        """There is an answer, which has to be read by now."""
        if handler in self._connections:
            self._connections[handler].send(answer, self.limits.answer)
            self._bound(answer)

    def request_ends(self, handler: asyncio.BaseProtocol | None) -> None:
        if handler in self._connections:
            connection = self._connections.pop(handler)
            self._connections[handler] = connection  # now the least idle
            connection.expect_request(self.limits.idle)

    def _bound(self, newest: bytes) -> None:
        """Who holds the most answers loses the oldest of them, until what is left is not too
        much."""
        while True:
            reading = [one for one in self._connections.values() if one.answer]
            answers = {id(one.answer): len(one.answer) for one in reading}
            others = [one for one in reading if one.answer is not newest]
            if sum(answers.values()) <= self.limits.unread or not others:
                return
            theirs = [one for one in others if one.origin == _greediest(reading)]
            min(theirs or others, key=lambda one: one.since).drop()

    def close(self) -> None:
        """Drops who has not come so far as to ask for something; the others are aiohttp's."""
        for connection in [one for one in self._connections.values() if not one.is_open]:
            connection.drop()


def _greediest(connections: Iterable[Connection]) -> str:
    """The client with the most of these connections."""
    return Counter(one.origin for one in connections).most_common(1)[0][0]


_LEAST_MISSED = (State.STRANGER, State.STUCK, State.IDLE)


def _drop_one(connections: list[Connection], *, also_busy: bool = False) -> bool:
    """Of those in the same state, the one that has been idle for the longest."""
    for state in (*_LEAST_MISSED, State.BUSY) if also_busy else _LEAST_MISSED:
        if longest := next((one for one in connections if one.state is state), None):
            longest.drop()
            return True
    return False
