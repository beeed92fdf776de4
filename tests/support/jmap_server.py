"""A JMAP server in this process, by RFC 8620 and RFC 8621: mail, submission and events, and
misbehaviour on demand.

What Debian's Cyrus does not do is tested with it: events, errors, limits, other hosts.
"""

import asyncio
import json
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha1
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import trustme
from aiohttp import web

from tests.support.smtp_witness import Received

NAME = "jmap.example.test"
USER, PASSWORD, ACCOUNT = "probe", "the password of the probe", "a1"
CORE, MAIL, SUBMISSION = (f"urn:ietf:params:jmap:{name}" for name in ("core", "mail", "submission"))
PLACES = {"inbox": "p1", "junk": "p2", "drafts": "p3", "sent": "p4"}
Answer = dict[str, Any]


@dataclass
class Stored:
    """A message that is there."""

    raw: bytes
    places: set[str]
    keywords: set[str] = field(default_factory=set)
    odd_blob: str = ""  # the id of its blob, if it is not the usual one

    @property
    def blob(self) -> str:
        return self.odd_blob or f"b{sha1(self.raw).hexdigest()}"

    def shown(self, name: str) -> Answer:
        head = self.raw.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
        fields = [line.partition(":") for line in head if line]
        return {
            "id": name,
            "blobId": self.blob,
            "mailboxIds": dict.fromkeys(self.places, True),
            "keywords": dict.fromkeys(self.keywords, True),
            "size": len(self.raw),
            "headers": [{"name": name, "value": value} for name, _, value in fields],
        }


class JmapAct(Protocol):
    """What the server does at a stage instead of answering well."""

    async def on(self, request: web.Request) -> web.StreamResponse | None:
        """None if the good answer follows."""


class JmapCut:
    async def on(self, request: web.Request) -> web.StreamResponse | None:
        assert request.transport
        request.transport.abort()
        return None


class JmapFreeze:
    async def on(self, request: web.Request) -> web.StreamResponse | None:
        await asyncio.Event().wait()
        return None


@dataclass(frozen=True)
class JmapReply:
    """Another answer."""

    status: int
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()

    async def on(self, request: web.Request) -> web.StreamResponse | None:
        return web.Response(status=self.status, text=self.body, headers=dict(self.headers))


@dataclass(frozen=True)
class Fails:
    """The method fails with this error, or the object of it is not made."""

    kind: str
    description: str = ""
    of_object: bool = False

    async def on(self, request: web.Request) -> web.StreamResponse | None:
        call = (await request.json())["methodCalls"][0]
        error = {"type": self.kind}
        if self.description:
            error["description"] = self.description
        name, answer = "error", dict[str, Any](error)
        if self.of_object:
            created = call[1].get("create") or call[1].get("emails")
            name, answer = call[0], {"notCreated": dict.fromkeys(created, error), "created": None}
        return _answered([[name, answer, call[2]]])


class JmapWait:
    """Waits in the middle until the test lets go."""

    def __init__(self, clients: int = 1) -> None:
        self._missing = clients
        self._reached, self._released = asyncio.Event(), asyncio.Event()

    async def on(self, request: web.Request) -> web.StreamResponse | None:
        self._missing -= 1
        if self._missing <= 0:
            self._reached.set()
        await self._released.wait()
        return None

    async def reached(self) -> None:
        await self._reached.wait()

    def release(self) -> None:
        self._released.set()


def _answered(responses: list[list[Any]], state: str = "s1") -> web.Response:
    return web.json_response({"methodResponses": responses, "sessionState": state})


class JmapServer:
    """The levers, and what is there. `acts` are by stage: `session`, `upload`, `download`, `events`
    or the name of a method."""

    def __init__(self) -> None:
        self.url = ""
        self.port = 0
        self.ca = ""
        self.acts: dict[str, JmapAct] = {}
        self.stored: dict[str, Stored] = {}
        self.received: list[Received] = []
        self.requests: list[web.Request] = []
        self.calls: list[tuple[str, Answer]] = []
        self.authorizations = {f"Basic {b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"}
        self.session: Answer = {}  # what is different in the session resource
        self.limits: Answer = {}  # the same, of its limits
        self.session_state = "s1"
        self.forgets = False  # it cannot calculate changes
        self.offers_events = True
        self.identities = [{"id": "i1", "email": "probe@lab.test"}]
        self.places: list[Answer] = [
            {"id": one, "name": role.capitalize(), "role": role} for role, one in PLACES.items()
        ]
        self.streams = 0  # of events that are open
        self.runner: web.AppRunner
        self._blobs: dict[str, bytes] = {}
        self._log: list[tuple[str, str]] = []  # what happened to which message
        self._changed = asyncio.Condition()
        self._number = 0

    @property
    def clients(self) -> int:
        """The connections that are open."""
        return len(self.runner.server.connections) if self.runner.server else 0

    @property
    def state(self) -> str:
        return str(len(self._log))

    def options(self, **more: Any) -> Answer:
        login = {"username": USER, "password": PASSWORD}
        return {"url": self.url, "ca_file": self.ca, **login, **more}

    async def put(self, raw: bytes, role: str = "inbox") -> str:
        """A message arrives."""
        self._number += 1
        name = f"m{self._number}"
        self.stored[name] = Stored(raw, {PLACES[role]})
        await self._happened("created", name)
        return name

    async def fill(self, messages: Iterable[bytes]) -> None:
        """Many messages, before anybody looks."""
        for raw in messages:
            self._number += 1
            self.stored[f"m{self._number}"] = Stored(raw, {PLACES["inbox"]})
        await self._happened("filled", "")

    async def move(self, name: str, role: str) -> None:
        self.stored[name].places = {PLACES[role]}
        await self._happened("updated", name)

    async def lose(self, name: str) -> None:
        del self.stored[name]
        await self._happened("destroyed", name)

    async def _happened(self, what: str, name: str) -> None:
        async with self._changed:
            self._log.append((what, name))
            self._changed.notify_all()

    def application(self) -> web.Application:
        application = web.Application(client_max_size=1 << 24)
        router = application.router
        router.add_get("/.well-known/jmap", self._moved)
        router.add_get("/session", self._session)
        router.add_post("/api", self._api)
        router.add_post("/upload/{account}", self._upload)
        router.add_get("/download/{account}/{blob}/{name}", self._download)
        router.add_get("/events", self._events)
        return application

    async def _judged(self, request: web.Request, stage: str) -> web.StreamResponse | None:
        """What it answers instead."""
        self.requests.append(request)
        if (act := self.acts.get(stage)) and (answer := await act.on(request)) is not None:
            return answer
        if request.headers.get("Authorization") not in self.authorizations:
            problem = {"type": "about:blank", "status": 401, "detail": "who are you?"}
            return web.json_response(problem, status=401, content_type="application/problem+json")
        return None

    async def _moved(self, request: web.Request) -> web.StreamResponse:
        return await self._judged(request, "well-known") or web.Response(
            status=301, headers={"Location": "/session"}
        )

    async def _session(self, request: web.Request) -> web.StreamResponse:
        if answer := await self._judged(request, "session"):
            return answer
        limits = {"maxSizeUpload": 1 << 23, "maxObjectsInGet": 100, "maxCallsInRequest": 16}
        known = {
            "capabilities": {CORE: limits | self.limits, MAIL: {}, SUBMISSION: {}},
            "accounts": {
                ACCOUNT: {"name": USER, "accountCapabilities": {MAIL: {}, SUBMISSION: {}}}
            },
            "primaryAccounts": {MAIL: ACCOUNT, SUBMISSION: ACCOUNT},
            "username": USER,
            "apiUrl": "/api",
            "uploadUrl": "/upload/{accountId}",
            "downloadUrl": "/download/{accountId}/{blobId}/{name}?accept={type}",
            "eventSourceUrl": "/events?types={types}&closeafter={closeafter}&ping={ping}",
            "state": self.session_state,
        }
        return web.json_response(known | self.session)

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        if answer := await self._judged(request, "upload"):
            return answer
        raw = await request.read()
        blob = f"b{sha1(raw).hexdigest()}"
        self._blobs[blob] = raw
        return web.json_response({"accountId": ACCOUNT, "blobId": blob}, status=201)

    async def _download(self, request: web.Request) -> web.StreamResponse:
        if answer := await self._judged(request, "download"):
            return answer
        for one in self.stored.values():
            if one.blob == request.match_info["blob"]:
                return web.Response(body=one.raw, content_type="message/rfc822")
        return web.Response(status=404)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        if answer := await self._judged(request, "events"):
            return answer
        if not self.offers_events:
            return web.Response(status=204)
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        told = self.state
        self.streams += 1
        try:
            while True:
                async with self._changed:
                    while self.state == told:
                        await self._changed.wait()
                told = self.state
                changed = {ACCOUNT: {"Email": told}}
                data = json.dumps({"@type": "StateChange", "changed": changed})
                await stream.write(f"event: state\ndata: {data}\n\n".encode())
        finally:
            self.streams -= 1

    async def _api(self, request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        for method, _, _ in asked["methodCalls"]:
            if answer := await self._judged(request, method):
                return answer
        responses = []
        for method, arguments, number in asked["methodCalls"]:
            self.calls.append((method, arguments))
            answers = await self._methods[method](arguments)
            responses += [[name, found, number] for name, found in answers]
        return _answered(responses, self.session_state)

    @property
    def _methods(self) -> dict[str, Callable[[Answer], Any]]:
        return {
            "Mailbox/get": self._get_places,
            "Identity/get": self._get_identities,
            "Email/get": self._get,
            "Email/query": self._query,
            "Email/changes": self._changes,
            "Email/set": self._destroy,
            "Email/import": self._import,
            "EmailSubmission/set": self._submit,
        }

    async def _get_places(self, asked: Answer) -> list[tuple[str, Answer]]:
        wanted = asked["ids"]
        found = [
            {**one, "totalEmails": sum(one["id"] in mail.places for mail in self.stored.values())}
            for one in self.places
            if wanted is None or one["id"] in wanted
        ]
        return [("Mailbox/get", {"list": found, "state": "1", "notFound": []})]

    async def _get_identities(self, asked: Answer) -> list[tuple[str, Answer]]:
        return [("Identity/get", {"list": self.identities, "state": "1", "notFound": []})]

    async def _get(self, asked: Answer) -> list[tuple[str, Answer]]:
        if len(asked["ids"]) > self.limits.get("maxObjectsInGet", 100):
            return [("error", {"type": "requestTooLarge"})]
        wanted = asked.get("properties", [])
        found = [
            {name: value for name, value in self.stored[one].shown(one).items() if name in wanted}
            for one in asked["ids"]
            if one in self.stored
        ]
        return [("Email/get", {"list": found, "state": self.state, "notFound": []})]

    async def _query(self, asked: Answer) -> list[tuple[str, Answer]]:
        place, start = asked["filter"]["inMailbox"], asked["position"]
        ids = [name for name, one in self.stored.items() if place in one.places][::-1]
        page = min(asked["limit"], 100)
        found = {"ids": ids[start : start + page], "position": start, "queryState": self.state}
        return [("Email/query", found | ({"limit": page} if page != asked["limit"] else {}))]

    async def _changes(self, asked: Answer) -> list[tuple[str, Answer]]:
        if self.forgets:
            return [("error", {"type": "cannotCalculateChanges"})]
        since, most = int(asked["sinceState"]), asked["maxChanges"]
        some = self._log[since : since + most]
        found: Answer = {
            kind: [name for what, name in some if what == kind]
            for kind in ("created", "updated", "destroyed")
        }
        new = since + len(some)
        more = new < len(self._log)
        found |= {"oldState": str(since), "newState": str(new), "hasMoreChanges": more}
        return [("Email/changes", found)]

    async def _destroy(self, asked: Answer) -> list[tuple[str, Answer]]:
        refused: Answer = {}
        for name in asked["destroy"]:
            if name in self.stored:
                await self.lose(name)
            else:
                refused[name] = {"type": "notFound"}
        gone = [name for name in asked["destroy"] if name not in refused]
        return [("Email/set", {"destroyed": gone, "notDestroyed": refused or None})]

    async def _import(self, asked: Answer) -> list[tuple[str, Answer]]:
        created = {}
        for key, one in asked["emails"].items():
            name = await self.put(self._blobs[one["blobId"]], "drafts")
            self.stored[name].places = set(one["mailboxIds"])
            self.stored[name].keywords = set(one["keywords"])
            created[key] = {"id": name}
        return [("Email/import", {"created": created, "notCreated": None})]

    async def _submit(self, asked: Answer) -> list[tuple[str, Answer]]:
        ((key, one),) = asked["create"].items()
        envelope, name = one["envelope"], one["emailId"]
        recipients = tuple(rcpt["email"] for rcpt in envelope["rcptTo"])
        raw = self.stored[name].raw
        self.received.append(Received(envelope["mailFrom"]["email"], recipients, raw))
        created = {"created": {key: {"id": "S1", "undoStatus": "final"}}, "notCreated": None}
        answers: list[tuple[str, Answer]] = [("EmailSubmission/set", created)]
        if asked.get("onSuccessDestroyEmail") == [f"#{key}"]:
            answers += await self._destroy({"destroy": [name]})
        return answers


@asynccontextmanager
async def jmap_server(folder: Path) -> AsyncIterator[JmapServer]:
    """It runs on 127.0.0.1, with a certificate for `NAME` and that address."""
    server, authority = JmapServer(), trustme.CA()
    server.ca = str(folder / "jmap-ca.pem")
    authority.cert_pem.write_to_path(server.ca)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(NAME, "127.0.0.1").configure_cert(tls)
    runner = web.AppRunner(
        server.application(), shutdown_timeout=0.1, handler_cancellation=True, access_log=None
    )
    server.runner = runner
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        server.port = runner.addresses[0][1]
        server.url = f"https://127.0.0.1:{server.port}"
        yield server
    finally:
        await runner.cleanup()


def path_of(request: web.Request) -> str:
    return urlsplit(str(request.url)).path
