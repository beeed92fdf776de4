"""What every mailbox promises to the watcher (the protocol `Session`), tested against the real
thing."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import TypeVar

import pytest

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.core.timing.clock import Clock
from exporter.core.timing.wake import Wake
from exporter.core.trace.run import Run
from exporter.core.trace.trace import Trace
from exporter.mailboxes import MailboxOptions
from exporter.mailboxes.session import (
    READ_LIMIT,
    WHOLE_LIMIT,
    Mailbox,
    ReadsWhole,
    Session,
    Sighting,
)
from tests.support.left_behind import nothing_left_behind
from tests.support.mailbox_rig import FOREIGN, LONG, MailboxRig
from tests.support.mailbox_rigs import RIGS, every
from tests.support.wanting import those

OURS = b"From: <a@lab.test>\r\nTo: <b@lab.test>\r\nSubject: ours %d\r\n\r\nHello.\r\n"


# Seconds.
MOMENTS = (0, 0, 0.0005, 0.001, 0.0015, 0.002, 0.003, 0.004, 0.006, 0.008, 0.012, 0.02, 0.05)
Result = TypeVar("Result")


def is_ours(raw: bytes) -> bool:
    return b"Subject: ours" in raw


def numbers(sightings: list[Sighting]) -> list[int]:
    """Which messages of ours are among them."""
    return sorted(
        int(one.raw.partition(b"Subject: ours ")[2].split()[0])
        for one in sightings
        if is_ours(one.raw)
    )


@asynccontextmanager
async def opened(mailbox: Mailbox, run: Run | None = None) -> AsyncIterator[Session]:
    """An open session that has looked at what was there before."""
    session = await mailbox.open(run or Run(Clock()), those(is_ours))
    try:
        yield session
        await session.close()
    finally:
        session.abort()


async def found(session: Session, count: int) -> list[Sighting]:
    """Polls and waits, as the watcher does, until there are so many messages."""
    sightings: list[Sighting] = []
    async with asyncio.timeout(30):
        while len(sightings) < count:
            sightings += await session.scan()
            if len(sightings) < count:
                await session.wait(0.02, Wake())
    return sightings


def test_every_kind_of_mailbox_has_a_rig() -> None:
    lacking = sorted(set(MailboxOptions.choices) - RIGS.keys())
    assert not lacking, (
        f"write a rig for {lacking} and put it into RIGS, in tests/support/mailbox_rigs.py"
    )
    assert RIGS.keys() <= set(MailboxOptions.choices)


@every()
async def test_a_message_is_found_once_at_the_moment_it_came_and_deleted(
    rig: MailboxRig,
) -> None:
    clock, before = Clock(), rig.kept()
    async with opened(rig.mailbox()) as session:
        await found(session, len(before))
        sent = clock.monotonic()
        await rig.deliver(OURS % 1)
        (sighting,) = await found(session, 1)
        assert (numbers([sighting]), sighting.watched, sighting.junk) == ([1], True, False)
        assert sent < sighting.seen_at <= clock.monotonic()
        assert sighting.delay_since(sent, Clock()) == pytest.approx(sighting.seen_at - sent)
        assert await session.scan() == []
        await session.delete([sighting])
        assert rig.kept() == before
        assert await session.scan() == []
        assert session.messages == len(before)


@every()
async def test_a_burst_is_found_completely(rig: MailboxRig) -> None:
    before = rig.kept()
    async with opened(rig.mailbox()) as session:
        await found(session, len(before))
        delivering = asyncio.gather(*(rig.deliver(OURS % number) for number in range(20)))
        sightings = await found(session, 20)
        await delivering
        assert numbers(sightings) == list(range(20))
        assert all(sighting.watched for sighting in sightings)
        await session.delete(sightings)
        assert rig.kept() == before


@every("keeps")
async def test_what_was_there_before_is_found_and_not_watched(rig: MailboxRig) -> None:
    await rig.deliver(OURS % 1)
    before = rig.kept()
    async with opened(rig.mailbox()) as session:
        sightings = await found(session, len(before))
        assert numbers(sightings) == [1]
        assert not any(
            sighting.watched or sighting.delay_since(0.0, Clock()) for sighting in sightings
        )
    assert rig.kept() == before


@every("keeps")
async def test_what_came_between_two_sessions_is_found_by_the_second(rig: MailboxRig) -> None:
    mailbox = rig.mailbox()
    async with opened(mailbox) as session:
        await found(session, len(rig.kept()))
    await rig.deliver(OURS % 1)
    async with opened(mailbox) as session:
        (sighting,) = await found(session, 1)
        assert numbers([sighting]) == [1]
        await session.delete([sighting])
    assert len(rig.kept()) == 1


@every("has_junk")
async def test_a_message_in_the_folder_for_junk_is_found_and_deleted(rig: MailboxRig) -> None:
    before = rig.kept()
    async with opened(rig.mailbox()) as session:
        await found(session, len(before))
        await rig.deliver(OURS % 1, FOREIGN % b"buy now", folder="Junk")
        ours, theirs = sorted(
            await found(session, 2), key=lambda sighting: is_ours(sighting.raw), reverse=True
        )
        assert (ours.folder, ours.junk, ours.watched, theirs.junk) == ("Junk", True, True, True)
        await session.delete([ours])
    left = [mail for mail in rig.kept() if mail not in before]
    assert [(mail.folder, b"buy now" in mail.content) for mail in left] == [("Junk", True)]


@every("keeps")
async def test_of_a_thousand_messages_of_others_none_is_touched(rig: MailboxRig) -> None:
    rig.fill(1000)
    before = rig.kept()
    assert {mail.flags for mail in before} >= {"", "S", "FS", "T"}
    async with opened(rig.mailbox()) as session:
        await session.scan()
        await rig.deliver(OURS % 1)
        sightings: list[Sighting] = []
        while not numbers(sightings):
            sightings += await found(session, 1)
        await session.delete([one for one in sightings if is_ours(one.raw)])
    assert rig.kept() == before


@every("keeps")
async def test_a_message_that_is_gone_already_is_no_mistake(rig: MailboxRig) -> None:
    async with opened(rig.mailbox()) as session:
        await found(session, len(rig.kept()))
        await rig.deliver(OURS % 1, OURS % 2)
        sightings = await found(session, 2)
        rig.lose()
        await session.delete(sightings)
        await session.delete(sightings)
        assert await session.scan() == []


@every()
async def test_waiting_ends_when_it_is_told_to_and_when_the_time_is_over(
    rig: MailboxRig,
) -> None:
    async with opened(rig.mailbox()) as session:
        await found(session, len(rig.kept()))
        wake = Wake()
        waiting = asyncio.ensure_future(session.wait(LONG, wake))
        await asyncio.sleep(0)
        wake.set()
        await waiting
        await session.wait(LONG, wake)
        await session.wait(0.01, Wake())


@every()
async def test_a_message_ends_the_wait_for_it(rig: MailboxRig) -> None:
    async with opened(rig.mailbox()) as session:
        await found(session, len(rig.kept()))
        waiting = asyncio.ensure_future(waited_for_news(session, rig))
        await asyncio.sleep(0)
        await rig.deliver(OURS % 1)
        assert numbers(await waiting) == [1]


@every("can_be_cut")
async def test_a_mailbox_that_is_taken_away_is_noticed_at_once(rig: MailboxRig) -> None:
    run = Run(Clock())
    session = await rig.mailbox().open(run, those(is_ours))
    await found(session, len(rig.kept()))
    waiting = asyncio.ensure_future(waited_for_news(session, rig))
    await asyncio.sleep(0.05)
    rig.cut()
    with pytest.raises(ProbeError) as caught:
        await waiting
    assert caught.value.reason in (Reason.DISCONNECTED, Reason.CONNECT, Reason.UNAVAILABLE)
    assert run.failure(caught.value).step is not None
    await session.close()
    with pytest.raises(ProbeError):
        await rig.mailbox().open(Trace(Clock()), those(is_ours))
    rig.mend()
    async with opened(rig.mailbox()) as session:
        assert await found(session, 1)


async def waited_for_news(session: Session, rig: MailboxRig) -> list[Sighting]:
    """What a session says that waits as long as its kind may, and looks after each wait."""
    async with asyncio.timeout(30):
        while True:
            await session.wait(rig.patience, Wake())
            if sightings := await session.scan():
                return sightings


@every()
async def test_closing_is_polite_and_aborting_is_not(rig: MailboxRig) -> None:
    async with nothing_left_behind():
        for polite in (True, False):
            run = Run(Clock())
            session = await rig.mailbox().open(run, those(is_ours))
            await session.scan()
            if polite:
                await session.close()
            session.abort()
            session.abort()
            await session.close()
            sent = [line for line in run.transcript if "C: " in line]
            said = [line for line in sent if rig.goodbye and rig.goodbye in line]
            assert bool(said) == bool(rig.goodbye and polite), run.transcript


@every()
@pytest.mark.slow
async def test_cancelling_at_any_moment_leaves_no_task_and_no_socket(rig: MailboxRig) -> None:
    if rig.keeps:
        await rig.deliver(*(OURS % number for number in range(3)))
    mailbox = rig.mailbox()
    async with nothing_left_behind():
        for moment in MOMENTS:
            opening = await cancelled_after(moment, mailbox.open(Trace(Clock()), those(is_ours)))
            if opening:
                opening.abort()
    for act in (scan, wait, delete):
        async with nothing_left_behind():
            for moment in MOMENTS:
                session = await mailbox.open(Trace(Clock()), those(is_ours))
                sightings = await session.scan()
                await cancelled_after(moment, act(session, sightings))
                session.abort()


def scan(session: Session, sightings: list[Sighting]) -> Awaitable[object]:
    return session.scan()


def wait(session: Session, sightings: list[Sighting]) -> Awaitable[object]:
    return session.wait(LONG, Wake())


def delete(session: Session, sightings: list[Sighting]) -> Awaitable[object]:
    return session.delete(sightings)


async def cancelled_after(seconds: float, act: Awaitable[Result]) -> Result | None:
    """Begins, cancels it after this time, and returns what it had brought until then."""
    task = asyncio.ensure_future(act)
    await asyncio.sleep(seconds)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, ProbeError):
        return await task
    return None


@every()
async def test_a_long_message_of_ours_is_read_as_a_whole_when_that_is_asked_for(
    rig: MailboxRig,
) -> None:
    """As a trip asks that must know whether an attachment is as it was sent."""
    before, end = rig.kept(), b"the last line\r\n"
    long = OURS % 1 + b"0123456789 abcdefghijklmnopqrstuvwxyz.\r\n" * 5000 + end
    async with opened(rig.mailbox()) as session:
        await found(session, len(before))
        await rig.deliver(long)
        (sighting,) = await found(session, 1)
        assert sighting.cut
        assert len(sighting.raw) <= READ_LIMIT + 1000
        assert isinstance(session, ReadsWhole), "answer `whole`, or say here why this kind cannot"
        whole = await session.whole(sighting, WHOLE_LIMIT)
        assert whole.replace(b"\r\n", b"\n").endswith(long[-4000:].replace(b"\r\n", b"\n"))
        assert b"Subject: ours 1" in whole
        await session.delete([sighting])
        assert rig.kept() == before
