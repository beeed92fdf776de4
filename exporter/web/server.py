"""The HTTP server: listens, answers, and stops without aborting a scrape in progress."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from exporter.config.types import Listen
from exporter.metrics.text import Text
from exporter.web.api.errors import API, in_json
from exporter.web.bodies import PiecewisePayload
from exporter.web.compression import Compression
from exporter.web.connection_limits import ConnectionLimits
from exporter.web.external_url import ExternalUrl
from exporter.web.limits import LIMITS, Limits
from exporter.web.listeners import Listener, listen, remove_socket_file
from exporter.web.middleware import MAX_BODY, SERVER, Handler, Middleware
from exporter.web.origin import OriginCheck
from exporter.web.resources import Resources
from exporter.web.routes import MARGIN, Routes

log = logging.getLogger(__name__)

SHUTDOWN_TIMEOUT = 2.5  # seconds that a running request gets when we stop
NO_EXTERNAL_URL = ExternalUrl()


class Server:
    """Runs inside `async with`. Raises CannotListen. `middleware` refuses requests; the default one
    requires no login."""

    def __init__(
        self,
        resources: Resources,
        listeners: Sequence[Listener],
        limits: Limits = LIMITS,
        middleware: Middleware | None = None,
        external_url: ExternalUrl = NO_EXTERNAL_URL,
    ) -> None:
        self._listeners = listeners
        self._limits = limits
        self._middleware = middleware or Middleware()
        listen = (listener.host for listener in listeners if isinstance(listener, Listen))
        self._middleware.origin_check = OriginCheck(external_url, listen)
        self._naming: asyncio.Task[None] | None = None
        self._prefix = external_url.prefix
        self._connection_limits: ConnectionLimits | None = None
        self._servers: list[asyncio.Server] = []
        # A request that the middleware still checks is not being answered: the client's time limit
        # goes on.
        middlewares = [self._refusing, self._answering]
        application = web.Application(client_max_size=MAX_BODY, middlewares=middlewares)
        cross_site = self._middleware.origin_check.cross_site
        self._routes = Routes(resources, external_url, cross_site, self._client)
        application.add_routes(self._routes.table())
        if resources.api:
            compression = Compression(cross_site)
            application.add_routes(resources.api.table(self._prefix, compression, self._client))
        application.on_response_prepare.append(self._middleware.add_headers)
        # Cancelling a handler cancels its waiting only: a trip is a task of its own.
        self._runner = web.AppRunner(
            application, handler_cancellation=True, shutdown_timeout=SHUTDOWN_TIMEOUT
        )

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Its TCP addresses, with the ports that the system chose."""
        names = (socket.getsockname() for server in self._servers for socket in server.sockets)
        return [name[:2] for name in names if isinstance(name, tuple)]

    async def __aenter__(self) -> "Server":
        await self._runner.setup()
        application = self._runner.server
        assert application is not None  # noqa: S101 - it is there after setup
        loop = asyncio.get_running_loop()
        handlers = partial(_Handler, application, loop=loop, **_HANDLING)
        self._connection_limits = ConnectionLimits(
            handlers, self._limits, lambda: self._middleware.config.tls
        )
        self._middleware.client = self._client
        self._naming = loop.create_task(self._middleware.origin_check.add_own_name())
        try:
            for listener in self._listeners:
                self._servers.append(await listen(listener, self._connection_limits))
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Lets a scrape in progress wait a little longer for its trip; then it returns the known
        values."""
        opened = zip(self._servers, self._listeners, strict=False)
        for server, listener in opened:
            server.close()
            remove_socket_file(listener)
        if self._connection_limits:
            self._connection_limits.close()
        answer_now = asyncio.get_running_loop().call_later(
            SHUTDOWN_TIMEOUT - MARGIN, self._routes.stop_waiting
        )
        await self._runner.cleanup()
        answer_now.cancel()
        if self._naming:
            self._naming.cancel()
        self._middleware.close()

    def _client(self, request: web.Request) -> str:
        return self._connection_limits.client(request.protocol) if self._connection_limits else ""

    @web.middleware
    async def _refusing(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuses requests before they are handled."""
        if refusal := await self._middleware.refusal(request):
            if self._is_of_api(request):
                return in_json(refusal)
            # A reader's browser may be behind a proxy that is not set up yet. All other refusals
            # are cheap: unknown clients cause them.
            if refusal.status == HTTPStatus.FORBIDDEN:
                return await self._routes.for_people(request, refusal)
            return refusal
        return await handler(request)

    @web.middleware
    async def _answering(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Handles a request, and reports its progress to the connection limits."""
        limits, protocol = self._connection_limits, request.protocol
        assert limits is not None  # noqa: S101 - it is there before anybody can connect
        limits.request_started(protocol)
        try:
            response = await self._answer(request, handler)
            if isinstance(response, web.Response):
                if isinstance(response.body, bytes):
                    response.body = PiecewisePayload(Text([response.body]))
                if isinstance(response.body, PiecewisePayload):
                    limits.answer_started(protocol, response.body.whole)
            with suppress(ConnectionError):  # the client is gone
                await response.prepare(request)
                await response.write_eof()
            return response
        finally:
            limits.request_ended(protocol)

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answers a request; errors in the form for its client."""
        try:
            response = await handler(request)
        except (web.HTTPMethodNotAllowed, web.HTTPNotFound) as refusal:
            response = self._of_the_router(refusal)
            if self._is_of_api(request):
                return in_json(response)
        if isinstance(response, web.Response):
            return await self._routes.for_people(request, response)
        return response

    def _of_the_router(self, refusal: web.HTTPException) -> web.Response:
        """Its refusal, which names the start page or the right methods."""
        cure, headers = f"the start page is {self._prefix}/", dict[str, str]()
        if isinstance(refusal, web.HTTPMethodNotAllowed):
            cure = f"use {' or '.join(sorted(refusal.allowed_methods))}"
            headers = {"Allow": refusal.headers["Allow"]}
        text = f"{refusal.status}: {refusal.reason}; {cure}\n"
        return web.Response(status=refusal.status, text=text, headers=headers)

    def _is_of_api(self, request: web.Request) -> bool:
        return request.path.startswith(f"{self._prefix}{API}/")


_HANDLING: dict[str, Any] = {
    "logger": log,
    "access_log": None,
    "keepalive_timeout": 3600,  # ours are stricter
    "lingering_time": 2.0,  # seconds for the rest of a body that is not read
    "auto_decompress": False,  # a short body could become a long one
}


class _Handler(web.RequestHandler):
    """Handles errors outside of our routes."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answers invalid HTTP without logging it; logs a bug without showing it to the client."""
        if isinstance(exc, HttpProcessingError):
            response: web.StreamResponse = web.Response(status=status, text="not an HTTP request\n")
            response.force_close()
        else:
            response = super().handle_error(request, status, exc, message)
        response.headers["Server"] = SERVER
        return response
