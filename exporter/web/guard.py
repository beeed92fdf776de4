"""Bounds what a slow, idle or greedy client may use up: aiohttp waits for a request's header as long as it takes."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

from exporter.net.listening import origin
from exporter.web.tls import Tls


@dataclass(frozen=True, slots=True)
class Limits:
    """Times in seconds."""

    connections: int = 512
    per_address: int = 256  # Prometheus, or a proxy, comes with many at once; nobody else takes the rest
    header: float = 10.0  # from connecting to the end of the first request's header, with the TLS handshake
    idle: float = 75.0  # from an answer to the end of the next request's header; Prometheus scrapes once a minute
    goodbye: float = 2.0  # for a client to part as TLS wants it


LIMITS = Limits()


def _no_tls() -> None:
    """Plain HTTP."""


class Guard:
    """Knows the open connections. When there are too many, the one that has been idle for the longest has to go.

    `tls` is asked for every new connection.
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
        self._connections: dict[asyncio.BaseProtocol | None, _Connection] = {}

    def __call__(self) -> asyncio.Protocol:
        """A protocol for a new connection, as asyncio asks for it."""
        return _Connection(self, self._make_handler())

    def admit(self, connection: "_Connection") -> bool:
        everybody = self._connections.values()
        neighbours = [one for one in everybody if connection.origin and one.origin == connection.origin]
        for others, most in ((neighbours, self.limits.per_address), (everybody, self.limits.connections)):
            if len(others) >= most and not _drop_longest_idle(others):
                return False
        self._connections[connection.handler] = connection
        connection.expect_request(self.limits.header)
        return True

    def forget(self, connection: "_Connection") -> None:
        self._connections.pop(connection.handler, None)

    def request_begins(self, handler: asyncio.BaseProtocol | None) -> None:
        """The whole header has come; from here on our own time limits count."""
        if handler in self._connections:
            self._connections[handler].answer_request()

    def request_ends(self, handler: asyncio.BaseProtocol | None) -> None:
        if handler in self._connections:
            connection = self._connections.pop(handler)
            self._connections[handler] = connection  # now the least idle
            connection.expect_request(self.limits.idle)

    def close(self) -> None:
        """Drops who has not come so far as to ask for something; the others are aiohttp's."""
        for connection in [one for one in self._connections.values() if not one.is_open]:
            connection.drop()


def _drop_longest_idle(connections: "Iterable[_Connection]") -> bool:
    longest = next((one for one in connections if one.waits), None)
    if longest:
        longest.drop()
    return longest is not None


class _Connection(asyncio.Protocol):
    """Hands everything on to aiohttp's handler, inside TLS if there is to be, and keeps the time."""

    def __init__(self, guard: Guard, handler: asyncio.Protocol) -> None:
        self.handler = handler
        self.origin = ""  # none for a Unix socket
        self.is_open = False  # once aiohttp knows of it
        self._guard = guard
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._handshake: asyncio.Task[None] | None = None
        self._early: list[bytes] = []  # what TLS brings before we are told that its handshake is over

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
        self._guard.forget(self)
        self.answer_request()
        if self._handshake:
            self._handshake.cancel()
        if self._transport:
            self._transport.abort()

    # ---------------------------------------------------------------- the beginning

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.origin = origin(transport.get_extra_info("peername"))
        if not self._guard.admit(self):
            self._transport.abort()
        elif tls := self._guard.tls():
            self._transport.pause_reading()  # every byte is for TLS
            self._handshake = asyncio.get_running_loop().create_task(self._shake_hands(tls, self._transport))
        else:
            self._open(self._transport)

    async def _shake_hands(self, tls: Tls, transport: asyncio.Transport) -> None:
        limits, secure = self._guard.limits, None
        with suppress(OSError):  # a client that does not want what we want is none of our trouble
            secure = await asyncio.get_running_loop().start_tls(
                transport, self, tls.context(), server_side=True,
                ssl_handshake_timeout=limits.header, ssl_shutdown_timeout=limits.goodbye,
            )  # fmt: skip
        self._handshake = None
        if secure and tls.admits(secure.get_extra_info("peercert")):
            self._open(secure)
        else:  # nothing has come of it, and that may be because the connection is gone
            self.drop()

    def _open(self, transport: asyncio.Transport) -> None:
        self._transport, self.is_open = transport, True
        self.handler.connection_made(transport)
        for data in self._early:
            self.handler.data_received(data)
        self._early.clear()

    # ---------------------------------------------------------------- what asyncio calls from then on

    def connection_lost(self, error: Exception | None) -> None:
        self.answer_request()
        self._guard.forget(self)
        if self._handshake:
            self._handshake.cancel()
        if self.is_open:
            self.handler.connection_lost(error)

    def data_received(self, data: bytes) -> None:
        if self.is_open:
            self.handler.data_received(data)
        else:
            self._early.append(data)

    def eof_received(self) -> bool | None:
        return self.handler.eof_received() if self.is_open else False

    def pause_writing(self) -> None:
        self.handler.pause_writing()

    def resume_writing(self) -> None:
        self.handler.resume_writing()
