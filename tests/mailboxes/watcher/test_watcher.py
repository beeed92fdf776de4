import asyncio

import pytest

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.mail.message import FoundIn
from exporter.mail.tokens import Mint, Rejection
from exporter.mailboxes.watcher.pacing import GAP_FRACTION, SHORTEST_GAP
from exporter.mailboxes.watcher.watcher import LINGER
from tests.support import virtual_time as virtual
from tests.support.watcher_rig import MINT, WatcherRig, message


@virtual.on_a(WatcherRig)
async def test_a_message_is_seen_soon_and_deleted_and_the_session_goes_away(
    rig: WatcherRig,
) -> None:
    token, run = rig.trip()
    with rig.watcher.expect(token.trip, run) as expected:
        await expected.ready()
        run.accept()
        asyncio.get_running_loop().call_later(60, rig.mailbox.deliver, message(token))
        found = await expected.arrival()
        assert found.token == token
        assert found.found_in is FoundIn.HEADER
        assert found.sighting.watched
        delay = found.sighting.seen_at - (run.accepted or 0)
        assert 60 <= delay <= 60 * 1.05
        await expected.delete()
        assert rig.mailbox.messages == {}
    await rig.settled()
    assert rig.mailbox.open_now == 0
    assert rig.watcher.statistics.deleted == 1


@virtual.on_a(WatcherRig)
async def test_looks_become_rarer_while_a_message_is_under_way(rig: WatcherRig) -> None:
    token, run = rig.trip()
    with rig.watcher.expect(token.trip, run) as expected:
        await expected.ready()
        run.accept()
        waiting = asyncio.create_task(expected.arrival())
        await asyncio.sleep(600)
        looks = rig.mailbox.scans
        await asyncio.sleep(60)
        assert rig.mailbox.scans - looks <= 60 / (600 * GAP_FRACTION) + 1
        assert looks < 2 / SHORTEST_GAP + 600 / GAP_FRACTION
        waiting.cancel()


@virtual.on_a(WatcherRig)
async def test_a_hundred_trips_share_one_session(rig: WatcherRig) -> None:
    async def one() -> None:
        token, run = rig.trip()
        with rig.watcher.expect(token.trip, run) as expected:
            await expected.ready()
            run.accept()
            asyncio.get_running_loop().call_later(3, rig.mailbox.deliver, message(token))
            assert (await expected.arrival()).token == token
            await expected.delete()

    await asyncio.gather(*(one() for _ in range(100)))
    assert rig.mailbox.opened == 1
    assert rig.mailbox.messages == {}


@virtual.on_a(WatcherRig)
async def test_a_session_that_is_being_left_is_not_handed_to_a_new_trip(rig: WatcherRig) -> None:
    rig.mailbox.goodbye = 3.0
    token, run = rig.trip()
    with rig.watcher.expect(token.trip, run) as expected:
        await expected.ready()
        rig.mailbox.deliver(message(token))
        await expected.arrival()
    await asyncio.sleep(LINGER + 1.5)
    _, late = rig.trip()
    with rig.watcher.expect("late", late) as other:
        await other.ready()
        assert rig.mailbox.opened == 2
        assert [span.step for span in late.spans] == [Step.CONNECT]


@virtual.on_a(WatcherRig)
async def test_foreign_messages_are_left_alone_and_forged_ones_are_counted(
    rig: WatcherRig,
) -> None:
    word = MINT.mint(0).word
    forged = word[:-1] + ("a" if word[-1] != "a" else "b")
    rig.mailbox.deliver(b"Subject: hello\r\n\r\nno token\r\n")
    rig.mailbox.deliver(f"Subject: {forged}\r\n\r\n".encode())
    rig.mailbox.deliver(f"Subject: {Mint(b'x' * 32).mint(0).word}\r\n\r\n".encode())
    token, run = rig.trip()
    with rig.watcher.expect(token.trip, run) as expected:
        await expected.ready()
        run.accept()
        rig.mailbox.deliver(message(token))
        await expected.arrival()
        await expected.delete()
    assert len(rig.mailbox.messages) == 3
    assert rig.watcher.statistics.rejected == {
        Rejection.BAD_SIGNATURE: 1,
        Rejection.FOREIGN_INSTANCE: 1,
    }
    assert rig.strays == []


@virtual.on_a(WatcherRig)
async def test_a_message_of_ours_that_nobody_awaits_is_reported_and_deleted(
    rig: WatcherRig,
) -> None:
    old = MINT.mint(0)
    rig.mailbox.deliver(message(old))
    token, run = rig.trip()
    with rig.watcher.expect(token.trip, run) as expected:
        await expected.ready()
        await rig.settled()
    await rig.settled()
    assert [stray for stray, _ in rig.strays] == [old]
    assert not rig.strays[0][1].watched
    assert rig.mailbox.messages == {}


@virtual.on_a(WatcherRig)
async def test_a_stray_that_is_to_be_left_alone_is_asked_for_again_when_its_time_has_come(
    rig: WatcherRig,
) -> None:
    rig.mailbox.deliver(message(MINT.mint(0)))
    rig.pause = 600.0
    token, _ = rig.trip()
    rig.watcher.keep_watching(token.trip, rig.clock.monotonic())
    await asyncio.sleep(590)
    assert len(rig.strays) == 1
    assert len(rig.mailbox.messages) == 1
    rig.pause = 0.0
    await asyncio.sleep(60)
    assert len(rig.strays) == 2
    assert rig.mailbox.messages == {}


@virtual.on_a(WatcherRig)
async def test_a_second_copy_is_a_stray(rig: WatcherRig) -> None:
    token, run = rig.trip()
    with rig.watcher.expect(token.trip, run) as expected:
        await expected.ready()
        run.accept()
        rig.mailbox.deliver(message(token))
        rig.mailbox.deliver(message(token))
        await expected.arrival()
        await expected.delete()
    await rig.settled()
    assert [stray for stray, _ in rig.strays] == [token]
    assert rig.mailbox.messages == {}


@virtual.on_a(WatcherRig)
async def test_a_trip_that_ends_before_it_deletes_leaves_nothing_behind(rig: WatcherRig) -> None:
    token, run = rig.trip()
    with rig.watcher.expect(token.trip, run) as expected:
        await expected.ready()
        rig.mailbox.deliver(message(token))
        await expected.arrival()
    await rig.settled()
    assert rig.mailbox.messages == {}
    assert rig.mailbox.open_now == 0


@virtual.on_a(WatcherRig)
async def test_a_mailbox_that_breaks_in_mid_wait_and_comes_back_costs_no_trip(
    rig: WatcherRig,
) -> None:
    token, run = rig.trip()
    with rig.watcher.expect(token.trip, run) as expected:
        await expected.ready()
        run.accept()
        waiting = asyncio.create_task(expected.arrival())
        await asyncio.sleep(10)
        rig.mailbox.down = ProbeError(Reason.DISCONNECTED, "cut")
        await asyncio.sleep(10)
        assert rig.watcher.trouble is not None
        assert not rig.watcher.statistics.connected
        # Nobody can look: the delivery is not to blame.
        assert expected.overdue().reason is Reason.DISCONNECTED
        rig.mailbox.deliver(message(token))
        rig.mailbox.down = None
        found = await waiting
        assert not found.sighting.watched  # it came while nobody watched
        assert rig.watcher.statistics.connected
        assert expected.overdue().reason is Reason.OVERDUE
        await expected.delete()


@virtual.on_a(WatcherRig)
async def test_attempts_to_connect_become_rarer(rig: WatcherRig) -> None:
    rig.mailbox.down = ProbeError(Reason.CONNECT, "refused")
    token, run = rig.trip()
    with rig.watcher.expect(token.trip, run):
        await asyncio.sleep(600)
    assert 15 <= rig.mailbox.opened <= 30


@virtual.on_a(WatcherRig)
async def test_a_refused_login_is_told_at_once_and_not_tried_by_every_trip(
    rig: WatcherRig,
) -> None:
    rig.mailbox.down = ProbeError(Reason.AUTH, "wrong password")
    for _ in range(10):
        token, run = rig.trip()
        with rig.watcher.expect(token.trip, run) as expected, pytest.raises(ProbeError) as caught:
            await expected.ready()
        assert caught.value.reason is Reason.AUTH
        assert caught.value.step is Step.CONNECT
        await asyncio.sleep(1)
    assert rig.mailbox.opened == 1
    await asyncio.sleep(120)
    rig.mailbox.down = None
    token, run = rig.trip()
    with rig.watcher.expect(token.trip, run) as expected:
        await expected.ready()


@virtual.on_a(WatcherRig)
async def test_a_frozen_server_is_given_up_and_opened_again(rig: WatcherRig) -> None:
    token, run = rig.trip()
    with rig.watcher.expect(token.trip, run) as expected:
        await expected.ready()
        rig.mailbox.hangs = True
        rig.watcher.wake()
        await asyncio.sleep(40)
        assert rig.watcher.trouble is not None
        assert rig.watcher.trouble.error.reason is Reason.TIMEOUT
        assert rig.watcher.trouble.error.step is Step.FETCH
        rig.mailbox.hangs = False
        run.accept()
        rig.mailbox.deliver(message(token))
        await expected.arrival()
        await expected.delete()


@virtual.on_a(WatcherRig)
async def test_a_late_message_is_watched_for_until_it_is_settled(rig: WatcherRig) -> None:
    token, _ = rig.trip()
    rig.watcher.keep_watching(token.trip, rig.clock.monotonic())
    await asyncio.sleep(3600)
    assert rig.mailbox.open_now == 1
    rig.mailbox.deliver(message(token))
    await asyncio.sleep(3600 * 0.05)
    ((stray, sighting),) = rig.strays
    assert stray == token
    assert sighting.watched
    assert rig.mailbox.messages == {}
    rig.watcher.stop_watching(token.trip)
    await rig.settled()
    assert rig.mailbox.open_now == 0


@virtual.on_a(WatcherRig)
async def test_cancelling_leaves_no_session_and_no_task(rig: WatcherRig) -> None:
    token, run = rig.trip()

    async def trip() -> None:
        with rig.watcher.expect(token.trip, run) as expected:
            await expected.ready()
            await expected.arrival()

    task = asyncio.create_task(trip())
    await asyncio.sleep(5)
    task.cancel()
    await rig.settled()
    assert rig.mailbox.open_now == 0
    assert asyncio.all_tasks() == {asyncio.current_task()}


def test_a_receiver_is_open_from_the_start() -> None:
    async def course() -> None:
        rig = WatcherRig(listens=True)
        rig.watcher.start()
        await rig.settled()
        assert rig.mailbox.open_now == 1
        await rig.watcher.close()
        assert rig.mailbox.open_now == 0

    virtual.run(course())


@virtual.on_a(WatcherRig)
async def test_a_trip_costs_two_looks_besides_those_that_await_its_message(
    rig: WatcherRig,
) -> None:
    """Neither its start nor its end, nor the deletion, is a reason to poll."""
    token, run = rig.trip()
    with rig.watcher.expect(token.trip, run) as expected:
        await expected.ready()
        await asyncio.sleep(0.5)
        assert rig.mailbox.scans == 1  # the first of a session
        for _ in range(20):
            other, another = rig.trip()
            with rig.watcher.expect(other.trip, another):
                await asyncio.sleep(0.01)
        assert rig.mailbox.scans == 1
        run.accept()
        arrival = asyncio.create_task(expected.arrival())
        await asyncio.sleep(0.01)
        rig.mailbox.deliver(message(token))
        await arrival
        assert rig.mailbox.scans == 3
        await expected.delete()
        assert rig.mailbox.deleted
        assert rig.mailbox.scans == 3


@virtual.on_a(WatcherRig)
async def test_messages_are_looked_for_while_others_are_deleted(rig: WatcherRig) -> None:
    """Deletions without end do not keep the watcher from looking."""
    token, run = rig.trip()
    with rig.watcher.expect(token.trip, run) as expected:
        await expected.ready()
        run.accept()
        for _ in range(100):
            rig.mailbox.deliver(message(MINT.mint(0)))  # a stray, which is deleted
            rig.watcher.wake()
            await asyncio.sleep(0.01)
        assert 10 <= rig.mailbox.scans <= 14
        assert len(rig.strays) >= 90
