"""A JMAP mailbox: changes, events, limits, and what it does not read."""

from itertools import pairwise

import pytest

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.core.timing.wake import Wake
from exporter.mailboxes.session import READ_LIMIT, Sighting
from tests.support.jmap_rig import message, opened, rig, subjects
from tests.support.jmap_server import Fails, JmapReply, path_of
from tests.support.left_behind import until

LONG = 60.0


async def test_a_timeout_of_the_session_can_name_its_server() -> None:
    async with opened() as (_, here):
        assert here.run.server == here.options.host


async def test_a_message_whose_blob_has_no_text_as_its_id_keeps_no_other_from_being_found() -> None:
    """JSON may have half a pair of surrogates."""
    async with opened() as (session, here):
        odd = await here.server.put(message("odd"))
        here.server.stored[odd].odd_blob = "\ud800"
        await here.server.put(message("hello"))
        assert subjects(await session.scan()) == ["hello"]


async def test_a_message_that_is_moved_into_the_junk_later_is_found() -> None:
    async with opened() as (session, here):
        name = await here.server.put(message("hello"), "sent")
        assert await session.scan() == []
        await here.server.move(name, "junk")
        (found,) = await session.scan()
        assert (found.junk, found.folder, found.watched) == (True, "Junk", True)
        await here.server.move(name, "inbox")
        assert await session.scan() == []


async def test_a_server_that_forgot_the_changes_is_scanned_again_and_nothing_comes_twice() -> None:
    async with opened() as (session, here):
        await here.server.put(message("one"))
        assert subjects(await session.scan()) == ["one"]
        await here.server.put(message("two"))
        here.server.forgets = True
        (found,) = await session.scan()
        assert (subjects([found]), found.watched) == (["two"], False)
        here.server.forgets = False
        await here.server.put(message("three"))
        assert subjects(await session.scan()) == ["three"]


async def test_a_state_that_is_forgotten_between_two_sessions_is_no_failure() -> None:
    async with rig() as here:
        async with here.session() as session:
            await here.server.put(message("one"))
            await session.scan()
        await here.server.put(message("two"))
        here.server.forgets = True
        async with here.session() as session:
            here.server.forgets = False
            assert subjects(await session.scan()) == ["two"]


@pytest.mark.slow
async def test_of_ten_thousand_messages_of_others_none_is_downloaded_or_changed() -> None:
    async with rig() as here:
        await here.server.fill(message(str(number)) for number in range(10_000))
        before = {name: (one.raw, *one.places) for name, one in here.server.stored.items()}
        async with here.session() as session:
            found: list[Sighting] = []
            while len(found) < len(before):
                found += await session.scan()
            assert subjects(found)[:2] == ["9999", "9998"]
            assert all(one.cut and not one.watched for one in found)
            ours = await here.server.put(message("ours"))
            (sighting,) = await session.scan()
            await session.delete([sighting])
        assert {name: (one.raw, *one.places) for name, one in here.server.stored.items()} == before
        downloads = [one for one in here.server.requests if "/download/" in path_of(one)]
        changes = [one for one in here.server.calls if one[0] == "Email/set"]
        assert len(downloads) == 1
        assert changes == [("Email/set", {"accountId": "a1", "destroy": [ours]})]


async def test_the_server_s_limits_are_obeyed() -> None:
    async with rig() as here:
        here.server.limits = {"maxObjectsInGet": 3, "maxObjectsInSet": 2, "maxCallsInRequest": 1}
        async with here.session() as session:
            for number in range(10):
                await here.server.put(message(str(number)))
            found: list[Sighting] = []
            while len(found) < 10:
                found += await session.scan()
            await session.delete(found)
        asked = [arguments for _, arguments in here.server.calls]
        assert max(len(one["ids"]) for one in asked if one.get("ids")) == 3
        assert [len(one["destroy"]) for one in asked if "destroy" in one] == [2] * 5
        assert here.server.stored == {}


async def test_of_a_large_message_the_beginning_is_read() -> None:
    async with opened() as (session, here):
        await here.server.put(message("large", b"x" * 3_000_000))
        await here.server.put(message("small"))
        large, small = await session.scan()
        assert (len(large.raw), large.cut) == (READ_LIMIT, True)
        assert (small.raw, small.cut) == (message("small"), False)


async def test_headers_that_are_too_long_cost_no_session() -> None:
    async with rig() as here:
        for number in range(3):
            await here.server.put(message(f"short {number}"))
        await here.server.put(b"X: " + b"x" * 2_000_000 + b"\r\n\r\n")
        async with here.session() as session:
            assert len(await session.scan()) == 3
        assert "too long" in here.transcript


async def test_a_server_that_wants_a_pause_gets_it() -> None:
    async with opened() as (session, here):
        here.server.acts["Email/changes"] = JmapReply(429, "", (("Retry-After", "120"),))
        assert await session.scan() == []
        here.server.acts.clear()
        await here.server.put(message("hello"))
        asked = len(here.server.requests)
        assert await session.scan() == []
        assert len(here.server.requests) == asked
        assert session.next_scan_at - here.run.now() == pytest.approx(120, abs=5)
        assert "120 s" in session.scan_limit
        here.ahead += 120
        assert subjects(await session.scan()) == ["hello"]


async def test_a_pause_outlives_the_session() -> None:
    async with rig() as here:
        here.server.acts["session"] = JmapReply(503, "", (("Retry-After", "120"),))
        for _ in range(3):
            with pytest.raises(ProbeError) as caught:
                async with here.session():
                    pass
            assert caught.value.reason is Reason.UNAVAILABLE
        here.server.acts.clear()
        assert [path_of(one) for one in here.server.requests].count("/session") == 1
        here.ahead += 120
        async with here.session() as session:
            assert await session.scan() == []


async def test_a_connection_that_was_closed_while_idle_is_opened_again() -> None:
    async with opened() as (session, here):
        assert await session.scan() == []
        for connection in list(here.server.runner.server.connections):  # type: ignore[union-attr]
            connection.transport.abort()
        here.ahead += 10
        await here.server.put(message("hello"))
        assert subjects(await session.scan()) == ["hello"]


async def test_a_message_that_is_gone_before_it_is_read_is_passed_over() -> None:
    async with opened() as (session, here):
        name = await here.server.put(message("one"))
        await here.server.put(message("two"))
        here.server.acts["download"] = JmapReply(404)
        assert await session.scan() == []
        del here.server.acts["download"]
        await here.server.lose(name)
        await here.server.put(message("three"))
        assert subjects(await session.scan()) == ["three"]


@pytest.mark.parametrize("kind", ["forbidden", "somethingNew"])
async def test_a_deletion_that_is_refused_is_told(kind: str) -> None:
    async with opened() as (session, here):
        await here.server.put(message("hello"))
        sightings = await session.scan()
        here.server.acts["Email/set"] = Fails(kind)
        with pytest.raises(ProbeError) as caught:
            await session.delete(sightings)
        assert kind in caught.value.detail
        assert len(here.server.stored) == 1


async def test_a_session_that_changes_is_read_again() -> None:
    async with opened() as (session, here):
        here.server.session_state = "s2"
        here.server.limits = {"maxObjectsInGet": 1}
        assert await session.scan() == []
        assert await session.scan() == []
        assert [path_of(one) for one in here.server.requests].count("/session") == 2
        assert "the session has changed" in here.transcript


async def test_what_a_scan_found_before_it_failed_comes_again() -> None:
    async with rig() as here:
        async with here.session() as session:
            await here.server.put(message("one"))
            here.server.acts["download"] = JmapReply(500)
            with pytest.raises(ProbeError):
                await session.scan()
        here.server.acts.clear()
        async with here.session() as session:
            (found,) = await session.scan()
            assert (subjects([found]), found.watched) == (["one"], True)


async def test_a_session_is_one_connection_and_one_for_events() -> None:
    async with opened() as (session, here):
        await session.wait(LONG, Wake())
        for _ in range(5):
            await session.scan()
        await until(lambda: here.server.streams == 1)
        assert here.server.clients == 2
        moments = [one.seen_at for one in await session.scan()]
        assert all(one <= another for one, another in pairwise(moments))
