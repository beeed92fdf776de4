"""One look into a mailbox."""

from exporter.core.phases import Leg
from exporter.core.trace import Trace
from exporter.core.transcript import Transcript
from exporter.mailboxes.session import Session
from exporter.mailboxes.watcher.deletions import Deletions
from exporter.mailboxes.watcher.dispatch import Dispatcher
from exporter.mailboxes.watcher.look import Look
from exporter.mailboxes.watcher.reader import Reader
from exporter.mailboxes.watcher.statistics import Statistics
from exporter.mailboxes.watcher.waiting import Waiting
from tests.support import virtual_time as virtual
from tests.support.watcher_rig import MINT, WatcherRig, message


class LookRig(WatcherRig):
    def __init__(self) -> None:
        super().__init__()
        self.statistics, self.waiting, self.deletions = Statistics(), Waiting(), Deletions()
        self.transcript = Transcript(Leg.MAILBOX)
        self.trace = Trace(self.clock, transcript=self.transcript)
        dispatcher = Dispatcher(
            *(self.waiting.trips, MINT, self.statistics),
            *(self.stray, self.clock.monotonic, Reader()),
        )
        self.look = Look(self.waiting, dispatcher, self.deletions, self.transcript, self.statistics)

    async def session(self) -> Session:
        return await self.mailbox.open(self.trace, lambda raw: True)


@virtual.on_a(LookRig)
async def test_what_is_not_ours_is_counted_in_the_transcript_and_stays(bench: LookRig) -> None:
    session = await bench.session()
    bench.mailbox.deliver(b"Subject: another's\r\n\r\nHello.\r\n")
    began = bench.transcript.position
    sightings = await bench.look.scan(session, bench.trace)
    await bench.look.act(sightings, session, bench.trace, began)
    assert bench.statistics.messages == 1
    assert not bench.deletions
    assert bench.trace.transcript[-1].endswith("-- new messages that are not ours: 1")


@virtual.on_a(LookRig)
async def test_a_stray_of_ours_is_told_of_and_deleted(bench: LookRig) -> None:
    session, token = await bench.session(), MINT.mint(0)
    bench.mailbox.deliver(message(token))
    sightings = await bench.look.scan(session, bench.trace)
    await bench.look.act(sightings, session, bench.trace, bench.transcript.position)
    assert [stray for stray, _ in bench.strays] == [token]
    await bench.look.delete(session, bench.trace)
    assert bench.mailbox.messages == {}
    assert bench.statistics.deleted == 1
