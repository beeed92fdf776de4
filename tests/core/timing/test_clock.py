"""A wall clock that is set, forwards or back, while mailtrip runs and while it does not; a machine
that sleeps."""

import asyncio
from pathlib import Path

import pytest

from exporter.app import App
from exporter.core.model import Outcome
from exporter.core.reasons import Reason
from exporter.core.timing.clock import Clock, boot_id
from exporter.mail.tokens import Mint, new_key
from exporter.probing.left_over import LEFT_OVER_AFTER
from exporter.state.store import Store
from exporter.state.trip import Moment, State, Trip
from tests.support import virtual_time as virtual
from tests.support.embedded import embedded
from tests.support.kept_trips import kept_trips
from tests.support.prober_rig import KEY, TIMEOUT, ProberRig
from tests.support.watcher_rig import message

HOUR, DAY = 3600.0, 86400.0
JUMPS = [-10 * DAY, -HOUR, 2 * DAY, 400 * DAY]


class SetClock:
    """A wall clock that somebody sets."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.off = 0.0
        self.clock = Clock(monotonic=loop.time, wall=lambda: virtual.BEGIN + loop.time() + self.off)


@pytest.mark.parametrize("jump", JUMPS)
def test_the_newest_outcome_is_the_last_one_whatever_the_clock_says(jump: float) -> None:
    async def course() -> None:
        wall = SetClock()
        rig = ProberRig(clock=wall.clock)
        assert (await rig.trip()).success
        wall.off = jump
        rig.sender.refusal = Reason.REJECTED
        failed = await rig.trip()
        assert rig.probe.newest == failed.brief
        assert rig.series()["mailtrip_success"] == 0
        assert await kept_trips(rig.store, KEY, 1) == [failed]
        await rig.close()

    virtual.run(course())


@pytest.mark.parametrize("jump", JUMPS)
def test_no_message_is_lost_before_its_time_has_really_passed_nor_is_evidence(jump: float) -> None:
    async def course() -> None:
        wall = SetClock()
        rig = ProberRig(clock=wall.clock)
        rig.sender.delay = TIMEOUT + 100
        overdue = await rig.trip()
        wall.off = jump
        rig.ledger.expire()
        await asyncio.sleep(50)
        rig.ledger.expire()
        assert rig.series()["mailtrip_lost_total"] == 0
        assert await kept_trips(rig.store, KEY, 1) == [overdue]
        await asyncio.sleep(50 + 0.05 * rig.sender.delay)
        assert rig.series()["mailtrip_late_total"] == 1
        rig.sender.delay = None
        await rig.trip()
        await asyncio.sleep(DAY - TIMEOUT)
        rig.ledger.expire()
        assert rig.series()["mailtrip_lost_total"] == 0
        await asyncio.sleep(2 * TIMEOUT)
        rig.ledger.expire()
        assert rig.series()["mailtrip_lost_total"] == 1
        await asyncio.sleep(1)
        assert rig.mailbox.messages == {}
        assert rig.store.unsettled() == []
        await rig.close()

    virtual.run(course())


@pytest.mark.parametrize("jump", JUMPS)
def test_another_s_message_is_left_alone_for_an_hour_that_really_passes(jump: float) -> None:
    async def course() -> None:
        wall = SetClock()
        rig = ProberRig(clock=wall.clock)
        rig.sender.delay = None
        await rig.trip()  # so that the mailbox is watched
        rig.mailbox.deliver(message(Mint(b"k" * 32).mint(wall.clock.wall())))
        wall.off = jump
        rig.mailbox.deliver(message(Mint(b"k" * 32).mint(wall.clock.wall())))
        await asyncio.sleep(LEFT_OVER_AFTER - 60)
        assert len(rig.mailbox.messages) == 2
        await asyncio.sleep(1000)
        assert rig.mailbox.messages == {}
        await rig.close()

    virtual.run(course())


@pytest.mark.parametrize("jump", [0.0, *JUMPS])
def test_a_restart_goes_on_counting_whatever_the_clock_says(tmp_path: Path, jump: float) -> None:
    async def course() -> None:
        wall = SetClock()
        first = ProberRig(tmp_path, clock=wall.clock)
        first.sender.delay = None
        await first.trip()
        await first.close()
        wall.off = jump
        second = ProberRig(tmp_path, first.mailbox, clock=wall.clock)
        assert second.ledger.recover() == []
        second.ledger.expire()
        await asyncio.sleep(DAY - TIMEOUT)
        second.ledger.expire()
        assert second.series()["mailtrip_lost_total"] == 0
        assert second.ledger.last_starts()[KEY] == pytest.approx(0.0)
        await asyncio.sleep(2 * TIMEOUT)
        second.ledger.expire()
        assert second.series()["mailtrip_lost_total"] == 1
        await second.close()

    virtual.run(course())


def test_rows_of_another_boot_are_counted_on_once(tmp_path: Path) -> None:
    async def course() -> None:
        store = Store.open(tmp_path, threaded=False)
        for number, state in enumerate(State):
            name = f"{number:014x}"
            await store.record(
                Trip(name, KEY, "monitor", state, 1e9, "old", 77.0, 1e9 + DAY, 78.0, 79.0)
            )
        before = {trip.id: trip for trip in store.unsettled()}
        for monotonic, wall in ((100.0, 1e9 + 5 * HOUR), (200.0, 1e9 + 900 * DAY)):
            store.come_back(Moment("this", monotonic, wall), LEFT_OVER_AFTER)
        await asyncio.sleep(0.1)
        first = Moment("this", 100.0, 1e9 + 5 * HOUR)
        assert {trip.id: trip for trip in store.unsettled()} == {
            name: trip.in_this_boot(first, LEFT_OVER_AFTER) for name, trip in before.items()
        }
        store.forget_expired(Moment("this", 100.0 + 18.9 * HOUR, 0.0))
        await asyncio.sleep(0.1)
        assert len(store.unsettled()) == len(before)
        store.forget_expired(Moment("this", 100.0 + 19.1 * HOUR, 0.0))
        await asyncio.sleep(0.1)
        assert store.unsettled() == []
        assert await store.trip(f"{list(State).index(State.ARRIVED):014x}") is None
        await store.close()

    virtual.run(course())


@pytest.mark.parametrize("jump", [-HOUR, -400 * DAY, 0.0, 2 * DAY])
async def test_a_crash_loop_neither_floods_nor_stands_still_after_the_clock_was_set(
    tmp_path: Path, jump: float
) -> None:
    key, now, starts = new_key(), 0.0, []

    async def process(monotonic: float) -> None:
        """Lives for a moment, and is killed when its message is leaving."""
        wall = virtual.BEGIN + monotonic + (jump if monotonic > 20 else 0.0)
        clock = Clock(monotonic=lambda: monotonic, wall=lambda: wall)
        app = App(embedded(), Store.open(tmp_path), key, clock=clock)
        app.recover()
        (probe,) = app.probes.named
        assert probe.schedule.last_start <= monotonic
        if probe.schedule.due(monotonic):
            starts.append(monotonic)
            boot = boot_id()
            trip = Trip(
                app.mint.mint(wall).trip,
                probe.key,
                "own",
                State.LEAVING,
                wall,
                boot,
                monotonic,
                wall + DAY,
            )
            await app.store.record(trip)
        await app.store.close()

    while now < 100:
        await process(now)
        now += 4.0
    assert starts == [0.0, 16.0, 32.0, 48.0, 64.0, 80.0, 96.0]  # the interval is 15 s


@pytest.mark.parametrize(("ahead", "due"), [(0.0, False), (1.0, False), (10 * DAY, True)])
async def test_what_began_in_the_future_does_not_stop_the_beat(
    tmp_path: Path, ahead: float, due: bool
) -> None:
    """Of a probe that sends no messages only the outcome is known."""
    for number in range(3):
        app = App(embedded(), Store.open(tmp_path), new_key())
        app.recover()
        (probe,) = app.probes.named
        if number:
            assert probe.schedule.due(app.clock.monotonic()) is due
        else:
            app.store.finished(Outcome("t", probe.key, app.clock.wall() + ahead, 1.0))
        await app.store.close()
