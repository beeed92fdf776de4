"""Messages of ours that no trip awaits, until each of them may be deleted."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from exporter.mail.message import Kind
from exporter.mail.tokens import Token
from exporter.mailboxes.session import Sighting

MOST_POSTPONED = 1000  # strays that are left alone for now

Judge = Callable[[Token, Kind, Sighting], Awaitable[float]]
"""Is told of a stray, and answers in how many seconds it may be deleted."""


@dataclass(frozen=True, slots=True)
class Stray:
    """A message of ours that no trip awaits."""

    token: Token
    kind: Kind
    sighting: Sighting


class Strays:
    """Times on the clock `now`, in seconds."""

    def __init__(self, judge: Judge, now: Callable[[], float]) -> None:
        self._judge = judge
        self._now = now
        self._postponed: list[tuple[float, Stray]] = []

    async def judge(self, stray: Stray) -> float:
        """Reports it to the judge, who may count and record it. Returns in how many seconds it may
        be deleted; at once is 0 or less."""
        return await self._judge(stray.token, stray.kind, stray.sighting)

    def postpone(self, stray: Stray, seconds: float) -> None:
        """It is `due` then. Beyond MOST_POSTPONED it is left alone for good."""
        if len(self._postponed) < MOST_POSTPONED:
            self._postponed.append((self._now() + seconds, stray))

    async def due(self) -> list[Sighting]:
        """Those that were postponed and may be deleted now; they are judged once more."""
        now, may_go = self._now(), []
        for entry in [entry for entry in self._postponed if entry[0] <= now]:
            self._postponed.remove(entry)
            stray = entry[1]
            pause = await self.judge(stray)
            if pause > 0:
                self.postpone(stray, pause)
            else:
                may_go.append(stray.sighting)
        return may_go
