"""What every mailbox promises to a heartbeat, tested against the real thing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from exporter.core.timing.clock import Clock
from exporter.mail.tokens import Mint, Rejection
from tests.support.heartbeat_rig import HeartbeatWatcher, report
from tests.support.mailbox_rig import FOREIGN, MailboxRig
from tests.support.mailbox_rigs import every

SECOND = 1.0  # that headers and servers round to


@asynccontextmanager
async def watching(rig: MailboxRig) -> AsyncIterator[HeartbeatWatcher]:
    watching = HeartbeatWatcher(rig.mailbox(), Clock())
    watching.watcher.start()
    try:
        yield watching
    finally:
        await watching.close()


@every()
async def test_a_heartbeat_is_seen_with_its_time_and_stays_as_it_is(rig: MailboxRig) -> None:
    async with watching(rig) as one:
        assert (await one.look()).last_at is None
        before = one.clock.wall()
        assert await rig.deliver(report(), FOREIGN % b"another's") == 1 + rig.keeps
        kept = rig.kept()
        look = await one.look()
        assert look.failure is None
        assert look.last_at is not None
        assert before - 2 * SECOND <= look.last_at <= one.clock.wall()
        assert look.heartbeat.sender == "backup@host.example"
        assert look.heartbeat.subject == "Nightly backup finished"
        assert rig.kept() == kept
        assert one.watcher.statistics.deleted == 0


@every()
async def test_a_token_of_others_in_a_heartbeat_counts_once(rig: MailboxRig) -> None:
    async with watching(rig) as one:
        await one.look()
        token = Mint(b"x" * 32).mint(0).word
        assert await rig.deliver(report(f"Nightly backup finished: {token}")) == 1
        assert (await one.look()).last_at is not None
        assert one.watcher.statistics.rejected == {Rejection.FOREIGN_INSTANCE: 1}


@every("keeps")
async def test_one_from_before_is_found_among_very_many_with_the_time_of_the_mailbox(
    rig: MailboxRig,
) -> None:
    await rig.deliver(report())
    there = Clock().wall()
    rig.fill(230)
    kept = rig.kept()
    async with watching(rig) as one:
        look = await one.look()
        assert look.last_at is not None
        assert abs(look.last_at - there) <= 2 * SECOND
        assert (await one.look()).last_at == look.last_at
    assert rig.kept() == kept


@every("keeps")
async def test_only_heartbeats_are_deleted_and_only_if_told(rig: MailboxRig) -> None:
    await rig.deliver(report(), FOREIGN % b"another's", report("Nightly backup failed"))
    async with watching(rig) as one:
        one.configure(delete=True)
        before = rig.kept()
        look = await one.look()
        assert look.last_at is not None
        async with asyncio.timeout(10):
            while one.watcher.statistics.deleted == 0:
                await asyncio.sleep(0.02)
        await one.close()
        gone = {mail.content for mail in before} - {mail.content for mail in rig.kept()}
        assert len(gone) == 1
        assert b"backup finished" in gone.pop()
