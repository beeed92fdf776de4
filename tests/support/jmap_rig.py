"""A JMAP mailbox on the server in this process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from exporter.core.timing.clock import Clock
from exporter.core.trace.run import Run
from exporter.mailboxes.jmap.mailbox import JmapMailbox
from exporter.mailboxes.jmap.options import JmapOptions
from exporter.mailboxes.jmap.session import JmapSession
from exporter.mailboxes.session import Sighting
from exporter.net.dns.resolver import Resolver
from tests.support.jmap_server import JmapServer, jmap_server
from tests.support.wanting import those


class JmapRig:
    """Its trace has a clock that the test may turn on."""

    def __init__(self, server: JmapServer, options: dict[str, Any]) -> None:
        self.server = server
        self.options = JmapOptions.model_validate(server.options(**options))
        self.mailbox = JmapMailbox(self.options, Resolver())
        self.ahead = 0.0
        clock = Clock()
        self.run = Run(Clock(monotonic=lambda: clock.monotonic() + self.ahead))

    @asynccontextmanager
    async def session(self) -> AsyncIterator[JmapSession]:
        session = await self.mailbox.open(self.run, those(lambda raw: True))
        try:
            yield session
        finally:
            await session.close()

    @property
    def transcript(self) -> str:
        return "\n".join(self.run.transcript)


@asynccontextmanager
async def rig(**options: Any) -> AsyncIterator[JmapRig]:
    with TemporaryDirectory() as folder:
        async with jmap_server(Path(folder)) as server:
            yield JmapRig(server, options)


@asynccontextmanager
async def opened(**options: Any) -> AsyncIterator[tuple[JmapSession, JmapRig]]:
    async with rig(**options) as here, here.session() as session:
        yield session, here


def subjects(sightings: list[Sighting]) -> list[str]:
    lines = [line for one in sightings for line in one.raw.decode().splitlines()]
    return [line.removeprefix("Subject: ") for line in lines if line.startswith("Subject: ")]


def message(subject: str, more: bytes = b"") -> bytes:
    return b"From: <a@lab.test>\r\nSubject: %s\r\n\r\nHello.\r\n%s" % (subject.encode(), more)
