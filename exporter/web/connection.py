"""One connection: hands everything on to aiohttp's handler, inside TLS if there is to be, and keeps
the time."""

import asyncio
import socket
from contextlib import suppress
from enum import Enum, auto
from typing import Protocol, cast

from exporter.net.listening import origin
from exporter.web.bodies import PIECE
from exporter.web.limits import Limits
from exporter.web.tls import Tls


class State(Enum):
    """What a connection is worth when there are too many."""

    STRANGER = auto()  # none of its requests has passed the middleware yet
    STUCK = auto()  # it does not read its answer
    IDLE = auto()  # it was answered before, as a kept connection of Prometheus
    BUSY = auto()  # it is being answered


class Admission(Protocol):
    """Who decides which connections may stay, and hears of their ends."""

    limits: Limits

    def tls(self) -> Tls | None:
        """What a new connection is to be secured with; None is plain HTTP."""

    def admit(self, connection: "Connection") -> bool:
        """Whether a new connection may stay."""

    def forget(self, connection: "Connection") -> None:
        """It is over."""


class Connection(asyncio.Protocol):
    """From being accepted to its end."""

    def __init__(self, admission: Admission, handler: asyncio.Protocol) -> None:
        self.handler = handler
        self.origin = ""  # none for a Unix socket
        self.is_open = False  # once aiohttp knows of it
        self.answer = b""  # that it has to read
        self.since = 0.0  # when that began, by the clock of the event loop
        self._admission = admission
        self._was_answered = False
        self._busy = False
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None
        self._handshake: asyncio.Task[None] | None = None
        # What TLS brings before we are told that its handshake is over.
        self._early: list[bytes] = []

    @property
    def state(self) -> State:
        if self._stalled:
            return State.STUCK
        if self._busy:
            return State.BUSY
        return State.IDLE if self._was_answered else State.STRANGER

    def expect_request(self, patience: float) -> None:
        """Until its header has come, and it has passed the middleware."""
        self._busy, self.answer = False, b""
        self._drop_after(patience)

    def answer_request(self) -> None:
        """As long as it takes us."""
        self._busy = self._was_answered = True
        self._cancel()

    def send(self, answer: bytes, patience: float) -> None:
        """Until the client has read this."""
        self.answer, self.since = answer, asyncio.get_running_loop().time()
        self._drop_after(patience)

    def _drop_after(self, seconds: float) -> None:
        self._cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self.drop)

    def _cancel(self) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = None

    def drop(self) -> None:
        """Ends it at once: what is unread is thrown away."""
        self._over()
        if self._transport:
            self._transport.abort()

    def _over(self) -> None:
        self._admission.forget(self)
        self._cancel()
        self._reads()
        self.answer = b""
        if self._handshake:
            self._handshake.cancel()

    # ---------------------------------------------------------------- the beginning

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.origin = origin(transport.get_extra_info("peername"))
        with suppress(OSError):  # else the system takes megabytes for a client that does not read
            transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * PIECE
            )
        if not self._admission.admit(self):
            self._transport.abort()
        elif tls := self._admission.tls():
            self._transport.pause_reading()  # every byte is for TLS
            self._handshake = asyncio.get_running_loop().create_task(
                self._tls_handshake(tls, self._transport)
            )
        else:
            self._open(self._transport)

    async def _tls_handshake(self, tls: Tls, transport: asyncio.Transport) -> None:
        limits, secure = self._admission.limits, None
        with suppress(OSError):  # a client that does not want what we want is none of our trouble
            secure = await asyncio.get_running_loop().start_tls(
                transport,
                self,
                tls.context(),
                server_side=True,
                ssl_handshake_timeout=limits.header,
                ssl_shutdown_timeout=limits.goodbye,
            )
        self._handshake = None
        if secure and tls.admits(secure.get_extra_info("peercert")):
            self._open(secure)
        else:  # nothing has come of it, and that may be because the connection is gone
            self.drop()

    def _open(self, transport: asyncio.Transport) -> None:
        self._transport, self.is_open = transport, True
        transport.set_write_buffer_limits(high=PIECE)
        self.handler.connection_made(transport)
        for data in self._early:
            self.handler.data_received(data)
        self._early.clear()

    # ---------------------------------------------------------------- what asyncio calls from then
    # on

    def connection_lost(self, error: Exception | None) -> None:
        self._over()
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
        """The client does not read what we write."""
        self._stalled = asyncio.get_running_loop().call_later(
            self._admission.limits.stalled, self.drop
        )
        self.handler.pause_writing()

    def resume_writing(self) -> None:
        self._reads()
        self.handler.resume_writing()

    def _reads(self) -> None:
        if self._stalled:
            self._stalled.cancel()
        self._stalled = None
