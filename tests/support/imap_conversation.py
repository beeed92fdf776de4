"""Our side of a conversation with the scripted server."""

import gc
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import trustme

from exporter.core.timing.clock import Clock
from exporter.core.trace.run import Run
from exporter.net.imap.connection import ImapConnection, converse
from exporter.net.tcp import connect
from tests.support.imap_server import PlayedServer, playing

AUTHORITY = trustme.CA()


@dataclass(frozen=True, slots=True)
class ImapConversation:
    imap: ImapConnection
    run: Run
    peer: PlayedServer

    @property
    def transcript(self) -> str:
        return "\n".join(self.run.transcript)


@asynccontextmanager
async def connected(dialogue: str) -> AsyncIterator[ImapConversation]:
    """Connected to a server that plays this dialogue; nothing has been read."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("127.0.0.1").configure_cert(tls)
    async with playing(dialogue, tls) as peer:
        run = Run(Clock())
        imap = await converse(await connect([peer.host], peer.port), "imap.test", run.now, run.note)
        try:
            yield ImapConversation(imap, run, peer)
        finally:
            imap.abort()
            await imap.closed()


@asynccontextmanager
async def greeted(dialogue: str, *, select: bool = False) -> AsyncIterator[ImapConversation]:
    async with connected(dialogue) as conversation:
        await conversation.imap.greeting()
        if select:
            await conversation.imap.select("INBOX")
        yield conversation


def trusting() -> ssl.SSLContext:
    return ssl.create_default_context(cadata=AUTHORITY.cert_pem.bytes().decode())


def sockets() -> set[str]:
    gc.collect()
    return {target for fd in os.listdir("/proc/self/fd") if "socket" in (target := _target(fd))}


def _target(fd: str) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{fd}")
    except FileNotFoundError:
        return ""
