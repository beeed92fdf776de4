"""Exchange Online as Microsoft describes it in the reference of Microsoft Graph: tokens, sendMail
with MIME, folders, delta queries, single messages, permanent deletion, throttling.

It runs in a thread with a loop of its own, so that no task of it is where tests look for what was
left behind. No tenant was asked: what this service does wrong, Microsoft may do right.
"""

import asyncio
import re
import ssl
import threading
import time
from base64 import b64decode
from binascii import Error
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses
from itertools import count
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl, quote, urlsplit

import trustme
from aiohttp import web

from tests.support.smtp_witness import Received

HOST = "graph.example.test"
TENANT, CLIENT, SECRET = "example.test", "mailtrip-client", "the secret of the client"
SELECTABLE = {
    "subject",
    "from",
    "internetMessageId",
    "receivedDateTime",
    "hasAttachments",
    "bodyPreview",
    "isRead",
    "internetMessageHeaders",
    "inferenceClassification",
}
_SINCE = re.compile(r"receivedDateTime (?:ge|gt) (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)")
_WITH_ID = re.compile(r"internetMessageId eq '(.*)'")
FIELD = "internetMessageId"
_PAGE = re.compile(r"odata\.maxpagesize=(\d+)")
_CHANGED = "only a mark has changed"


@dataclass
class GraphMail:
    """A message in the mailbox."""

    id: str
    folder: str
    raw: bytes
    received: float
    read: bool = False
    flags: str = ""  # of a test
    tab: str = "focused"
    changed: int = 0  # when it came, or was changed, as a number
    created: int = 0

    @property
    def received_at(self) -> str:
        return f"{datetime.fromtimestamp(self.received, UTC):%Y-%m-%dT%H:%M:%SZ}"

    def shown(self, fields: Iterable[str]) -> dict[str, Any]:
        parsed = cast(EmailMessage, message_from_bytes(self.raw, policy=policy.compat32))
        whole: dict[str, Callable[[], Any]] = {
            "subject": lambda: str(parsed["Subject"] or "")[:255],
            "from": lambda: {
                "emailAddress": {"address": getaddresses([str(parsed["From"] or "")])[0][1]}
            },
            "internetMessageId": lambda: str(parsed["Message-ID"] or ""),
            "receivedDateTime": lambda: self.received_at,
            "hasAttachments": lambda: any(
                part.get_content_disposition() == "attachment" for part in parsed.walk()
            ),
            "bodyPreview": lambda: _text_of(parsed)[:255],
            "isRead": lambda: self.read,
            "inferenceClassification": lambda: self.tab,
            "internetMessageHeaders": lambda: [
                {"name": name, "value": str(value)} for name, value in parsed.items()
            ],
        }
        return {"@odata.etag": f'W/"{self.changed}"', "id": self.id} | {
            name: whole[name]() for name in fields
        }


def _text_of(parsed: EmailMessage) -> str:
    for part in parsed.walk():
        if part.get_content_maintype() == "text":
            content = part.get_payload(decode=True)
            return content.decode("utf-8", "replace") if isinstance(content, bytes) else ""
    return ""


@dataclass
class GraphHold:
    """Keeps requests back until the test lets them go."""

    clients: int
    waiting: int = 0
    let_go: threading.Event = field(default_factory=threading.Event)

    async def reached(self) -> None:
        async with asyncio.timeout(20):
            while self.waiting < self.clients:
                await asyncio.sleep(0.005)

    def release(self) -> None:
        self.let_go.set()


@dataclass(frozen=True)
class Says:
    """An answer that is always the same."""

    status: int
    code: str = ""
    message: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    times: float = float("inf")
    body: str = ""

    def response(self, token: str) -> web.Response:
        """`{token}` in the words is what the client has shown."""
        headers = dict(self.headers)
        if not self.code:
            return web.Response(status=self.status, headers=headers, text=self.body)
        return _error(self.status, self.code, self.message.replace("{token}", token), headers)


CUT, CUT_UNREAD, FREEZE, NONSENSE = "cut", "cut before the body is read", "freeze", "nonsense"


def _error(
    status: int, code: str, message: str, headers: dict[str, str] | None = None
) -> web.Response:
    inner = {"request-id": "3d2a41b5", "date": "2026-11-30T12:00:00"}
    body = {"error": {"code": code, "message": message, "innerError": inner}}
    return web.json_response(body, status=status, headers=headers)


class GraphService:
    """One tenant with one mailbox. Call `close` at the end."""

    def __init__(self, directory: Path, user: str = "monitor@lab.test") -> None:
        self.user = user
        self.folders = {"inbox": "INBOX", "junkemail": "Junk", "sentitems": "Sent Items"}
        self.mails: dict[str, GraphMail] = {}
        self.received: list[Received] = []
        self.requests: list[str] = []  # method and path
        self.downloads: list[str] = []  # ids of messages
        self.tokens: list[str] = []
        self.forms: list[dict[str, str]] = []
        self.logins: list[str] = []  # what it was shown beside them
        self.revoked: set[str] = set()
        self.acts: dict[str, Any] = {}  # by operation: Says, CUT, FREEZE, NONSENSE, or a Hold
        self.refuses_tokens = False
        self.national = False  # a cloud that cannot delete for good
        self.ignores_filters = False
        self.largest_page = 1000
        self.copy_after = 0.0  # seconds until the copy of what was sent is in Sent Items
        self.at_once = 0
        self.most_at_once = 0
        self._lock = threading.RLock()
        self._numbers = count(1)
        self._number = 0
        self._generation = 0
        self._removed: list[tuple[int, str, str]] = []
        authority, tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(HOST, "127.0.0.1").configure_cert(tls)
        self.ca_file = str(directory / "graph-ca.pem")
        authority.cert_pem.write_to_path(self.ca_file)
        self.port = 0
        self._started = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._end = asyncio.Event()
        self._thread = threading.Thread(target=self._run, args=[tls], daemon=True)
        self._thread.start()
        assert self._started.wait(20)

    def options(self, **given: Any) -> dict[str, Any]:
        """The options of a mailbox or sender."""
        port, host = given.pop("port", self.port), given.pop("host", "127.0.0.1")
        oauth2 = {
            "token_url": f"https://127.0.0.1:{self.port}/{TENANT}/oauth2/v2.0/token",
            "client_id": CLIENT,
            "client_secret": SECRET,
            "ca_file": self.ca_file,
        }
        base = {"user": self.user, "base_url": f"https://{host}:{port}/v1.0"}
        return {**base, "ca_file": self.ca_file, "oauth2": oauth2, **given}

    def close(self) -> None:
        self.behave()
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(20)
        self._loop.close()

    def cut(self) -> None:
        """Drops all connections, without a word; from now on new ones are refused."""
        asyncio.run_coroutine_threadsafe(self._leave(), self._loop).result(20)

    def mend(self) -> None:
        """Takes connections again."""
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(20)

    def behave(self) -> None:
        """From now on it does what it should."""
        acts, self.acts, self.refuses_tokens = self.acts, {}, False
        for act in acts.values():
            if isinstance(act, GraphHold):
                act.release()

    def store(
        self, raw: bytes, folder: str = "inbox", received: float | None = None, flags: str = ""
    ) -> GraphMail:
        """Delivers a message."""
        with self._lock:
            now = time.time() if received is None else received
            mail = GraphMail(f"AAkALg_{next(self._numbers)}=", folder, raw, now, flags=flags)
            mail.created = mail.changed = self._tick()
            self.mails[mail.id] = mail
            return mail

    def mark(self, mail: GraphMail) -> None:
        """Somebody reads it."""
        with self._lock:
            mail.read, mail.changed = True, self._tick()

    def remove(self, name: str) -> bool:
        with self._lock:
            mail = self.mails.pop(name, None)
            if mail:
                self._removed.append((self._tick(), mail.folder, name))
            return mail is not None

    def forget_states(self) -> None:
        """All delta tokens are too old."""
        self._generation += 1

    def revoke(self) -> None:
        """All tokens are refused from now on."""
        self.revoked.update(self.tokens)

    def _tick(self) -> int:
        self._number += 1
        return self._number

    def _run(self, tls: ssl.SSLContext) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve(tls))

    async def _serve(self, tls: ssl.SSLContext) -> None:
        application = web.Application(client_max_size=1 << 24)
        user = "/v1.0/users/{user}"
        application.router.add_post("/{tenant}/oauth2/v2.0/token", self._issue)
        for method, path, handler in (
            ("POST", "/sendMail", self._send_mail),
            ("GET", "/mailFolders/{folder}", self._folder),
            ("GET", "/mailFolders/{folder}/messages/delta", self._delta),
            ("GET", "/mailFolders/{folder}/messages", self._list),
            ("GET", "/messages/{id}", self._message),
            ("GET", "/messages/{id}/$value", self._value),
            ("POST", "/messages/{id}/permanentDelete", self._delete),
            ("POST", "/messages/{id}/move", self._move),
        ):
            application.router.add_route(method, user + path, self._guarded(handler))
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        self._runner, self._tls = runner, tls
        await self._listen()
        self.port = runner.addresses[0][1]
        self._started.set()
        await self._end.wait()
        await runner.cleanup()

    async def _listen(self) -> None:
        self._site = web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=self._tls)
        await self._site.start()

    async def _leave(self) -> None:
        await self._site.stop()
        for connection in list(cast(web.Server, self._runner.server).connections):
            if connection.transport:
                connection.transport.abort()

    async def _issue(self, request: web.Request) -> web.StreamResponse:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.forms.append(form)
        self.logins += request.headers.getall("Authorization", [])
        if (told := await self._act("token", request)) is not None:
            return told
        if form.get("client_secret") != SECRET or "/.default" not in form.get("scope", ""):
            body = {"error": "invalid_client", "error_description": "AADSTS7000215: no"}
            return web.json_response(body, status=401)
        self.tokens.append(f"eyJ0eXAi.token-number-{next(self._numbers)}.c2lnbmF0dXJl")
        return web.json_response(
            {"token_type": "Bearer", "access_token": self.tokens[-1], "expires_in": 3599}
        )

    def _guarded(self, handler: Any) -> Any:
        """Judges the token, the mailbox and the number of requests; then what a test wants."""
        operation = handler.__name__.lstrip("_")

        async def guarded(request: web.Request) -> web.StreamResponse:
            self.requests.append(f"{request.method} {request.path}")
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            try:
                if self.acts.get(operation) == CUT_UNREAD:
                    cast(asyncio.Transport, request.transport).abort()
                    await asyncio.sleep(0.01)
                await request.read()
                return await self._judged(request, operation, handler)
            finally:
                self.at_once -= 1

        return guarded

    async def _judged(
        self, request: web.Request, operation: str, handler: Any
    ) -> web.StreamResponse:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in self.tokens or token in self.revoked or self.refuses_tokens:
            words = "Lifetime validation failed, the token is expired."
            return _error(401, "InvalidAuthenticationToken", words)
        if operation == "send_mail":
            self._take_in(await request.read())
        if self.at_once > 4:
            words = "Application is over its MailboxConcurrency limit."
            return _error(429, "ApplicationThrottled", words, {"Retry-After": "1"})
        if request.match_info["user"].lower() != self.user.lower():
            words = f"The requested user '{request.match_info['user']}' is invalid."
            return _error(404, "ErrorInvalidUser", words)
        if (told := await self._act(operation, request)) is not None:
            return told
        return await handler(request)  # type: ignore[no-any-return]

    async def _act(self, operation: str, request: web.Request) -> web.StreamResponse | None:
        """What a test wants instead; None if that is nothing."""
        act = self.acts.get(operation) or self.acts.get("all")
        if isinstance(act, Says):
            if act.times <= 1:
                self.acts.pop(operation, None)
            else:
                self.acts[operation] = replace(act, times=act.times - 1)
            return act.response(request.headers.get("Authorization", ""))
        transport = cast(asyncio.Transport, request.transport)
        if isinstance(act, GraphHold):
            act.waiting += 1
            while not act.let_go.is_set() and not transport.is_closing():
                await asyncio.sleep(0.005)
        elif act == CUT:
            transport.abort()
            await asyncio.sleep(0.01)
        elif act == FREEZE:
            while self.acts.get(operation) == FREEZE and not transport.is_closing():
                await asyncio.sleep(0.005)
        elif act == NONSENSE:
            transport.write(b"what was that?\r\n\r\n")
            transport.close()
        return None

    def _take_in(self, body: bytes) -> None:
        """Notes a message that was given to it, whatever it says to that."""
        try:
            raw = b64decode(body, validate=True)
        except (Error, ValueError):
            return
        head, blank, rest = raw.partition(b"\r\n\r\n")
        parsed = message_from_bytes(head + b"\r\n\r\n", policy=policy.compat32)
        fields = [str(value) for name in ("To", "Cc", "Bcc") for value in parsed.get_all(name, [])]
        sender = getaddresses([str(parsed["From"] or self.user)])[0][1]
        kept = re.sub(rb"(?im)^bcc:[^\r\n]*\r\n", b"", head + blank[:2]).removesuffix(b"\r\n")
        people = tuple(dict.fromkeys(address for _, address in getaddresses(fields)))
        self.received.append(Received(sender, people, kept + blank + rest))

    async def _send_mail(self, request: web.Request) -> web.Response:
        if request.content_type != "text/plain":
            return _error(415, "UnsupportedMediaType", "only MIME is supported here")
        try:
            b64decode(await request.read(), validate=True)
        except (Error, ValueError):
            words = "Invalid base64 string for MIME content."
            return _error(400, "ErrorMimeContentInvalidBase64String", words)
        if not self.received[-1].recipients:
            return _error(400, "ErrorInvalidRecipients", "At least one recipient is not valid.")
        raw = self.received[-1].raw
        self._loop.call_later(self.copy_after, self.store, raw, "sentitems")
        return web.Response(status=202, headers={"request-id": "b1946ac9-2f1b"})

    async def _folder(self, request: web.Request) -> web.Response:
        name = request.match_info["folder"]
        if name not in self.folders:
            return _not_found()
        assert _query(request) == {"$select": "displayName,totalItemCount"}
        with self._lock:
            total = sum(mail.folder == name for mail in self.mails.values())
        body = {"id": f"id-of-{name}", "displayName": self.folders[name], "totalItemCount": total}
        return web.json_response(body)

    async def _delta(self, request: web.Request) -> web.Response:
        """A page of changes. State tokens are opaque: everything is in them."""
        folder, query = request.match_info["folder"], _query(request)
        if folder not in self.folders:
            return _not_found()
        state = query.pop("$skiptoken", "") or query.pop("$deltatoken", "")
        if state:
            assert not query, query
            generation, since, last, skip, until, fields = state.split("~")
            if int(generation) != self._generation:
                words = "The sync state generation is not found; synchronize again."
                return _error(410, "SyncStateNotFound", words)
        else:
            assert query.keys() <= {"$select", "$filter"}, query
            match = _SINCE.fullmatch(query.get("$filter", ""))
            since = match[1] if match else ""
            last, skip, until, fields = "0", "0", "", query["$select"]
        assert SELECTABLE.issuperset(fields.split(",")), fields
        with self._lock:
            end = int(until or self._number)
            changes = self._changes(folder, since, int(last), end, fields.split(","))
        size = min(_page_size(request, 10), self.largest_page)
        start = int(skip)
        body: dict[str, Any] = {"value": changes[start : start + size]}
        if start + size < len(changes):
            kind, name = "nextLink", "$skiptoken"
            state = f"{self._generation}~{since}~{last}~{start + size}~{end}~{fields}"
        else:
            kind, name = "deltaLink", "$deltatoken"
            state = f"{self._generation}~{since}~{end}~0~~{fields}"
        token = quote(state, safe="~,:")
        body[f"@odata.{kind}"] = f"{request.url.with_query(None)}?{name}={token}"
        return web.json_response(body)

    def _changes(
        self, folder: str, since: str, last: int, end: int, fields: list[str]
    ) -> list[dict[str, Any]]:
        """Read marks come with three fields and removals, whatever the filter wants, as they do."""
        found: list[tuple[int, dict[str, Any]]] = []
        for mail in self.mails.values():
            if mail.folder != folder or not last < mail.changed <= end:
                continue
            if mail.created > last:
                if mail.received_at >= since:
                    found.append((mail.changed, mail.shown(fields)))
            else:
                found.append((mail.changed, {"id": mail.id, "isRead": mail.read}))
        if last:
            found += [
                (number, {"id": name, "@removed": {"reason": "deleted"}})
                for number, where, name in self._removed
                if where == folder and last < number <= end
            ]
        return [change for _, change in sorted(found, key=lambda one: one[0])]

    async def _list(self, request: web.Request) -> web.Response:
        folder, query = request.match_info["folder"], _query(request)
        if folder not in self.folders:
            return _not_found()
        if match := _WITH_ID.fullmatch(query.get("$filter", "")):
            assert query.keys() == {"$select", "$filter"}
            wanted = match[1].replace("''", "'")
            mails = [mail for mail in self.mails.values() if mail.folder == folder]
            found = [one.shown(query["$select"].split(",")) for one in mails]
            same = [one for one in found if one.get(FIELD) == wanted or self.ignores_filters]
            return web.json_response({"value": same})
        assert query.keys() == {"$select", "$orderby", "$top", *(["$skip"] * ("$skip" in query))}
        assert query["$orderby"] == "receivedDateTime desc"
        size, start = int(query["$top"]), int(query.get("$skip", 0))
        with self._lock:
            mails = [mail for mail in self.mails.values() if mail.folder == folder]
        mails.sort(key=lambda mail: mail.received, reverse=True)
        shown = [mail.shown(query["$select"].split(",")) for mail in mails[start : start + size]]
        body: dict[str, Any] = {"value": shown}
        if start + size < len(mails):
            body["@odata.nextLink"] = str(request.url.update_query({"$skip": start + size}))
        return web.json_response(body)

    async def _message(self, request: web.Request) -> web.Response:
        mail = self.mails.get(request.match_info["id"])
        if not mail:
            return _not_found()
        return web.json_response(mail.shown(_query(request)["$select"].split(",")))

    async def _value(self, request: web.Request) -> web.Response:
        mail = self.mails.get(request.match_info["id"])
        if not mail:
            return _not_found()
        self.downloads.append(mail.id)
        return web.Response(body=mail.raw, content_type="text/plain")

    async def _delete(self, request: web.Request) -> web.Response:
        if self.national:
            words = "Resource not found for the segment 'permanentDelete'."
            return _error(400, "BadRequest", words)
        gone = self.remove(request.match_info["id"])
        return web.Response(status=204) if gone else _not_found()

    async def _move(self, request: web.Request) -> web.Response:
        mail = self.mails.get(request.match_info["id"])
        if not mail:
            return _not_found()
        with self._lock:
            self._removed.append((self._tick(), mail.folder, mail.id))
            mail.folder = (await request.json())["destinationId"]
            mail.created = mail.changed = self._tick()
        return web.json_response({"id": mail.id}, status=201)


def _not_found() -> web.Response:
    words = "The specified object was not found in the store."
    return _error(404, "ErrorItemNotFound", words)


def _query(request: web.Request) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(request.path_qs).query, keep_blank_values=True))


def _page_size(request: web.Request, usual: int) -> int:
    match = _PAGE.search(request.headers.get("Prefer", ""))
    return int(match[1]) if match else usual
