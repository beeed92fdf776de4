"""Heartbeats in one mailbox: which messages of others are awaited there, and when they came."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from exporter.core.heartbeat import Beat, HeartbeatKey
from exporter.core.model import MAX_FOLDER
from exporter.core.one_line import one_line
from exporter.core.timing.clock import Clock
from exporter.core.timing.fairness import Slices
from exporter.mail.heartbeats import Letterhead, Pattern, letterhead
from exporter.mailboxes.session import Sighting

# Seconds that a server's clock may be ahead. What is dated later, or before 1970, and was there
# before us, may be of any time.
MOST_AHEAD = 3600.0


@dataclass(frozen=True, slots=True)
class Listener:
    """Who awaits a heartbeat: `note` is called with each message that matches, and returns when
    that is saved. With `delete` it may then be deleted."""

    key: HeartbeatKey
    delete: bool
    note: Callable[[HeartbeatKey, Beat], Awaitable[None]]


class Heartbeats:
    """Those that are awaited in one mailbox."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._listeners: dict[Listener, Pattern] = {}

    def __bool__(self) -> bool:
        return bool(self._listeners)

    def listen(self, listeners: Iterable[Listener]) -> None:
        """Awaits these, and no others."""
        before, self._listeners = self._listeners, {}
        for one in listeners:
            self._listeners[one] = before.get(one) or _pattern(one)

    def add(self, listener: Listener) -> None:
        if listener not in self._listeners:
            self._listeners[listener] = _pattern(listener)

    async def are_in(self, raw: bytes, *, deleted: bool = False) -> bool:
        """Whether a message is one of those awaited; with `deleted`, of those that are deleted."""
        matching = await self._matching(letterhead(raw)) if self else []
        return any(one.delete or not deleted for one in matching)

    async def see(self, sighting: Sighting) -> bool:
        """Notes a message of others, if it is a heartbeat. Returns whether it is to be deleted."""
        if not self:
            return False
        head = letterhead(sighting.raw)
        matching = await self._matching(head)
        at = self._time_of(sighting, head)
        if not matching or at is None:
            return False
        beat = Beat(at, head.sender, head.title, one_line(sighting.folder, MAX_FOLDER))
        for listener in matching:
            await listener.note(listener.key, beat)
        return any(one.delete for one in matching)

    async def _matching(self, head: Letterhead) -> list[Listener]:
        """There may be thousands of listeners."""
        matching, slices = [], Slices(self._clock.monotonic)
        for listener, pattern in [*self._listeners.items()]:
            await slices.pause()
            if pattern.matches(head):
                matching.append(listener)
        return matching

    def _time_of(self, sighting: Sighting, head: Letterhead) -> float | None:
        """When the message came: as the mailbox says, or the last server that took it, or its
        author. None if that is unknown."""
        now = self._clock.wall()
        at = head.at if sighting.arrived_at is None else sighting.arrived_at
        if at is None or not 0 <= at <= now + MOST_AHEAD:
            return now if sighting.watched else None
        return min(at, now)


def _pattern(listener: Listener) -> Pattern:
    return Pattern(listener.key.sender, listener.key.subject)
