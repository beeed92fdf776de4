"""Bounds what a slow, idle or greedy client may use up: aiohttp waits for a request's header as long as it takes."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast


@dataclass(frozen=True, slots=True)
class Limits:
    """Times in seconds."""

    connections: int = 512
    header: float = 10.0  # from connecting to the end of the first request's header
    idle: float = 75.0  # from an answer to the end of the next request's header; Prometheus scrapes once a minute


LIMITS = Limits()


class Guard:
    """Knows the open connections. When there are too many, the one that has been idle for the longest has to go."""

    def __init__(self, make_handler: Callable[[], asyncio.Protocol], limits: Limits = LIMITS) -> None:
        self._make_handler = make_handler
        self._limits = limits
        self._connections: dict[asyncio.BaseTransport, _Connection] = {}

    def __call__(self) -> asyncio.Protocol:
        """A protocol for a new connection, as asyncio asks for it."""
        return _Connection(self, self._make_handler())

    def admit(self, transport: asyncio.BaseTransport, connection: "_Connection") -> bool:
        if len(self._connections) >= self._limits.connections:
            oldest = next((other for other in self._connections.values() if other.waits), None)
            if oldest is None:
                return False
            oldest.drop()
        self._connections[transport] = connection
        connection.expect_request(self._limits.header)
        return True

    def forget(self, transport: asyncio.BaseTransport) -> None:
        self._connections.pop(transport, None)

    def request_begins(self, transport: asyncio.BaseTransport | None) -> None:
        """The whole header has come; from here on our own time limits count."""
        if transport in self._connections:
            self._connections[transport].answer_request()

    def request_ends(self, transport: asyncio.BaseTransport | None) -> None:
        if transport in self._connections:
            connection = self._connections.pop(transport)
            self._connections[transport] = connection  # now the least idle
            connection.expect_request(self._limits.idle)


class _Connection(asyncio.Protocol):
    """Hands everything on to aiohttp's handler, and keeps the time."""

    def __init__(self, guard: Guard, handler: asyncio.Protocol) -> None:
        self._guard = guard
        self._handler = handler
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._admitted = False

    @property
    def waits(self) -> bool:
        """True while no request is being answered."""
        return self._timer is not None

    def expect_request(self, patience: float) -> None:
        self.answer_request()
        self._timer = asyncio.get_running_loop().call_later(patience, self.drop)

    def answer_request(self) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = None

    def drop(self) -> None:
        if self._transport:
            self._guard.forget(self._transport)
            self._transport.abort()

    # ---------------------------------------------------------------- what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._admitted = self._guard.admit(transport, self)
        if self._admitted:
            self._handler.connection_made(transport)
        else:
            self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self.answer_request()
        if self._transport and self._admitted:
            self._guard.forget(self._transport)
            self._handler.connection_lost(error)

    def data_received(self, data: bytes) -> None:
        if self._admitted:
            self._handler.data_received(data)

    def eof_received(self) -> bool | None:
        return self._handler.eof_received() if self._admitted else False

    def pause_writing(self) -> None:
        self._handler.pause_writing()

    def resume_writing(self) -> None:
        self._handler.resume_writing()
