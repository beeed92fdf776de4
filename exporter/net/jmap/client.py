"""A session with a JMAP server (RFC 8620): requests with method calls, uploads and downloads."""

import asyncio
import json
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from typing import Any, TypeVar
from urllib.parse import urlsplit

import aiohttp

from exporter.config.jmap import JmapServerOptions
from exporter.core.model import ProbeError
from exporter.core.one_line import one_line
from exporter.core.phases import Leg
from exporter.core.reasons import Reason
from exporter.core.trace.trace import Trace
from exporter.net.dns.resolver import Resolver
from exporter.net.encodings import to_bytes
from exporter.net.exceptions import map_secrets
from exporter.net.http.body import CHUNK
from exporter.net.http.errors import http_errors
from exporter.net.http.json_body import TooManyValues, decoded
from exporter.net.jmap.call import Call
from exporter.net.jmap.connector import JmapConnector
from exporter.net.jmap.errors import TooMuch, of_method, of_status
from exporter.net.jmap.resource import CORE, MAIL, Resource, read_resource, resolved
from exporter.net.jmap.stream import EventStream
from exporter.net.oauth2 import Account, Token
from exporter.net.sasl.bearer import get_token
from exporter.net.sasl.conversation import NoLoginSent
from exporter.net.sasl.credentials import Credentials

MAX_ANSWER = 1 << 20  # bytes
MAX_REDIRECTS = 5
IDLE = 1.0  # seconds after which a server may close a connection
PING = 30  # seconds between two signs of life on a stream of events

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Request:
    """A request by HTTP."""

    method: str
    url: str
    what: str  # it is, for people
    shown: str = ""  # the same in the transcript, if more can be said there
    data: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    most: int = MAX_ANSWER  # bytes that are read of the answer
    cut: bool = False  # whether a longer answer is cut, and no error
    safe: bool = True  # whether it may be sent twice


@dataclass(frozen=True, slots=True)
class Exchange:
    """An answer by HTTP."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class JmapClient:
    """Call `connect` and `log_in` first. One caller at a time, except for a stream of events.

    `wanted` is the capability that our account must have. Errors are ProbeErrors without secrets.
    """

    resource: Resource
    """From `log_in` on."""

    def __init__(
        self,
        options: JmapServerOptions,
        resolver: Resolver,
        trace: Trace,
        leg: Leg,
        account: Account | None,
        wanted: str = MAIL,
    ) -> None:
        self.host = options.host
        self._options = options
        self._trace = trace
        self._wanted = wanted
        self._account = account
        self._token: Token | None = None
        self._secret = options.token or options.password
        self._credentials = Credentials(options.username or "", self._secret)
        self.redaction = self._credentials.redaction
        self._connector = JmapConnector(options, resolver, trace, leg)
        self._http = aiohttp.ClientSession(
            connector=self._connector,
            timeout=aiohttp.ClientTimeout(total=None),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            headers={"Accept-Encoding": "identity"},
            middlewares=[self._once],
        )
        self._heard_at = trace.now()
        self._heard_state = ""  # of the session resource, as the newest answer tells it
        self._closing: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Gets a token, if one is needed, and connects: each is a step of its own."""
        if self._account:
            self._learn(await get_token(self._account, self._trace))
        await self._connector.prepare()
        self._heard_at = self._trace.now()

    async def log_in(self) -> None:
        """Gets the session resource, with our credentials."""
        await self._guarded(self._get_resource)

    async def call(self, call: Call, *, safe: bool = True) -> dict[str, Any]:
        """The answer to one method call. One that is `safe` may be sent again if the server has
        closed a connection that was idle."""
        return (await self.calls([call], safe=safe))[0]

    async def calls(self, calls: Sequence[Call], *, safe: bool = True) -> list[dict[str, Any]]:
        """The answers to some calls that do not refer to each other: in one request, or in as many
        as the server wants."""
        return [answers[0] for answers in await self.all_answers(calls, safe=safe)]

    async def all_answers(
        self, calls: Sequence[Call], *, safe: bool = True
    ) -> list[list[dict[str, Any]]]:
        """The same, for each call with the answers to calls that the server has made itself."""
        answers: list[list[dict[str, Any]]] = []
        if self._heard_state != self.resource.state:
            self._trace.note("-- the session has changed")
            await self._guarded(self._get_resource)
        most = self.resource.limits.max_calls_in_request
        for start in range(0, len(calls), most):
            some = calls[start : start + most]
            answers += await self._guarded(partial(self._post, some, safe))
        return answers

    async def upload(self, raw: bytes) -> str:
        """Uploads a message, and returns the id of the blob."""
        limit = self.resource.limits.max_size_upload
        if len(raw) > limit:
            raise ProbeError(
                Reason.REJECTED,
                f"{self.host} takes uploads of up to {limit} bytes; the message has {len(raw)}",
                code="maxSizeUpload",
            )
        return await self._guarded(partial(self._upload, raw))

    async def download(self, blob: str, most: int) -> bytes | None:
        """The first bytes of a blob, at most so many; None if there is no such blob."""
        return await self._guarded(partial(self._download, blob, most))

    async def stream(self) -> EventStream | None:
        """A stream of events about messages (section 7.3); None if the server offers none."""
        return await self._guarded(self._stream)

    async def close(self) -> None:
        """There is no logout. Never raises ProbeError."""
        await self._http.close()

    def abort(self) -> None:
        """Drops the connections at once. May be called at any time, also twice."""
        self._connector.abort()
        if not self._http.closed and not self._closing:
            self._closing = asyncio.get_running_loop().create_task(self._http.close())

    async def _guarded(self, act: Callable[[], Awaitable[Result]]) -> Result:
        """Translates errors and hides secrets in them. A token that is refused is renewed once: it
        may have been revoked."""
        with self.redaction.of_errors():
            try:
                return await act()
            except ProbeError as refusal:
                if not self._account or refusal.code != "401" or not self._token:
                    raise
                self._trace.note("-- token refused; requesting a new one")
                try:
                    newer = await get_token(self._account, self._trace, self._token)
                except ProbeError as error:
                    detail = f"{refusal.detail}; and {error.detail}"
                    raise ProbeError(error.reason, detail, code=error.code) from error
            self._learn(newer)
            return await act()

    def _learn(self, token: Token) -> None:
        self._token = token
        self.redaction.learn(token.value)

    async def _authorization(self) -> str:
        if self._account:
            self._learn(await self._account.token())  # from memory, or a newer one
            return f"Bearer {self._token.value if self._token else ''}"
        with map_secrets():
            secret = self._credentials.reveal()
        if self._options.token:
            if not secret.isascii() or not secret.isprintable():
                problem = "the token contains a character that HTTP cannot send"
                raise ProbeError(Reason.AUTH, problem) from NoLoginSent()
            return f"Bearer {secret}"
        # RFC 7617, in UTF-8.
        login = b64encode(to_bytes(f"{self._options.username}:{secret}")).decode()
        self.redaction.learn_word(login)
        return f"Basic {login}"

    async def _get_resource(self) -> None:
        url = self._options.resource
        for _ in range(MAX_REDIRECTS + 1):
            what = f"GET {urlsplit(url).path or '/'}"
            answer = await self._request(Request("GET", url, what))
            if answer.status not in (301, 302, 303, 307, 308):
                break
            target = answer.headers.get("Location", "")
            url = resolved(url, target, self._options.hosts, f"the redirect of {what}")
        if answer.status != 200:
            raise self._refusal(what, answer)
        found = self._decoded(answer.body)
        self.resource = read_resource(found, url, self._options.hosts, self._wanted)
        self._heard_state = self.resource.state
        self.redaction.logged_in()

    async def _post(self, calls: Sequence[Call], safe: bool) -> list[list[dict[str, Any]]]:
        account = self.resource.account
        body = {
            "using": [CORE, MAIL, *({self._wanted} - {MAIL})],
            "methodCalls": [
                [call.method, {"accountId": account, **call.arguments}, str(number)]
                for number, call in enumerate(calls)
            ],
        }
        what = ", ".join(call.method for call in calls)
        shown = "; ".join(f"{call.method} {call.shown}".rstrip() for call in calls)
        answer = await self._request(
            Request(
                "POST",
                self.resource.api_url,
                what,
                shown,
                json.dumps(body).encode(),
                {"Content-Type": "application/json", "Accept": "application/json"},
                safe=safe,
            )
        )
        if answer.status != 200:
            raise self._refusal(what, answer)
        found = self._decoded(answer.body)
        responses = found.get("methodResponses") if isinstance(found, dict) else None
        if not isinstance(responses, list):
            raise ProbeError(Reason.PROTOCOL, f"{self.host} sent no answer of JMAP to {what}")
        if isinstance(state := found.get("sessionState"), str):
            self._heard_state = state[:1000]
        return [
            self._answers(call, [one for one in responses if _is_to(one, str(number))])
            for number, call in enumerate(calls)
        ]

    def _answers(self, call: Call, responses: list[Any]) -> list[dict[str, Any]]:
        if not responses:
            raise ProbeError(Reason.PROTOCOL, f"{self.host} did not answer {call.method}")
        name, first, _ = responses[0]
        if name == "error":
            raise of_method(self.host, call.method, first)
        if name != call.method:
            name = one_line(str(name), 80)
            raise ProbeError(Reason.PROTOCOL, f"{self.host} answered {call.method} with {name}")
        return [arguments for _, arguments, _ in responses]

    async def _upload(self, raw: bytes) -> str:
        answer = await self._request(
            Request(
                "POST",
                self.resource.upload(),
                "the upload",
                f"upload {{{len(raw)} bytes}}",
                raw,
                {"Content-Type": "message/rfc822", "Accept": "application/json"},
            )
        )
        if answer.status not in (200, 201):
            raise self._refusal("the upload", answer)
        found = self._decoded(answer.body)
        blob = found.get("blobId") if isinstance(found, dict) else None
        if not isinstance(blob, str) or not blob:
            raise ProbeError(Reason.PROTOCOL, f"{self.host} gave the upload no blobId")
        return blob

    async def _download(self, blob: str, most: int) -> bytes | None:
        answer = await self._request(
            Request(
                "GET",
                self.resource.download(blob),
                "the download of a message",
                "download",
                most=most,
                cut=True,
            )
        )
        if answer.status == 404:
            return None
        if answer.status not in (200, 206):
            raise self._refusal("the download of a message", answer)
        return answer.body

    async def _stream(self) -> EventStream | None:
        if not self.resource.event_source_url:
            return None
        self._trace.note("C: events")
        with http_errors(self.host):
            response = await self._http.get(
                self.resource.events("Email", PING),
                headers={
                    "Authorization": await self._authorization(),
                    "Accept": "text/event-stream",
                },
                allow_redirects=False,
            )
        # 204: there are none, now or later (WHATWG HTML section 9.2.4); Cyrus without WebSocket.
        is_stream = response.status == 200 and response.content_type == "text/event-stream"
        self._trace.note(f"S: {response.status}{'' if is_stream else ', no stream of events'}")
        if not is_stream:
            response.release()
            return None
        return EventStream(response, self.host, self.resource.account)

    async def _once(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Translates errors before aiohttp sees them, which would repeat any GET."""
        with http_errors(self.host):
            return await handler(request)

    async def _request(self, request: Request) -> Exchange:
        headers = {"Authorization": await self._authorization(), **request.headers}
        self._trace.note(f"C: {request.shown or request.what}")
        was_idle = self._trace.now() - self._heard_at > IDLE

        async def attempt() -> Exchange:
            # Not as bytes: aiohttp writes those at once.
            data = BytesIO(request.data) if request.data is not None else None
            async with self._http.request(
                request.method, request.url, data=data, headers=headers, allow_redirects=False
            ) as response:
                body = bytearray()
                async for chunk in response.content.iter_chunked(CHUNK):
                    body += chunk
                    if len(body) > request.most:
                        response.close()
                        if request.cut:
                            break
                        most = f"{request.most >> 10} KiB to {request.what}"
                        raise TooMuch(Reason.PROTOCOL, f"{self.host} sent more than {most}")
                self._trace.note(f"S: {response.status}")
                self._heard_at = self._trace.now()
                return Exchange(response.status, response.headers, bytes(body[: request.most]))

        with http_errors(self.host):
            try:
                return await attempt()
            except ProbeError as error:
                if error.reason is not Reason.DISCONNECTED or not request.safe or not was_idle:
                    raise
                self._trace.note("-- the server has closed the connection; connecting again")
            return await attempt()

    def _decoded(self, body: bytes) -> Any:
        try:
            return decoded(body)
        except TooManyValues as error:
            raise TooMuch(Reason.PROTOCOL, f"{self.host} sent {error}") from None
        except ValueError:
            raise ProbeError(Reason.PROTOCOL, f"{self.host} sent no JSON") from None

    def _refusal(self, what: str, answer: Exchange) -> ProbeError:
        try:
            found = decoded(answer.body)
        except ValueError:
            found = None
        now = self._trace.clock.wall()
        return of_status(self.host, what, answer.status, answer.headers, found, now)


def _is_to(response: Any, number: str) -> bool:
    """Whether this is an answer to the call with this number."""
    return (
        isinstance(response, list)
        and len(response) == 3
        and isinstance(response[1], dict)
        and response[2] == number
    )
