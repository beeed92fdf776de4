"""Checks before a request is handled: its size, the rate limit, its origin, the login."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

from aiohttp import hdrs, web

from exporter.web.basic_auth import CHALLENGE, BasicAuth
from exporter.web.fair_queue import QueueFull
from exporter.web.origin import OriginCheck
from exporter.web.web_config import WebConfig, WebConfigFile

MAX_BODY = 1024  # bytes: enough for the fields of a form or of the API
SERVER = "mailtrip"  # without a version: clients need not know which ones run here

# RFC 9110, section 9.2.1.
_SAFE_METHODS = frozenset({hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS, hdrs.METH_TRACE})

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_HEADERS = web.RequestKey("headers", Mapping[str, str])


class Middleware:
    """Refuses requests with the status codes of Prometheus' exporter-toolkit, in its order. Without
    a web configuration file no login is required.

    `origin_check` decides whether a request is meant for us; `client` returns its client's address,
    empty if unknown.
    """

    def __init__(self, file: WebConfigFile | None = None, login: BasicAuth | None = None) -> None:
        self._file = file
        self._login = login or BasicAuth()
        self.origin_check = OriginCheck()
        self.client: Callable[[web.Request], str] = _unknown_client

    @property
    def config(self) -> WebConfig:
        """The configuration for the next request."""
        return self._file.config if self._file else WebConfig()

    def close(self) -> None:
        self._login.close()

    async def refusal(self, request: web.Request) -> web.Response | None:
        """The response to a request that is refused; None if it may be handled."""
        config = self.config
        request[_HEADERS] = config.headers
        if status := _body_problem(request):
            response = _refusal(status)
            # else what follows were read as the next request, after hours of this one's body
            response.force_close()
            return response
        if config.bucket and not config.bucket.take(asyncio.get_running_loop().time()):
            return _refusal(HTTPStatus.TOO_MANY_REQUESTS)
        if problem := self.origin_check.misdirected(request):
            return web.Response(status=HTTPStatus.MISDIRECTED_REQUEST, text=f"{problem}\n")
        if request.method not in _SAFE_METHODS and (
            stranger := self.origin_check.cross_site(request)
        ):
            return web.Response(
                status=HTTPStatus.FORBIDDEN, text=f"refused: the request came from {stranger}\n"
            )
        try:
            admitted = not config.users or await self._login.admits(
                config.users, request.headers.get("Authorization"), self.client(request)
            )
        except QueueFull:
            return _refusal(HTTPStatus.TOO_MANY_REQUESTS, {"Retry-After": "1"})
        return (
            None if admitted else _refusal(HTTPStatus.UNAUTHORIZED, {"WWW-Authenticate": CHALLENGE})
        )

    async def add_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        """Adds the headers that every response has. What is not said to be kept is not: it may be
        an error that is over soon, or behind a login."""
        response.headers["Server"] = SERVER
        response.headers.setdefault(hdrs.CACHE_CONTROL, "no-store")
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.update(request.get(_HEADERS, {}))


def _unknown_client(request: web.Request) -> str:
    """The address is unknown, as for all clients of a Unix socket."""
    return ""


def _body_problem(request: web.Request) -> HTTPStatus | None:
    """Refuses long bodies: no route needs one, and the length of a chunked one is unknown."""
    if hdrs.TRANSFER_ENCODING in request.headers:
        return HTTPStatus.LENGTH_REQUIRED
    return HTTPStatus.REQUEST_ENTITY_TOO_LARGE if (request.content_length or 0) > MAX_BODY else None


def _refusal(status: HTTPStatus, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(status=status, text=f"{status.phrase}\n", headers=headers)
