"""What becomes of each message, and what is counted of it."""

import pytest

from exporter.core.heartbeat import Beat, HeartbeatKey
from exporter.core.trace.trace import Trace
from exporter.mail.tokens import Mint, Rejection
from exporter.mailboxes.session import Sighting
from exporter.mailboxes.watcher.dispatch import Dispatcher
from exporter.mailboxes.watcher.heartbeats import Heartbeats, Listener
from exporter.mailboxes.watcher.reader import Reader
from exporter.mailboxes.watcher.statistics import Statistics
from exporter.mailboxes.watcher.strays import Stray
from tests.support import virtual_time as virtual

MINT = Mint(b"k" * 32)
FOREIGN = Mint(b"x" * 32).mint(0).word.encode()
REPORT = b"From: backup@host.example\r\nSubject: finished\r\n\r\nSee %s\r\n" % FOREIGN
STRANGERS = REPORT.replace(b"backup@", b"another@")


class DispatchRig:
    """A dispatcher in a mailbox that awaits one heartbeat, which is deleted."""

    def __init__(self) -> None:
        clock = virtual.clock()
        self.trace, self.statistics, heartbeats = Trace(clock), Statistics(), Heartbeats(clock)
        heartbeats.add(Listener(HeartbeatKey("monitor", "backup@*", "finished"), True, self.note))
        self.dispatcher = Dispatcher(
            *({}, MINT, self.statistics, self.stray, clock.monotonic, Reader(), heartbeats)
        )
        self.beats: list[Beat] = []

    async def note(self, key: HeartbeatKey, beat: Beat) -> None:
        self.beats.append(beat)

    async def stray(self, stray: Stray) -> float:
        return 0.0

    async def dispatch(self, raw: bytes) -> list[Sighting]:
        """Those that are to be deleted."""
        deleted: list[Sighting] = []
        sighting = Sighting(1, "", raw, 0.0, watched=True)
        await self.dispatcher.dispatch([sighting], self.trace, deleted.append)
        return deleted

    async def close(self) -> None: ...


@virtual.on_a(DispatchRig)
async def test_an_invalid_token_in_a_heartbeat_that_a_receiver_takes_is_counted_once(
    rig: DispatchRig,
) -> None:
    assert await rig.dispatcher.admit(REPORT)
    assert not rig.statistics.rejected
    assert len(await rig.dispatch(REPORT)) == len(rig.beats) == 1
    assert rig.statistics.rejected == {Rejection.FOREIGN_INSTANCE: 1}


@virtual.on_a(DispatchRig)
async def test_an_invalid_token_in_a_message_that_a_receiver_refuses_is_counted_once(
    rig: DispatchRig,
) -> None:
    assert not await rig.dispatcher.admit(STRANGERS)
    assert rig.statistics.rejected == {Rejection.FOREIGN_INSTANCE: 1}


@pytest.mark.parametrize("raw", [REPORT, STRANGERS])
def test_to_ask_whether_a_message_may_be_deleted_counts_nothing(raw: bytes) -> None:
    @virtual.on_a(DispatchRig)
    async def asked(rig: DispatchRig) -> None:
        await rig.dispatch(raw)
        assert await rig.dispatcher.may_delete(raw) == (raw is REPORT)
        assert rig.statistics.rejected == {Rejection.FOREIGN_INSTANCE: 1}

    asked()
