"""How a watcher ends when the program stops: nothing that we have answered for is lost, and nothing
else is touched."""

import asyncio

from exporter.mailboxes.session import Sighting
from exporter.mailboxes.watcher.watcher import GOODBYE
from tests.support import virtual_time as virtual
from tests.support.watcher_rig import WatcherRig, message


def test_what_a_receiver_has_accepted_is_looked_at_before_it_goes() -> None:
    async def course(goodbye: float) -> None:
        bench = WatcherRig(listens=True)
        bench.mailbox.goodbye = goodbye
        bench.watcher.start()
        await bench.settled()
        token, _ = bench.trip()
        bench.mailbox.deliver(message(token))
        await bench.watcher.close()
        assert [stray for stray, _ in bench.strays] == [token]
        assert bench.mailbox.open_now == 0
        assert asyncio.all_tasks() == {asyncio.current_task()}

    virtual.run(course(0.1))
    virtual.run(course(10 * GOODBYE))  # a client does not let go: we cannot wait for it


@virtual.on_a(WatcherRig)
async def test_a_last_deletion_is_made_and_what_comes_meanwhile_is_left_to_the_next_start(
    bench: WatcherRig,
) -> None:
    token, run = bench.trip()
    with bench.watcher.expect(token.trip, run) as expected:
        await expected.ready()
        bench.mailbox.deliver(message(token))
        await expected.arrival()
    kept = bench.mailbox.deliver(message(bench.trip()[0]))
    await bench.watcher.close()
    assert list(bench.mailbox.messages) == [kept]
    assert bench.strays == []
    assert bench.mailbox.open_now == 0


@virtual.on_a(WatcherRig)
async def test_a_server_that_hangs_does_not_hold_up_the_end(bench: WatcherRig) -> None:
    token, run = bench.trip()
    with bench.watcher.expect(token.trip, run) as expected:
        await expected.ready()
        bench.mailbox.deliver(message(token))
        await expected.arrival()
        bench.mailbox.hangs = True
    began = bench.clock.monotonic()
    await bench.watcher.close()
    assert bench.clock.monotonic() - began <= GOODBYE
    assert bench.mailbox.open_now == 0


@virtual.on_a(WatcherRig)
async def test_nothing_is_opened_again_after_the_end(bench: WatcherRig) -> None:
    await bench.watcher.close()
    token, run = bench.trip()
    with bench.watcher.expect(token.trip, run):
        await bench.settled()
    bench.watcher.keep_watching(token.trip, 0.0)
    bench.watcher.delete(Sighting(1, "INBOX", message(token), 0.0, watched=False))
    await bench.settled()
    assert bench.mailbox.opened == 0
