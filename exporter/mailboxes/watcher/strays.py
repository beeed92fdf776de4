"""Strays: our messages that no trip waits for, until each may be deleted."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from exporter.core.home import Home
from exporter.mail.message import Kind
from exporter.mail.tokens import Token
from exporter.mailboxes.session import Sighting

MOST_POSTPONED = 1000  # strays that are left alone for now


@dataclass(frozen=True, slots=True)
class Stray:
    """One of our messages that no trip waits for."""

    token: Token
    kind: Kind
    sighting: Sighting
    expected: bool  # a trip in progress looks into this mailbox, for it or for bounces
    home: Home | None = Home.MESSAGE  # for which way home it is the arrival


Judge = Callable[[Stray], Awaitable[float]]
"""Handles a stray, and returns in how many seconds it may be deleted."""


class Strays:
    """Times on the clock `now`, in seconds."""

    def __init__(self, judge: Judge, now: Callable[[], float]) -> None:
        self._judge = judge
        self._now = now
        self._postponed: list[tuple[float, Stray]] = []

    async def judge(self, stray: Stray) -> float:
        """Reports it to the judge, which may count and record it. Returns in how many seconds to
        delete it; 0 or less is at once."""
        return await self._judge(stray)

    def postpone(self, stray: Stray, seconds: float) -> None:
        """Postpones it until `due`. Beyond MOST_POSTPONED it is never deleted."""
        if len(self._postponed) < MOST_POSTPONED:
            self._postponed.append((self._now() + seconds, stray))

    async def due(self) -> list[Sighting]:
        """The postponed messages that may be deleted now, after another judgement."""
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
