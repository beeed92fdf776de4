"""The end of a connection of any protocol: once, for one reason, which every later call raises."""

import asyncio
import os
import ssl
from typing import cast

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.net.redaction import Redaction
from exporter.net.tls.handshake import RefusesOurs, refused_ours


class Connection(asyncio.Protocol):
    """A connection to `server`, the name in errors. Errors contain no secret known to
    `redaction`."""

    transport: asyncio.Transport

    def __init__(self, server: str, redaction: Redaction | None = None) -> None:
        self._server = server
        self.redaction = redaction or Redaction()
        self._waiter: asyncio.Future[None] | None = None
        self._lost: ProbeError | None = None
        self._closed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if isinstance(exc, RefusesOurs) and not self._lost:
            self._lost = refused_ours(self._server, exc)
            self._wake()
        problem = (
            f": {os.strerror(exc.errno).lower()}"
            if isinstance(exc, OSError) and exc.errno and not isinstance(exc, ssl.SSLError)
            else ""
        )
        self._fail(Reason.DISCONNECTED, f"{self._server} cut the connection{problem}")
        self._closed.set()

    @property
    def tls(self) -> ssl.SSLObject | None:
        """The TLS session; None without one."""
        tls: ssl.SSLObject | None = self.transport.get_extra_info("ssl_object")
        return tls

    @property
    def alive(self) -> bool:
        """Whether it has not ended, for example after a mere refusal."""
        return self._lost is None

    def abort(self) -> None:
        """Drops the connection at once. May be called at any time, also twice."""
        self._fail(Reason.DISCONNECTED, f"mailtrip closed the connection to {self._server}")

    async def closed(self) -> None:
        """Waits until the socket is closed."""
        await self._closed.wait()

    def _fail(self, reason: Reason, detail: str) -> None:
        """Makes every call raise this error, once the data received before have been read."""
        if not self._lost:
            self._lost = ProbeError(reason, self._clean(detail))
            self._wake()
        self.transport.abort()

    def _failure(self, reason: Reason, detail: str) -> ProbeError:
        self._fail(reason, detail)
        return ProbeError(reason, self._clean(detail))

    def _clean(self, text: str) -> str:
        """The text without secrets. Some servers repeat the command that they reject."""
        return self.redaction.clean(text)

    def _raise_if_lost(self) -> None:
        if self._lost:
            raise self._lost.at(None, self._lost.step)

    async def _more(self) -> None:
        """Waits for data, or raises the error that ended the connection."""
        self._raise_if_lost()
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter

    def _wake(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)
