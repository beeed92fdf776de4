"""A round of changes ends, whatever the server says."""

from typing import Any

import pytest

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.core.timing.clock import Clock
from exporter.core.timing.wake import Wake
from exporter.core.trace.trace import Trace
from exporter.mailboxes.graph.folder import LONGEST_ROUND, Folder
from exporter.mailboxes.graph.session import GraphSession
from exporter.net.graph.messages import FolderStatus, Page
from exporter.net.graph.throttle import Throttle


class EndlessChanges:
    """Messages of a server whose pages of changes lead to others, without end."""

    throttle = Throttle()

    def __init__(self) -> None:
        self.asked = 0

    @property
    def client(self) -> "EndlessChanges":
        return self

    async def folder(self, name: str) -> FolderStatus:
        return FolderStatus(name, 0, None)

    async def newest(self, folder: str, link: str = "") -> Page:
        return Page([])

    async def changes(self, folder: str, since: str, link: str = "") -> Page:
        self.asked += 1
        return Page([], next_link=f"https://graph.example.test/{self.asked % 2}")


async def scan_until_it_fails(session: GraphSession) -> ProbeError:
    for _ in range(LONGEST_ROUND):
        try:
            await session.scan()
            await session.wait(0, Wake())
        except ProbeError as error:
            return error
    raise AssertionError("it goes on without end")


async def test_pages_without_end_are_the_fault_of_the_server() -> None:
    server: Any = EndlessChanges()
    folder = Folder("inbox")
    session = GraphSession(server, [folder], 0.0, Trace(Clock()))
    await session.open()
    error = await scan_until_it_fails(session)
    assert error.reason is Reason.PROTOCOL
    assert "inbox returned too many pages of changes" in error.detail
    assert server.asked == LONGEST_ROUND


async def test_the_next_round_begins_anew() -> None:
    server: Any = EndlessChanges()
    folder = Folder("inbox")
    session = GraphSession(server, [folder], 0.0, Trace(Clock()))
    await session.open()
    await scan_until_it_fails(session)
    assert not folder.link
    assert not folder.midway
    with pytest.raises(ProbeError, match="too many pages"):
        raise await scan_until_it_fails(session)
    assert server.asked == 2 * LONGEST_ROUND
