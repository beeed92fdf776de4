"""Our side of a POP3 conversation with the scripted server, whose dialogues are in
`tests/net/pop3/dialogues`."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from exporter.core.timing.clock import Clock
from exporter.core.trace.run import Run
from exporter.net.pop3.connection import Pop3Connection, converse
from exporter.net.tcp import connect
from tests.support.imap_conversation import AUTHORITY
from tests.support.imap_server import PlayedServer, playing

DIALOGUES = Path(__file__).resolve().parents[1] / "net/pop3/dialogues"
SHORTHAND = {
    "[login]": """\
S: +OK ready
C: CAPA
S: +OK
S: USER
S: TOP
S: UIDL
S: .
C: USER me
S: +OK
C: PASS labpass
S: +OK""",
    "[quit]": "C: QUIT\nS: +OK",
}
"""What stands in many dialogues in the same way."""


@dataclass(frozen=True, slots=True)
class Pop3Conversation:
    pop3: Pop3Connection
    run: Run
    peer: PlayedServer

    @property
    def transcript(self) -> str:
        return "\n".join(self.run.transcript)


def script(dialogue: str) -> str:
    """The dialogue itself, or the one in the file of that name, its shorthand written out."""
    text = (
        dialogue
        if "\n" in dialogue
        else (DIALOGUES / f"{dialogue}.txt").read_text(encoding="utf-8")
    )
    for short, long in SHORTHAND.items():
        text = text.replace(short, long)
    return text


@asynccontextmanager
async def connected(dialogue: str) -> AsyncIterator[Pop3Conversation]:
    """Connected to a server that plays this dialogue; nothing has been read."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("127.0.0.1").configure_cert(tls)
    async with playing(script(dialogue), tls) as peer:
        run = Run(Clock())
        pop3 = await converse(await connect([peer.host], peer.port), "pop.test", run.note)
        try:
            yield Pop3Conversation(pop3, run, peer)
        finally:
            pop3.abort()
            await pop3.closed()


@asynccontextmanager
async def greeted(dialogue: str) -> AsyncIterator[Pop3Conversation]:
    async with connected(dialogue) as conversation:
        await conversation.pop3.greeting()
        yield conversation
