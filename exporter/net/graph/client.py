"""One client of Microsoft Graph: it makes one request at a time, with a token.

It follows no redirects, sends the token to one host only, and reads no more than a request allows.
Its time limits are the caller's: a request that is cancelled drops its connection.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar
from urllib.parse import quote, urlsplit

import aiohttp

from exporter.config.graph import GraphOptions
from exporter.config.server import TlsOptions
from exporter.core.phases import Leg
from exporter.core.trace.trace import Trace
from exporter.net.dns.resolver import Resolver
from exporter.net.graph.refusal import error_of, refusal
from exporter.net.graph.request import Answer, Request
from exporter.net.graph.stages import Stages, tracing
from exporter.net.graph.throttle import PATIENCE, Throttle, wanted_pause
from exporter.net.http.body import CHUNK, read_body
from exporter.net.http.connector import Connector
from exporter.net.http.errors import http_errors
from exporter.net.http.proxy import proxy_for
from exporter.net.oauth2 import Account, Token
from exporter.net.redaction import Redaction
from exporter.net.sasl.bearer import get_token
from exporter.net.tls.handshake import client_context, session_fact

MOST_OF_AN_ERROR = 1 << 16
LONGEST_LINK = 1 << 14  # characters
REPEATS = 2  # of a request that is throttled for a short time
HTTPS = 443
T = TypeVar("T")


class GraphClient:
    """Call `close` or `abort` at the end. Every failure is a ProbeError."""

    def __init__(
        self,
        options: GraphOptions,
        account: Account,
        resolver: Resolver,
        trace: Trace,
        leg: Leg,
        throttle: Throttle | None = None,
    ) -> None:
        self.host = options.host
        self.redaction = Redaction()
        self.throttle = throttle or Throttle()
        self._options = options
        self._account = account
        self._resolver = resolver
        self._trace = trace
        self._leg = leg
        self._ending: asyncio.Task[None] | None = None
        self._base = f"{options.base_url}/users/{quote(options.user, safe='@')}"
        self._token: Token | None = None
        self._http: aiohttp.ClientSession | None = None
        self._connector: _Connector | None = None
        self._tls_noted = False

    async def call(
        self, request: Request, read: Callable[[Answer], T], repeats: int = REPEATS
    ) -> T:
        """What `read` makes of the answer, as a part of the step. A refused token is renewed once,
        and a request that is throttled for some seconds is repeated. Raises ProbeError, as `read`
        may."""
        renews = True
        with self.redaction.of_errors():
            while True:
                with self._trace.failing_step(request.step):
                    wait = self.throttle.wait_before(self._trace.now())
                await asyncio.sleep(wait)
                token = await self._valid_token()
                with self._stages(request) as stages:
                    answer = await self._exchange(request, token, stages)
                    again = renews and answer.status == 401
                    if answer.wait is not None:
                        self.throttle.postpone(self._trace.now(), answer.wait)
                        again = repeats > 0 and answer.wait <= PATIENCE
                    if not again:
                        return read(answer)
                if answer.wait is None:
                    self._trace.note("-- token refused; requesting a new one")
                    renews = False
                    self._token = await get_token(self._account, self._trace, token)
                else:
                    repeats -= 1

    def expect(self, answer: Answer, *statuses: int, sending: bool = False) -> Answer:
        """The answer, if it has one of these statuses. Raises ProbeError."""
        if answer.status not in statuses:
            raise refusal(self.host, answer.status, answer.body, sending=sending)
        return answer

    async def close(self) -> None:
        """Ends the connection, if there is one."""
        if self._http:
            self._trace.note("C: connection closed")
            self._end()
        if self._ending:
            await asyncio.wait({self._ending})

    def abort(self) -> None:
        """Drops the connection at once. May be called at any time, also twice."""
        if self._connector:
            self._connector.abort()
        self._end()

    def _end(self) -> None:
        http, self._http = self._http, None
        if http:
            self._ending = asyncio.create_task(
                http.close(), name=f"end of a session at {self.host}"
            )

    def is_ours(self, link: str) -> bool:
        """Whether a URL that Graph gave us leads to the host that we ask: only there may a token
        go."""
        ours, theirs = urlsplit(self._options.base_url), urlsplit(link)
        same = (ours.scheme, ours.netloc.lower()) == (theirs.scheme, theirs.netloc.lower())
        return same and len(link) <= LONGEST_LINK and link.isascii() and link.isprintable()

    async def _valid_token(self) -> Token:
        if not self._token or self._trace.now() >= self._token.good_until:
            self._token = await get_token(self._account, self._trace)
        return self._token

    @contextmanager
    def _stages(self, request: Request) -> Iterator[Stages]:
        """The steps of a request; an error ends the one in progress."""
        place, quiet = self._place, request.quiet
        stages = Stages(self._trace, place, request.step, request.note, quiet=quiet)
        try:
            yield stages
        except BaseException as error:
            stages.end(error)
            raise
        stages.end()

    async def _exchange(self, request: Request, token: Token, stages: Stages) -> Answer:
        self.redaction.learn(token.value)
        # Without the state tokens in the query.
        path = urlsplit(self._url(request)).path.partition("/users/")[2]
        self._trace.note(f"C: {request.method} {path}")
        with http_errors(self.host):
            answer = await self._exchange_now(request, token, stages)
        request.in_doubt(False)
        code, _ = error_of(answer.body) if answer.status >= 400 else ("", "")
        self._trace.note(self.redaction.clean(f"S: {answer.status}{' ' if code else ''}{code}"))
        return answer

    async def _exchange_now(self, request: Request, token: Token, stages: Stages) -> Answer:
        async with self._session().request(
            request.method,
            self._url(request),
            data=_parts(request) if request.content else None,
            ssl=client_context(TlsOptions(ca_file=self._options.ca_file)),
            allow_redirects=False,
            headers=self._headers(request, token),
            proxy=proxy_for(urlsplit(self._options.base_url).hostname or ""),
            trace_request_ctx=stages,
        ) as response:
            limit = request.most if response.status < 300 else MOST_OF_AN_ERROR
            chunks = response.content.iter_chunked(CHUNK)
            cut = False
            if request.cut or response.status >= 300:
                body, cut = await _beginning(chunks, limit)
                if cut:
                    response.close()
            else:
                body = await read_body(chunks, self.host, limit)
            wait = wanted_pause(
                response.status, response.headers.get("Retry-After", ""), self._trace.clock.wall()
            )
            return Answer(response.status, body, response.headers, cut, wait)

    def _url(self, request: Request) -> str:
        return request.path if request.path.startswith("https:") else self._base + request.path

    def _headers(self, request: Request, token: Token) -> dict[str, str]:
        headers = {
            "Authorization": f"Bearer {token.value}",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
        }
        if request.prefer:
            headers["Prefer"] = request.prefer
        if request.content_type:
            headers["Content-Type"] = request.content_type
        if request.content:
            headers["Content-Length"] = str(len(request.content))
        return headers

    def _session(self) -> aiohttp.ClientSession:
        if not self._http:
            self._connector = _Connector(self._resolver, self._connected)
            self._http = aiohttp.ClientSession(
                connector=self._connector,
                timeout=aiohttp.ClientTimeout(total=None),
                trace_configs=[tracing()],
            )
        return self._http

    def _connected(self, transport: asyncio.BaseTransport | None) -> None:
        """Notes the TLS parameters of the first connection."""
        tls = transport.get_extra_info("ssl_object") if transport else None
        if isinstance(tls, ssl.SSLObject) and not self._tls_noted:
            self._tls_noted = True
            fact = session_fact(tls, self._leg, self.host)
            self._trace.fact(fact)
            self._trace.note(f"-- {fact.version} {fact.cipher}")

    @property
    def _place(self) -> str:
        parts = urlsplit(self._options.base_url)
        return f"{parts.hostname or ''}:{parts.port or HTTPS}"


class _Connector(Connector):
    """Reports the connection of each request."""

    def __init__(
        self, resolver: Resolver, connected: Callable[[asyncio.BaseTransport | None], None]
    ) -> None:
        super().__init__(resolver, limit=1)
        self._report = connected

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[aiohttp.tracing.Trace],
        timeout: aiohttp.ClientTimeout,
    ) -> aiohttp.connector.Connection:
        connection = await super().connect(req, traces, timeout)
        self._report(connection.transport)
        return connection


async def _parts(request: Request) -> AsyncIterator[bytes]:
    for start in range(0, len(request.content), CHUNK):
        yield request.content[start : start + CHUNK]
    request.in_doubt(True)


async def _beginning(chunks: AsyncIterator[bytes], most: int) -> tuple[bytes, bool]:
    """At most so many bytes, and whether there are more."""
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > most:
            return bytes(body[:most]), True
    return bytes(body), False
