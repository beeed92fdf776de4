"""How much of each message the watcher wants a session to read."""

from collections.abc import Callable

from exporter.core.heartbeat import Beat, HeartbeatKey
from exporter.core.trace.trace import Trace
from exporter.mailboxes.session import Extent, HasExtent
from exporter.mailboxes.watcher.heartbeats import Listener
from tests.support import virtual_time as virtual
from tests.support.pretend import PretendMailbox, PretendSession
from tests.support.watcher_rig import WatcherRig


class Mailbox(PretendMailbox):
    """One whose sessions can be told."""

    def __init__(self) -> None:
        super().__init__()
        self.extents: list[Extent] = []

    async def open(self, trace: Trace, wanted: Callable[[bytes], object]) -> PretendSession:
        session = Session(self, trace)
        await super().open(trace, wanted)
        self.extents.append(session.extent)
        return session


class Session(PretendSession, HasExtent):
    def __init__(self, mailbox: Mailbox, trace: Trace) -> None:
        super().__init__(mailbox, trace)
        self.extent = Extent()


async def noted(key: HeartbeatKey, beat: Beat) -> None:
    """Nobody needs it."""


@virtual.on_a(WatcherRig)
async def test_of_others_the_header_is_read_until_a_trip_waits_also_in_a_new_session(
    rig: WatcherRig,
) -> None:
    rig.watcher.configure(mailbox := Mailbox(), 30)
    rig.watcher.heartbeats.add(Listener(HeartbeatKey("monitor", "*", "*"), False, noted))
    for sends in (False, True):
        token, run = rig.trip()
        with rig.watcher.expect(token.trip, run, sends=sends) as expected:
            await expected.ready()
            await expected.look()
        await rig.settled()
    assert mailbox.extents == [Extent(dated=True, only_header=not sends) for sends in (False, True)]
