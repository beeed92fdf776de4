"""An IMAP mailbox in front of a scripted server, and a clock that only the test moves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from exporter.core.timing.clock import Clock
from exporter.core.trace.run import Run
from exporter.mailboxes.imap.mailbox import ImapMailbox
from exporter.mailboxes.imap.options import ImapOptions
from exporter.mailboxes.imap.session import ImapSession
from exporter.net.dns.resolver import Resolver
from tests.support.imap_server import PlayedServer, playing
from tests.support.wanting import those


class RunThatNotes(Run):
    """Tells when a line goes into the transcript."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._lines = asyncio.Queue[str]()

    def note(self, line: str) -> None:
        super().note(line)
        self._lines.put_nowait(line)

    async def wait_for_line(self, wanted: str) -> None:
        """Returns when that line was noted, and everybody has had the time to act on it."""
        while await self._lines.get() != wanted:
            pass
        for _ in range(5):
            await asyncio.sleep(0)


class ImapRig:
    """A mailbox and its server."""

    def __init__(self, peer: PlayedServer, options: dict[str, Any]) -> None:
        given = {
            "username": "me",
            "password": "labpass",
            "tls": "none",
            "folders": ["INBOX"],
            **options,
        }
        self.peer = peer
        self.options = ImapOptions(host=peer.host, port=peer.port, **given)
        self.mailbox = ImapMailbox(self.options, Resolver())
        self.now = 1000.0
        self.run = RunThatNotes(Clock(monotonic=lambda: self.now))

    @asynccontextmanager
    async def session(self) -> AsyncIterator[ImapSession]:
        """A session, which is aborted in the end."""
        session = await self.mailbox.open(self.run, those(lambda raw: b"somebody" not in raw))
        try:
            yield session
        finally:
            session.abort()

    @property
    def transcript(self) -> str:
        return "\n".join(self.run.transcript)


@asynccontextmanager
async def rig(dialogue: str, **options: Any) -> AsyncIterator[ImapRig]:
    """A mailbox on a server that plays this dialogue to its end."""
    async with playing(dialogue) as peer:
        yield ImapRig(peer, options)


@asynccontextmanager
async def opened(dialogue: str, **options: Any) -> AsyncIterator[tuple[ImapSession, ImapRig]]:
    """The same, with an open session."""
    async with rig(dialogue, **options) as here, here.session() as session:
        yield session, here
