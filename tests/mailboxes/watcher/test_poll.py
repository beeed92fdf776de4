"""One look into a mailbox."""

from exporter.core.phases import Leg
from exporter.core.trace.trace import Trace
from exporter.core.transcript.transcript import Transcript
from exporter.mailboxes.session import Session
from exporter.mailboxes.watcher.deletions import Deletions
from exporter.mailboxes.watcher.dispatch import Dispatcher
from exporter.mailboxes.watcher.heartbeats import Heartbeats
from exporter.mailboxes.watcher.poll import Poll
from exporter.mailboxes.watcher.reader import Reader
from exporter.mailboxes.watcher.statistics import Statistics
from exporter.mailboxes.watcher.waiting import Waiting
from tests.support import virtual_time as virtual
from tests.support.watcher_rig import MINT, WatcherRig, message


class PollRig(WatcherRig):
    def __init__(self) -> None:
        super().__init__()
        self.statistics, self.waiting, self.deletions = Statistics(), Waiting(), Deletions()
        self.transcript = Transcript(Leg.MAILBOX)
        self.trace = Trace(self.clock, transcript=self.transcript)
        dispatcher = Dispatcher(
            *(self.waiting.trips, MINT, self.statistics, self.stray),
            *(self.clock.monotonic, Reader(), Heartbeats(self.clock)),
        )
        self.poll = Poll(self.waiting, dispatcher, self.deletions, self.transcript, self.statistics)

    async def session(self) -> Session:
        return await self.mailbox.open(self.trace, lambda raw: True)


@virtual.on_a(PollRig)
async def test_what_is_not_ours_is_counted_in_the_transcript_and_stays(rig: PollRig) -> None:
    session = await rig.session()
    rig.mailbox.deliver(b"Subject: another's\r\n\r\nHello.\r\n")
    began = rig.transcript.position
    sightings = await rig.poll.scan(session, rig.trace)
    await rig.poll.act(sightings, session, rig.trace, began)
    assert rig.statistics.messages == 1
    assert not rig.deletions
    assert rig.trace.transcript[-1].endswith("-- new messages that are not ours: 1")


@virtual.on_a(PollRig)
async def test_a_stray_of_ours_is_told_of_and_deleted(rig: PollRig) -> None:
    session, token = await rig.session(), MINT.mint(0)
    rig.mailbox.deliver(message(token))
    sightings = await rig.poll.scan(session, rig.trace)
    await rig.poll.act(sightings, session, rig.trace, rig.transcript.position)
    assert [stray for stray, _ in rig.strays] == [token]
    await rig.poll.delete(session, rig.trace)
    assert rig.mailbox.messages == {}
    assert rig.statistics.deleted == 1
