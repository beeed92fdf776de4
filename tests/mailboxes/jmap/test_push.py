"""Events about new messages."""

import asyncio

import pytest

from exporter.core.timing.wake import Wake
from exporter.mailboxes.jmap.push import PAUSE
from tests.mailboxes.jmap.test_session import LONG
from tests.support.jmap_rig import message, opened, rig
from tests.support.jmap_server import JmapCut, path_of
from tests.support.left_behind import until


async def test_an_event_ends_the_wait() -> None:
    async with opened() as (session, here):
        assert await session.scan() == []
        await session.wait(LONG, Wake())  # it has begun to listen
        assert await session.scan() == []
        waiting = asyncio.ensure_future(session.wait(LONG, Wake()))
        await until(lambda: here.server.streams == 1)
        await here.server.put(message("hello"))
        async with asyncio.timeout(10):
            await waiting
        (found,) = await session.scan()
        assert found.watched
        assert "S: event" in here.transcript


async def test_an_event_about_what_is_known_already_wakes_nobody() -> None:
    async with opened() as (session, here):
        await session.wait(LONG, Wake())
        await until(lambda: here.server.streams == 1)
        await here.server.put(message("hello"))
        assert len(await session.scan()) == 1
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await session.wait(LONG, Wake())


@pytest.mark.slow
async def test_a_server_without_events_is_asked_for_them_once() -> None:
    async with rig() as here:
        here.server.offers_events = False
        async with here.session() as session:
            for _ in range(3):
                await session.wait(1.001, Wake())
                assert await session.scan() == []
        asked = [path_of(one) for one in here.server.requests].count("/events")
        assert asked == 1


@pytest.mark.slow
async def test_a_stream_that_ends_is_no_failure_and_is_opened_again() -> None:
    async with opened() as (session, here):
        here.server.acts["events"] = JmapCut()
        async with asyncio.timeout(10):
            await session.wait(1.5, Wake())
        assert await session.scan() == []
        assert "no events" in here.transcript
        del here.server.acts["events"]
        here.ahead += PAUSE
        await session.wait(LONG, Wake())
        await until(lambda: here.server.streams == 1)
