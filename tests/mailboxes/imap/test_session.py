"""Waiting in an IMAP mailbox: it ends when there is a reason, and at once when the connection
breaks."""

import asyncio

import pytest

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.timing.wake import Wake
from tests.support.imap_rig import opened

LONG = 3600.0


async def test_a_message_that_is_pushed_ends_the_wait_and_was_seen_at_that_moment() -> None:
    async with opened("wait-idling") as (session, here):
        assert await session.scan() == []
        waiting = asyncio.ensure_future(session.wait(LONG, Wake()))
        await here.peer.here.wait()
        here.now = 2001.0
        here.peer.go_on.set()
        await waiting
        here.now = 2002.0
        pushed, told, read = await session.scan()
        assert (pushed.seen_at, told.seen_at, read.seen_at) == (2001.0, 2002.0, 2002.0)


async def test_each_message_is_seen_when_the_server_first_tells_of_it() -> None:
    async with opened("wait-without-idle") as (session, here):
        waiting = asyncio.ensure_future(session.wait(LONG, Wake()))
        here.now = 2001.0
        here.peer.go_on.set()
        await waiting
        here.now = 2002.0
        assert [sighting.seen_at for sighting in await session.scan()] == [2001.0]


async def test_a_refused_idle_is_not_tried_again() -> None:
    async with opened("wait-refused") as (session, here):
        wake = Wake()
        waiting = asyncio.ensure_future(session.wait(LONG, wake))
        await here.peer.here.wait()
        wake.set()
        await waiting
        wake.clear()
        here.peer.go_on.set()
        await session.wait(LONG, wake)
        assert len(await session.scan()) == 1


async def test_a_server_that_ends_the_idling_at_once_is_not_asked_again_at_once() -> None:
    async with opened("wait-ended-at-once") as (session, here):
        waiting = asyncio.ensure_future(session.wait(LONG, Wake()))
        await here.run.wait_for_line("S: * 0 RECENT")
        assert not waiting.done()
        here.peer.go_on.set()  # what the server announces without being asked is heard
        await waiting
        assert len(await session.scan()) == 1


async def test_somebody_in_a_hurry_ends_the_wait() -> None:
    async with opened("wait-woken") as (session, here):
        wake = Wake()
        waiting = asyncio.ensure_future(session.wait(LONG, wake))
        await here.peer.here.wait()
        wake.set()
        await waiting
        await session.wait(LONG, wake)  # still set: nothing to wait for
        assert await session.scan() == []


async def test_a_cancelled_wait_ends_the_session_and_leaves_no_task() -> None:
    tasks = asyncio.all_tasks()
    async with opened("wait-cancelled") as (session, here):
        waiting = asyncio.ensure_future(session.wait(LONG, Wake()))
        await here.run.wait_for_line("S: + idling")
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        with pytest.raises(ProbeError, match="mailtrip closed"):
            await session.scan()
    assert asyncio.all_tasks() == tasks


@pytest.mark.parametrize("seconds", [0.9, LONG])
async def test_a_connection_that_breaks_is_noticed_while_waiting(seconds: float) -> None:
    dialogue = "wait-and-break" if seconds < 1 else "wait-and-break-idling"
    async with opened(dialogue) as (session, here):
        waiting = asyncio.ensure_future(session.wait(seconds, Wake()))
        here.peer.go_on.set()
        with pytest.raises(ProbeError) as caught:
            await waiting
        assert (caught.value.reason, here.run.failure(caught.value).step) == (
            Reason.DISCONNECTED,
            Step.IDLE,
        )


async def test_a_server_that_does_not_answer_logout_is_left_alone() -> None:
    async with opened("logout-without-an-answer") as (session, here):
        await session.close()
        session.abort()
        assert "LOGOUT was not answered" in here.transcript


async def test_a_server_that_is_gone_is_not_asked_to_log_out() -> None:
    async with opened("wait-and-break") as (session, here):
        waiting = asyncio.ensure_future(session.wait(0.9, Wake()))
        here.peer.go_on.set()
        with pytest.raises(ProbeError):
            await waiting
        await session.close()
