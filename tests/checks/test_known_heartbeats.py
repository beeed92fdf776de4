"""What is known about heartbeats in memory."""

from exporter.checks.known_heartbeats import KnownHeartbeats
from exporter.core.heartbeat import Beat, HeartbeatKey
from exporter.core.timing.clock import Clock
from exporter.state.store import Store

BEAT = Beat(1000.0, "backup@host.example", "finished")


async def test_of_those_that_nobody_awaits_any_more_only_the_newest_are_kept() -> None:
    store = Store.open(None)
    known = KnownHeartbeats(store, Clock(), most=3)
    keys = [HeartbeatKey("own", f"{number}@*", "*") for number in range(10)]
    for key in keys:
        await known.note(key, BEAT)
        known.forget({keys[0]})
    assert [key for key in keys if known.of(key)] == [keys[0], *keys[-3:]]
    await store.close()
