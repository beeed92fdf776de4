"""What every request has to pass before it is answered: its size, the rate limit, the login."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

from aiohttp import hdrs, web

from exporter.web.basic_auth import CHALLENGE, Login
from exporter.web.origin import Provenance
from exporter.web.turns import Busy
from exporter.web.web_config import Rules, WebFile

MAX_BODY = 1024  # bytes; nobody has anything to tell us
SERVER = "mailtrip"  # without a version: strangers need not know which ones run here

# RFC 9110 section 9.2.1.
_LOOKING = frozenset({hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS, hdrs.METH_TRACE})

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_HEADERS = web.RequestKey("headers", Mapping[str, str])


class Gate:
    """Answers with the toolkit's status codes, and in its order. Without a web file everybody is
    let in.

    `provenance` says whether a request is meant for us, `client` who sends it, as far as its
    connection tells.
    """

    def __init__(self, file: WebFile | None = None, login: Login | None = None) -> None:
        self._file = file
        self._login = login or Login()
        self.provenance = Provenance()
        self.client: Callable[[web.Request], str] = _nobody

    @property
    def rules(self) -> Rules:
        """For the next connection or request."""
        return self._file.rules if self._file else Rules()

    def close(self) -> None:
        self._login.close()

    async def refuse(self, request: web.Request) -> web.Response | None:
        """What to say instead of an answer."""
        rules = self.rules
        request[_HEADERS] = rules.headers
        if status := _wrong_body(request):
            refusal = _refusal(status)
            # else what follows were read as the next request, after hours of this one's body
            refusal.force_close()
            return refusal
        if rules.bucket and not rules.bucket.take(asyncio.get_running_loop().time()):
            return _refusal(HTTPStatus.TOO_MANY_REQUESTS)
        if problem := self.provenance.misdirected(request):
            return web.Response(status=HTTPStatus.MISDIRECTED_REQUEST, text=f"{problem}\n")
        if request.method not in _LOOKING and (stranger := self.provenance.foreign(request)):
            return web.Response(
                status=HTTPStatus.FORBIDDEN, text=f"refused: the request comes from {stranger}\n"
            )
        try:
            admitted = not rules.users or await self._login.admits(
                rules.users, request.headers.get("Authorization"), self.client(request)
            )
        except Busy:
            return _refusal(HTTPStatus.TOO_MANY_REQUESTS, {"Retry-After": "1"})
        return (
            None if admitted else _refusal(HTTPStatus.UNAUTHORIZED, {"WWW-Authenticate": CHALLENGE})
        )

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        return await self.refuse(request) or await handler(request)

    async def sign(self, request: web.Request, response: web.StreamResponse) -> None:
        """Headers for every answer."""
        response.headers["Server"] = SERVER
        response.headers.update(request.get(_HEADERS, {}))


def _nobody(request: web.Request) -> str:
    """Nobody can be told from another."""
    return ""


def _wrong_body(request: web.Request) -> HTTPStatus | None:
    """Nobody has anything to tell us: a body is not read, and of one in chunks nobody knows how
    long it becomes."""
    if hdrs.TRANSFER_ENCODING in request.headers:
        return HTTPStatus.LENGTH_REQUIRED
    return HTTPStatus.REQUEST_ENTITY_TOO_LARGE if (request.content_length or 0) > MAX_BODY else None


def _refusal(status: HTTPStatus, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(status=status, text=f"{status.phrase}\n", headers=headers)
