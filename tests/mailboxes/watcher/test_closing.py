"""How a watcher ends when the program stops: nothing that we have answered for is lost, and nothing
else is touched."""

import asyncio

from exporter.mailboxes.session import Sighting
from exporter.mailboxes.watcher.watcher import GOODBYE
from tests.support import virtual_time as virtual
from tests.support.watcher_rig import WatcherRig, message


def test_what_a_receiver_has_accepted_is_looked_at_before_it_goes() -> None:
    async def course(goodbye: float) -> None:
        rig = WatcherRig(listens=True)
        rig.mailbox.goodbye = goodbye
        rig.watcher.start()
        await rig.settled()
        token, _ = rig.trip()
        rig.mailbox.deliver(message(token))
        await rig.watcher.close()
        assert [stray for stray, _ in rig.strays] == [token]
        assert rig.mailbox.open_now == 0
        assert asyncio.all_tasks() == {asyncio.current_task()}

    virtual.run(course(0.1))
    virtual.run(course(10 * GOODBYE))  # a client does not let go: we cannot wait for it


@virtual.on_a(WatcherRig)
async def test_a_last_deletion_is_made_and_what_comes_meanwhile_is_left_to_the_next_start(
    rig: WatcherRig,
) -> None:
    token, run = rig.trip()
    with rig.watcher.expect(token.trip, run) as expected:
        await expected.ready()
        rig.mailbox.deliver(message(token))
        await expected.arrival()
    kept = rig.mailbox.deliver(message(rig.trip()[0]))
    await rig.watcher.close()
    assert list(rig.mailbox.messages) == [kept]
    assert rig.strays == []
    assert rig.mailbox.open_now == 0


@virtual.on_a(WatcherRig)
async def test_a_server_that_hangs_does_not_hold_up_the_end(rig: WatcherRig) -> None:
    token, run = rig.trip()
    with rig.watcher.expect(token.trip, run) as expected:
        await expected.ready()
        rig.mailbox.deliver(message(token))
        await expected.arrival()
        rig.mailbox.hangs = True
    began = rig.clock.monotonic()
    await rig.watcher.close()
    assert rig.clock.monotonic() - began <= GOODBYE
    assert rig.mailbox.open_now == 0


@virtual.on_a(WatcherRig)
async def test_nothing_is_opened_again_after_the_end(rig: WatcherRig) -> None:
    await rig.watcher.close()
    token, run = rig.trip()
    with rig.watcher.expect(token.trip, run):
        await rig.settled()
    rig.watcher.keep_watching(token.trip, 0.0)
    rig.watcher.delete(Sighting(1, "INBOX", message(token), 0.0, watched=False))
    await rig.settled()
    assert rig.mailbox.opened == 0
