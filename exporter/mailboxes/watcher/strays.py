"""Messages of ours that no trip awaits, until each of them may be deleted."""

from collections.abc import Awaitable, Callable

from exporter.mail.message import Kind
from exporter.mail.tokens import Token
from exporter.mailboxes.session import Sighting

MOST_PUT_OFF = 1000  # strays that are left alone for now

Judge = Callable[[Token, Kind, Sighting], Awaitable[float]]
"""Is told of a stray, and answers in how many seconds it may be deleted."""


class Strays:
    """Times on the clock `now`, in seconds."""

    def __init__(self, judge: Judge, now: Callable[[], float]) -> None:
        self._judge = judge
        self._now = now
        self._put_off_until: list[tuple[float, Token, Kind, Sighting]] = []

    async def may_go(self, token: Token, kind: Kind, sighting: Sighting) -> bool:
        """Whether it may be deleted at once; else it is `due` later."""
        pause = await self._judge(token, kind, sighting)
        if pause > 0 and len(self._put_off_until) < MOST_PUT_OFF:
            self._put_off_until.append((self._now() + pause, token, kind, sighting))
        return pause <= 0

    async def due(self) -> list[Sighting]:
        """Those that were put off and may be deleted now; they are judged once more."""
        now, may_go = self._now(), []
        for entry in [entry for entry in self._put_off_until if entry[0] <= now]:
            self._put_off_until.remove(entry)
            if await self.may_go(*entry[1:]):
                may_go.append(entry[-1])
        return may_go
