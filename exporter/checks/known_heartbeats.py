"""What is known about all heartbeats. It is kept over restarts."""

from collections.abc import Container, Mapping
from contextlib import suppress

from exporter.core.heartbeat import Beat, HeartbeatKey, Watch
from exporter.core.timing.clock import Clock
from exporter.state.heartbeats import MOST
from exporter.state.schema import StateUnusable
from exporter.state.store import Store

# Seconds between two messages of which both are saved: a flood of them is not written to the disk.
APART = 1.0


class KnownHeartbeats:
    """By what they are, whichever probe awaits them."""

    def __init__(self, store: Store, clock: Clock, most: int = MOST) -> None:
        """Keeps at most so many that no probe awaits any more."""
        self._most = most
        self._store = store
        self._clock = clock
        self._watches: dict[HeartbeatKey, Watch] = {}
        self._restored: dict[HeartbeatKey, Watch] = {}  # of heartbeats that may not be awaited

    def restore(self, watches: Mapping[HeartbeatKey, Watch] | None = None) -> None:
        """Continues with what an earlier process knew. Raises StateUnusable."""
        self._restored = dict(self._store.heartbeats() if watches is None else watches)

    def of(self, key: HeartbeatKey) -> Watch | None:
        """None if it was never looked for, and none has come."""
        return self._watches.get(key) or self._restored.get(key)

    def forget(self, but: Container[HeartbeatKey]) -> None:
        """Forgets those that no probe awaits any more; they stay in the state for a while, and the
        newest also in memory."""
        for key in [key for key in self._watches if key not in but]:
            self._restored.pop(key, None)
            self._restored[key] = self._watches.pop(key)
        if len(self._restored) > self._most:
            for key in [*self._restored][: -self._most]:
                del self._restored[key]

    async def note(self, key: HeartbeatKey, beat: Beat) -> None:
        """Notes a message that has come. Returns when that is on disk, if it can be written."""
        now = self._clock.wall()
        before = self.of(key) or Watch(now, now)
        after = self._watches[key] = before.with_beat(beat)
        if before.last and after.last and after.last.at - before.last.at < APART:
            return
        with suppress(StateUnusable):
            await self._store.keep_heartbeat(key, after)

    async def looked(self, key: HeartbeatKey, interval: float, *, receives: bool) -> Watch:
        """Notes that the mailbox has been looked into, as it is every `interval` seconds."""
        now = self._clock.wall()
        before = self.of(key) or Watch(now, now)
        after = self._watches[key] = before.with_look(now, interval, receives=receives)
        with suppress(StateUnusable):
            await self._store.keep_heartbeat(key, after)
        return after
