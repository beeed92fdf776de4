"""One HTTP connection: passes data to aiohttp's handler, through TLS if enabled."""

import asyncio
import socket
from contextlib import suppress
from typing import Protocol, cast

from exporter.net.listening import client_network
from exporter.web.bodies import PIECE
from exporter.web.limits import Limits
from exporter.web.progress import Progress
from exporter.web.tls import Tls


class ConnectionPolicy(Protocol):
    """Decides which connections are accepted, and is notified of their end."""

    limits: Limits

    def tls(self) -> Tls | None:
        """TLS for a new connection; None is plain HTTP."""

    def admit(self, connection: "Connection") -> bool:
        """Whether a new connection is accepted."""

    def forget(self, connection: "Connection") -> None:
        """The connection was closed."""


class Connection(asyncio.Protocol):
    """A connection from accept to close."""

    def __init__(self, policy: ConnectionPolicy, handler: asyncio.Protocol) -> None:
        self.handler = handler
        self.client = ""  # its address; none for a Unix socket
        self.is_open = False  # once aiohttp knows of it
        self.progress = Progress(self.drop, policy.limits.stalled)
        self._policy = policy
        self._link: asyncio.Transport | None = None  # the TCP connection, also below TLS
        self._handshake: asyncio.Task[None] | None = None
        # Data from TLS before its handshake is reported as complete.
        self._early: list[bytes] = []

    def drop(self) -> None:
        """Closes it at once, and discards unread data."""
        self._end()
        if self._link:
            self._link.abort()

    def _end(self) -> None:
        self._policy.forget(self)
        self.progress.end()
        if self._handshake:
            self._handshake.cancel()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._link = link = cast(asyncio.Transport, transport)
        self.client = client_network(transport.get_extra_info("peername"))
        with suppress(OSError):  # else the system takes megabytes for a client that does not read
            transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * PIECE
            )
        if not self._policy.admit(self):
            link.abort()
        elif tls := self._policy.tls():
            link.pause_reading()  # every byte is for TLS
            self._handshake = asyncio.get_running_loop().create_task(self._tls_handshake(tls, link))
        else:
            self._open(link)

    async def _tls_handshake(self, tls: Tls, transport: asyncio.Transport) -> None:
        limits, secure = self._policy.limits, None
        with suppress(OSError):  # a failed handshake is the client's affair, and not logged
            secure = await asyncio.get_running_loop().start_tls(
                transport,
                self,
                tls.context(),
                server_side=True,
                ssl_handshake_timeout=limits.header,
                ssl_shutdown_timeout=limits.tls_shutdown,
            )
        self._handshake = None
        if secure and tls.admits(secure.get_extra_info("peercert")):
            self._open(secure)
        else:  # it failed, perhaps because the connection is gone
            self.drop()

    def _open(self, transport: asyncio.Transport) -> None:
        self.is_open = True
        transport.set_write_buffer_limits(high=PIECE)
        self.handler.connection_made(transport)
        for data in self._early:
            self.handler.data_received(data)
        self._early.clear()

    def connection_lost(self, error: Exception | None) -> None:
        self._end()
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
        """The client does not read our data."""
        self.progress.stall()
        self.handler.pause_writing()

    def resume_writing(self) -> None:
        self.progress.unstall()
        self.handler.resume_writing()
