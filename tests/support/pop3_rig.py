"""A POP3 mailbox in front of a scripted server, and a clock that only the test moves."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from exporter.core.timing.clock import Clock
from exporter.core.trace.run import Run
from exporter.mailboxes.pop3.mailbox import Pop3Mailbox
from exporter.mailboxes.pop3.options import Pop3Options
from exporter.mailboxes.pop3.session import Pop3Session
from exporter.mailboxes.session import Sighting
from exporter.net.dns.resolver import Resolver
from tests.support.imap_server import PlayedServer, playing
from tests.support.pop3_conversation import script
from tests.support.wanting import those


class Pop3Rig:
    """A mailbox and its server. Of the messages in the dialogues, those with the subject "ours" are
    ours."""

    def __init__(self, peer: PlayedServer, options: dict[str, Any]) -> None:
        given = {"username": "me", "password": "labpass", "tls": "none", **options}
        self.peer = peer
        self.mailbox = Pop3Mailbox(Pop3Options(host=peer.host, port=peer.port, **given), Resolver())
        self.now = 1000.0
        self.run = Run(Clock(monotonic=lambda: self.now))

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Pop3Session]:
        """A session, which is aborted in the end."""
        session = await self.mailbox.open(
            self.run, those(lambda raw: raw.startswith(b"Subject: ours"))
        )
        try:
            yield session
        finally:
            session.abort()

    @property
    def transcript(self) -> str:
        return "\n".join(self.run.transcript)


@asynccontextmanager
async def rig(dialogue: str, **options: Any) -> AsyncIterator[Pop3Rig]:
    """A mailbox on a server that plays this dialogue to its end."""
    async with playing(script(dialogue)) as peer:
        yield Pop3Rig(peer, options)


@asynccontextmanager
async def opened(dialogue: str, **options: Any) -> AsyncIterator[tuple[Pop3Session, Pop3Rig]]:
    """The same, with an open session."""
    async with rig(dialogue, **options) as here, here.session() as session:
        yield session, here


def subjects(sightings: list[Sighting]) -> list[str]:
    lines = [line for sighting in sightings for line in sighting.raw.decode().splitlines()]
    return [line.removeprefix("Subject: ") for line in lines if line.startswith("Subject: ")]
