"""What a careful person writes with aiosmtplib and aioimaplib, or with a Maildir: send, find,
delete.

It is what mailtrip's trips are compared with. It keeps nothing on the disk, records nothing and
judges nothing. As in mailtrip, each trip connects to the SMTP server, and all trips share one IMAP
session.
"""

import asyncio
import os
import re
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import aiosmtplib
from aioimaplib import IMAP4, IMAP4_SSL

PAUSE = 0.08  # seconds between two looks into a Maildir; mailtrip's for a fresh message
PATIENCE = 60.0  # seconds for a trip
QUIET = 1.0  # seconds without an announcement after which an IMAP folder is looked into
TEXT = "This is a test message, which is deleted on arrival by the program that sent it.\n" * 7
"""So that the whole message is about as long as mailtrip's."""

_UID = re.compile(rb"\bUID (\d+)")

Awaited = dict[str, "asyncio.Future[None]"]
"""The trips in progress: each is done when its message was found and deleted."""


@dataclass(frozen=True, slots=True)
class ServerToProbe:
    """Where to connect. With `context` over TLS, and with a login if there is a user."""

    host: str
    port: int
    user: str | None = None
    password: str | None = None
    context: ssl.SSLContext | None = None


class Inbox(Protocol):
    """Where the messages arrive."""

    async def watch(self, awaited: Awaited) -> None:
        """Finds and deletes the messages of the trips, until it is cancelled."""


class ImapInbox:
    """One session, which idles."""

    def __init__(self, server: ServerToProbe) -> None:
        self._server = server

    async def watch(self, awaited: Awaited) -> None:
        server = self._server
        client = (
            IMAP4_SSL(server.host, server.port, ssl_context=server.context)
            if server.context
            else IMAP4(server.host, server.port)
        )
        await client.wait_hello_from_server()
        await client.login(server.user, server.password)
        await client.select("INBOX")
        try:
            await self._look_and_idle(client, awaited)
        finally:
            client.protocol.transport.abort()
            for task in client.tasks:
                task.cancel()

    async def _look_and_idle(self, client: Any, awaited: Awaited) -> None:
        next_uid = 1
        while True:
            found = await self._new(client, next_uid)
            if not found:
                await self._idle(client)
                continue
            next_uid = max(found) + 1
            ours = {uid: word for uid, word in found.items() if word in awaited}
            if ours:
                uids = ",".join(map(str, ours))
                await client.uid("store", uids, r"+FLAGS.SILENT (\Deleted)")
                await client.uid("expunge", uids)
            for word in ours.values():
                awaited.pop(word).set_result(None)

    async def _new(self, client: Any, next_uid: int) -> dict[int, str]:
        """The words of new messages, by UID."""
        answer = await client.uid("fetch", f"{next_uid}:*", "(UID BODY.PEEK[HEADER])")
        found, uid = {}, 0
        for line in answer.lines:
            if isinstance(line, bytearray):
                found[uid] = word_of(bytes(line))
            elif match := _UID.search(line):
                uid = int(match[1])
        return {uid: word for uid, word in found.items() if uid >= next_uid}

    async def _idle(self, client: Any) -> None:
        idle = await client.idle_start(timeout=PATIENCE)
        with suppress(TimeoutError):
            await client.wait_server_push(timeout=QUIET)
        client.idle_done()
        await asyncio.wait_for(idle, PATIENCE)


class MaildirInbox:
    """A directory, which is listed again and again."""

    def __init__(self, path: Path) -> None:
        self._new = path / "new"

    async def watch(self, awaited: Awaited) -> None:
        while True:
            for path in [Path(entry.path) for entry in os.scandir(self._new)]:
                word = word_of(path.read_bytes())
                if word in awaited:
                    path.unlink()
                    awaited.pop(word).set_result(None)
            await asyncio.sleep(PAUSE)


class BareLoop:
    """Sends messages to `recipient` through a server, and finds them in an inbox. A context, while
    which the inbox is watched."""

    def __init__(self, server: ServerToProbe, sender: str, recipient: str, inbox: Inbox) -> None:
        self._server = server
        self._sender = sender
        self._recipient = recipient
        self._inbox = inbox
        self._awaited: Awaited = {}

    async def __aenter__(self) -> "BareLoop":
        self._watching = asyncio.create_task(self._inbox.watch(self._awaited))
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._watching.cancel()
        with suppress(asyncio.CancelledError):
            await self._watching

    async def trip(self) -> bool:
        """Sends a message, and returns when it was found and deleted; False if that takes too
        long."""
        word = uuid4().hex
        found = self._awaited[word] = asyncio.get_running_loop().create_future()
        server = self._server
        try:
            async with asyncio.timeout(PATIENCE):
                await aiosmtplib.send(
                    self._message(word),
                    hostname=server.host,
                    port=server.port,
                    username=server.user,
                    password=server.password,
                    start_tls=server.context is not None,
                    tls_context=server.context,
                    local_hostname="bench.lab.test",
                    timeout=PATIENCE,
                )
                await found
        except TimeoutError:
            return False
        return True

    def _message(self, word: str) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = self._recipient
        message["Subject"] = f"bare loop {word}"
        message["Date"] = formatdate(time.time())
        message["Message-ID"] = f"<{word}@lab.test>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(TEXT)
        return message


def word_of(raw: bytes) -> str:
    """The word in the Message-ID; empty if there is none."""
    return str(message_from_bytes(raw)["Message-ID"] or "").strip("<>").partition("@")[0]
