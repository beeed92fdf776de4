"""When a heartbeat is missing, and when that is not known."""

import asyncio

from exporter.core.heartbeat import QUEUED, Heartbeat
from exporter.core.model import ProbeError, ProbeKey
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.trace.run import Run
from exporter.mail.composition import compose
from tests.support import virtual_time as virtual
from tests.support.heartbeat_rig import HOUR, INTERVAL, MINT, MINUTE, HeartbeatRig, Look, report

EVERY = 2 * HOUR
DOWN = ProbeError(Reason.CONNECT, "connection refused")


class ReceiverRig(HeartbeatRig):
    def __init__(self) -> None:
        super().__init__(listens=True)


async def looks_for(rig: HeartbeatRig, seconds: float) -> list[Look]:
    """A look in each interval."""
    end, looks = rig.clock.monotonic() + seconds, list[Look]()
    while rig.clock.monotonic() < end:
        await asyncio.sleep(INTERVAL)
        looks.append(await rig.look())
    return looks


def dated(rig: HeartbeatRig, ago: float = 0.0) -> bytes:
    return report(at=rig.clock.wall() - ago)


@virtual.on_a(HeartbeatRig)
async def test_after_a_fresh_start_nothing_is_missing_until_one_was_due(rig: HeartbeatRig) -> None:
    looks = await looks_for(rig, EVERY)
    assert [one.reason for one in looks] == [None] * len(looks)
    assert all(one.last_at is None for one in looks)
    late = (await looks_for(rig, 2 * INTERVAL))[-1]
    assert late.failure
    assert (late.failure.phase, late.reason) == (Phase.DELIVER, Reason.MISSING)
    assert late.failure.detail == (
        "none has come since 2023-11-14 22:18:20 UTC, when mailtrip began to look;"
        " one must come every 2 h"
    )


@virtual.on_a(HeartbeatRig)
async def test_one_that_stops_is_missing_and_the_failure_says_when_the_last_came(
    rig: HeartbeatRig,
) -> None:
    await rig.look()
    rig.mailbox.deliver(dated(rig))
    looks = await looks_for(rig, EVERY - INTERVAL)
    assert [one.reason for one in looks] == [None] * len(looks)
    failure = (await looks_for(rig, 2 * INTERVAL))[-1].failure
    assert failure
    assert failure.detail == (
        "the last one came 2 h 5 min ago, 2023-11-14 22:13:20 UTC, and one must come every 2 h"
    )
    assert failure.reason.blames(failure.phase) is None
    rig.mailbox.deliver(dated(rig))
    assert (await rig.look()).failure is None


@virtual.on_a(HeartbeatRig)
async def test_others_are_no_heartbeat(rig: HeartbeatRig) -> None:
    await rig.look()
    rig.mailbox.deliver(report("Nightly backup failed"))
    rig.mailbox.deliver(report(by="somebody@else.example"))
    rig.mailbox.deliver(compose(MINT.mint(0), "backup@host.example", "b@lab.test", 0).raw)
    assert (await rig.look()).last_at is None
    assert len(rig.mailbox.messages) == 2  # the last one is a message of ours


@virtual.on_a(HeartbeatRig)
async def test_the_mailbox_is_connected_for_a_look_only_and_messages_are_read_once(
    rig: HeartbeatRig,
) -> None:
    rig.mailbox.deliver(dated(rig))
    for opened in (1, 2, 3):
        await rig.look()
        await rig.settled()
        assert (rig.mailbox.opened, rig.mailbox.open_now) == (opened, 0)


@virtual.on_a(HeartbeatRig)
async def test_an_old_one_says_nothing_about_those_that_somebody_deleted(rig: HeartbeatRig) -> None:
    rig.mailbox.deliver(dated(rig, ago=9 * EVERY))
    first = await rig.look()
    assert first.failure is None
    assert first.last_at == rig.clock.wall() // 1 - 9 * EVERY
    assert first.heartbeat.due_at >= rig.clock.wall() + EVERY - MINUTE


@virtual.on_a(HeartbeatRig)
async def test_a_mailbox_that_cannot_be_read_fails_for_its_own_reason_and_tells_the_last(
    rig: HeartbeatRig,
) -> None:
    await rig.look()
    rig.mailbox.deliver(dated(rig))
    came = (await rig.look()).last_at
    rig.mailbox.down = DOWN
    for look in await looks_for(rig, 2 * EVERY):
        assert look.failure
        assert (look.failure.phase, look.failure.step) == (Phase.OPEN, Step.CONNECT)
        assert (look.reason, look.last_at) == (Reason.CONNECT, came)


@virtual.on_a(HeartbeatRig)
async def test_a_look_says_from_its_start_that_it_is_one_also_if_the_first_fails(
    rig: HeartbeatRig,
) -> None:
    began = rig.clock.wall()
    run = Run(rig.clock, session_timeout=10)
    rig.mailbox.hangs = True
    trip = asyncio.create_task(rig.check.run(run))
    await asyncio.sleep(0)
    in_progress = run.outcome("t", ProbeKey("backup", "host")).heartbeat
    assert in_progress
    assert (in_progress.last_at, in_progress.since) == (None, began)
    assert in_progress.due_at == began + EVERY
    trip.cancel()
    await asyncio.wait([trip])
    rig.mailbox.hangs, rig.mailbox.down = False, DOWN
    (look, *_) = await looks_for(rig, INTERVAL)
    assert look.reason is Reason.CONNECT
    assert look.heartbeat.last_at is None
    assert [type(fact) for fact in look.run.facts].count(Heartbeat) == 1
    assert not rig.known.of(rig.check.key)


@virtual.on_a(HeartbeatRig)
async def test_what_is_queued_has_time_to_come_when_the_mailbox_is_back(rig: HeartbeatRig) -> None:
    await rig.look()
    rig.mailbox.deliver(dated(rig))
    rig.mailbox.down = DOWN
    await looks_for(rig, 2 * EVERY)
    rig.mailbox.down = None
    looks = await looks_for(rig, QUEUED)
    assert [one.reason for one in looks] == [None] * len(looks)
    assert (await looks_for(rig, 2 * INTERVAL))[-1].reason is Reason.MISSING


@virtual.on_a(HeartbeatRig)
async def test_a_mailbox_that_hangs_is_not_a_missing_heartbeat(rig: HeartbeatRig) -> None:
    await rig.look()
    rig.mailbox.hangs = True
    for look in await looks_for(rig, EVERY + 3 * INTERVAL):
        assert look.failure
        assert (look.failure.phase, look.reason) == (Phase.OPEN, Reason.TIMEOUT)


@virtual.on_a(HeartbeatRig)
async def test_a_restart_goes_on_where_it_stopped(rig: HeartbeatRig) -> None:
    await rig.look()
    rig.mailbox.deliver(dated(rig))
    came = (await rig.look()).last_at
    rig.mailbox.messages.clear()  # somebody has read and deleted it
    await rig.watcher.close()
    after = rig.restart()
    look = await after.look()
    assert (look.reason, look.last_at) == (None, came)
    await asyncio.sleep(EVERY - INTERVAL)
    await rig.watcher.close()
    rest = rig.restart()
    assert (await rest.look()).reason is None
    await asyncio.sleep(INTERVAL + QUEUED)
    assert (await rest.look()).reason is None  # long nobody has looked
    await asyncio.sleep(QUEUED + 1)
    await rest.look()
    await after.watcher.close()
    await rest.watcher.close()


@virtual.on_a(HeartbeatRig)
async def test_restarts_again_and_again_do_not_hide_that_it_is_missing(rig: HeartbeatRig) -> None:
    await rig.look()
    rig.mailbox.deliver(dated(rig))
    await rig.look()
    reasons = []
    for _ in range(30):
        await asyncio.sleep(INTERVAL)
        one = rig.restart()
        reasons.append((await one.look()).reason)
        await one.watcher.close()
    assert reasons == [None] * 23 + [Reason.MISSING] * 7


@virtual.on_a(HeartbeatRig)
async def test_another_pattern_is_another_heartbeat(rig: HeartbeatRig) -> None:
    await rig.look()
    rig.mailbox.deliver(dated(rig))
    await looks_for(rig, EVERY - INTERVAL)
    rig.configure(subject="*verified*")
    await asyncio.sleep(2 * INTERVAL)
    look = await rig.look()
    assert (look.reason, look.last_at) == (None, None)
    assert look.heartbeat.due_at == look.heartbeat.since + EVERY


@virtual.on_a(ReceiverRig)
async def test_a_receiver_that_was_closed_may_have_refused_it(rig: HeartbeatRig) -> None:
    rig.watcher.start()
    await rig.look()
    rig.mailbox.deliver(dated(rig))
    came = (await rig.look()).last_at
    await rig.watcher.close()
    await asyncio.sleep(EVERY)
    after = rig.restart()
    after.watcher.start()
    for _ in range(int(EVERY / INTERVAL)):
        look = await after.look()
        assert (look.reason, look.last_at) == (None, came)
        await asyncio.sleep(INTERVAL)
    await asyncio.sleep(INTERVAL)
    assert (await after.look()).reason is Reason.MISSING
    await after.watcher.close()


@virtual.on_a(HeartbeatRig)
async def test_it_is_deleted_only_if_told(rig: HeartbeatRig) -> None:
    rig.mailbox.deliver(dated(rig))
    other = rig.mailbox.deliver(report("Nightly backup failed"))
    await rig.look()
    await rig.settled()
    assert len(rig.mailbox.messages) == 2
    rig.configure(delete=True)
    await rig.look()
    await rig.settled()
    assert [*rig.mailbox.messages] == [other]


@virtual.on_a(HeartbeatRig)
async def test_a_date_in_the_future_or_none_is_no_news(rig: HeartbeatRig) -> None:
    """What is found when the mailbox is opened may be of any time."""
    rig.mailbox.deliver(report())
    rig.mailbox.deliver(dated(rig, ago=-30 * EVERY))
    rig.mailbox.deliver(b"Date: 1 Jan 0001 00:00:00 +1400\r\n" + report())
    assert (await rig.look()).last_at is None
    await rig.settled()
    rig.mailbox.deliver(dated(rig, ago=-30 * MINUTE))
    assert (await rig.look()).last_at is not None
    assert (await rig.look()).last_at <= rig.clock.wall()  # type: ignore[operator]
