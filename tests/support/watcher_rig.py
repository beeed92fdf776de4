"""A watcher of a pretended mailbox, and what it reports."""

import asyncio

from exporter.core.trace.run import Run
from exporter.mail.composition import compose
from exporter.mail.tokens import Mint, Token
from exporter.mailboxes.session import Sighting
from exporter.mailboxes.watcher.strays import Stray
from exporter.mailboxes.watcher.watcher import LINGER, Watcher
from tests.support import virtual_time as virtual
from tests.support.pretend import PretendMailbox

MINT = Mint(b"k" * 32)


class WatcherRig:
    """A watcher of a pretended mailbox, and what it reports."""

    def __init__(self, *, listens: bool = False) -> None:
        self.clock = virtual.clock()
        self.mailbox = PretendMailbox(listens=listens)
        self.strays: list[tuple[Token, Sighting]] = []
        self.pause = 0.0
        self.watcher = Watcher("monitor", self.mailbox, MINT, self.clock, 30, self.stray)

    async def stray(self, stray: Stray) -> float:
        self.strays.append((stray.token, stray.sighting))
        return self.pause

    def trip(self) -> tuple[Token, Run]:
        return MINT.mint(0), Run(self.clock, session_timeout=30)

    async def close(self) -> None:
        await self.watcher.close()

    async def settled(self) -> None:
        """Long enough for a watcher that nobody needs to go away."""
        await asyncio.sleep(LINGER + 2)


def message(token: Token) -> bytes:
    return compose(token, "a@example.org", "b@example.org", 0).raw
