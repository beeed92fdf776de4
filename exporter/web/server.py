"""The HTTP server: listens, answers, and stops without cutting a running scrape short."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from exporter.config.types import Listen
from exporter.net.listening import why_not
from exporter.probes import ProbeTable
from exporter.web.guard import LIMITS, Guard, Limits
from exporter.web.routes import MARGIN, Exposition, Routes

log = logging.getLogger(__name__)

MAX_BODY = 1024  # bytes; nobody has anything to tell us
GOODBYE = 3.0  # seconds that a running request gets when we stop
BACKLOG = 512
SERVER = "mailtrip"  # without a version: strangers need not know which ones run here

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
        self._routes = Routes(probes, exposition)
        application.add_routes(self._routes.table())
        application.on_response_prepare.append(_name_nobody)
        # What is cancelled is the waiting only: a trip is a task of its own.
        self._runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=GOODBYE)

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Where it listens, ports that the system chose filled in."""
        return [socket.getsockname()[:2] for server in self._servers for socket in server.sockets]

    async def __aenter__(self) -> "Server":
        await self._runner.setup()
        application = self._runner.server
        assert application is not None  # noqa: S101 - it is there after setup
        loop = asyncio.get_running_loop()
        self._guard = Guard(lambda: _Handler(application, loop=loop, **_HANDLING), self._limits)
        try:
            for listen in self._listen:
                self._servers.append(
                    await loop.create_server(self._guard, listen.host or None, listen.port, backlog=BACKLOG)
                )
        except (OSError, UnicodeError) as error:
            await self.__aexit__()
            raise CannotListen(why_not(listen, error)) from None
        return self

    async def __aexit__(self, *exception: object) -> None:
        """A running scrape may wait a little longer for its trip; then it is answered with what is known."""
        for server in self._servers:
            server.close()
        hurry = asyncio.get_running_loop().call_later(GOODBYE - MARGIN, self._routes.hurry)
        await self._runner.cleanup()
        hurry.cancel()


_HANDLING: dict[str, Any] = {
    "logger": log,
    "access_log": None,
    "keepalive_timeout": 3600,  # the guard is stricter
    "auto_decompress": False,  # nobody has anything to tell us
}


class _Handler(web.RequestHandler):
    """Answers what goes wrong before or behind our routes."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """A client that speaks no HTTP is none of our trouble; a bug of ours goes to the log, and nowhere else."""
        if isinstance(exc, HttpProcessingError):
            response: web.StreamResponse = web.Response(status=status, text="this is no HTTP request\n")
            response.force_close()
        else:
            response = super().handle_error(request, status, exc, message)
        response.headers["Server"] = SERVER
        return response


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


async def _name_nobody(request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Server"] = SERVER
