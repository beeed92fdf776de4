"""The HTTP server: listens, answers, and stops without cutting a running scrape short."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from exporter.config.types import Listen
from exporter.probes import ProbeTable
from exporter.web.guard import LIMITS, Guard, Limits
from exporter.web.routes import Exposition, Routes

log = logging.getLogger(__name__)

MAX_BODY = 1024  # bytes; nobody has anything to tell us
GOODBYE = 3.0  # seconds that a running request gets when we stop
BACKLOG = 512

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class CannotListen(Exception):
    """An address that cannot be listened on. The message names it."""


class Server:
    """Runs inside `async with`. Raises CannotListen."""

    def __init__(
        self, probes: ProbeTable, exposition: Exposition, listen: Sequence[Listen], limits: Limits = LIMITS
    ) -> None:
        self._listen = listen
        self._limits = limits
        self._guard: Guard | None = None
        self._servers: list[asyncio.Server] = []
        application = web.Application(client_max_size=MAX_BODY, middlewares=[_telling(lambda: self._guard)])
        application.add_routes(Routes(probes, exposition).table())
        application.on_response_prepare.append(_name_nobody)
        self._runner = web.AppRunner(
            application,
            access_log=None,
            logger=log,
            handler_cancellation=True,  # of the waiting only: a trip is a task of its own
            shutdown_timeout=GOODBYE,
            keepalive_timeout=3600,  # the guard is stricter
        )

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Where it listens, ports that the system chose filled in."""
        return [socket.getsockname()[:2] for server in self._servers for socket in server.sockets]

    async def __aenter__(self) -> "Server":
        await self._runner.setup()
        make_handler = self._runner.server
        assert make_handler is not None  # noqa: S101 - it is there after setup
        self._guard = Guard(make_handler, self._limits)
        loop = asyncio.get_running_loop()
        try:
            for listen in self._listen:
                self._servers.append(
                    await loop.create_server(self._guard, listen.host or None, listen.port, backlog=BACKLOG)
                )
        except OSError as error:
            await self.__aexit__()
            problem = os.strerror(error.errno).lower() if error.errno and error.errno > 0 else str(error)
            raise CannotListen(f"cannot listen on {listen}: {problem}") from None
        return self

    async def __aexit__(self, *exception: object) -> None:
        for server in self._servers:
            server.close()
        await self._runner.cleanup()


def _telling(guard: Callable[[], Guard | None]) -> Any:
    """A middleware that tells the guard that a request is being answered, not awaited."""

    @web.middleware
    async def watch(request: web.Request, handler: Handler) -> web.StreamResponse:
        transport, at_the_door = request.transport, guard()
        if at_the_door is None:
            return await handler(request)
        at_the_door.request_begins(transport)
        try:
            return await handler(request)
        finally:
            at_the_door.request_ends(transport)

    return watch


def _our_own(record: logging.LogRecord) -> bool:
    """A client that speaks no HTTP is answered 400, and is none of our trouble."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError)


log.addFilter(_our_own)


async def _name_nobody(request: web.Request, response: web.StreamResponse) -> None:
    """Strangers need not know which versions run here."""
    response.headers["Server"] = "mailtrip"
