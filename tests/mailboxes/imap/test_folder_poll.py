"""Looking into an IMAP mailbox: every message once, the new ones first, and the moment at which it
was seen."""

import asyncio

import pytest

from exporter.core.model import ProbeError
from exporter.core.steps import Step
from exporter.core.timing.clock import Clock
from exporter.core.timing.wake import Wake
from exporter.mailboxes.imap.folder import Ref
from exporter.mailboxes.session import READ_LIMIT, Sighting
from tests.support.imap_rig import opened, rig

LONG = 3600.0


def seen(sightings: list[Sighting]) -> list[tuple[int, bytes, bool]]:
    return [(sighting.ref.uid, sighting.raw, sighting.watched) for sighting in sightings]


async def test_new_messages_come_first_then_the_headers_of_older_ones() -> None:
    async with opened("scan") as (session, here):
        first = await session.scan()
        assert seen(first) == [
            (31, b"hello", True),
            (10, b"a", False),
            (20, b"b", False),
            (30, b"c", False),
        ]
        assert [sighting.cut for sighting in first] == [False, True, True, True]
        assert session.messages == 5
        assert seen(await session.scan()) == [(32, b"fifth", True)]
        assert session.messages == 4
        assert await session.scan() == []
        assert await session.scan() == []
        assert "hello" not in here.transcript
        assert "{5 bytes}" in here.transcript


async def test_polls_that_find_nothing_leave_no_trace() -> None:
    async with opened("poll") as (session, here):
        here.run.spans.clear()
        lines = len(here.run.transcript)
        assert await session.scan() == []
        assert (here.run.spans, len(here.run.transcript)) == ([], lines)


async def test_a_server_that_announces_nothing_is_doubted_and_its_folder_selected_again() -> None:
    async with opened("silent-until-selected") as (session, here):
        assert await session.scan() == []
        here.now += 5.1
        assert await session.scan() == []
        here.now += 5.1  # the second time, it is left alone for longer
        assert await session.scan() == []
        here.now += 5.1
        assert seen(await session.scan()) == [(31, b"hello", False)]
        assert "INBOX has messages that the server did not announce" in here.transcript


async def test_a_server_that_announces_is_trusted() -> None:
    async with opened("announced") as (session, here):
        for expected in ([(31, b"hello", True)], [], [], []):
            assert seen(await session.scan()) == expected
            here.now += 15


async def test_whoever_is_about_to_fail_has_all_folders_selected_again() -> None:
    async with opened("doubted", folders=["INBOX", "\\Junk"]) as (session, here):
        assert await session.scan() == []
        session.recheck()
        found = await session.scan()
        assert [(sighting.folder, sighting.raw, sighting.watched) for sighting in found] == [
            ("INBOX", b"hello", False),
            ("Junk", b"spam", False),
        ]
        assert await session.scan() == []
        assert all(sighting.delay_since(999.0, Clock()) is None for sighting in found)
        assert here.now == 1000.0


async def test_a_server_may_keep_its_uidnext_for_itself() -> None:
    async with opened("no-uidnext") as (session, _):
        assert seen(await session.scan()) == [(6, b"a", False)]
        assert seen(await session.scan()) == [(8, b"new", True)]


async def test_of_many_new_messages_the_oldest_come_first_and_nobody_waits_before_the_rest() -> (
    None
):
    async with opened("many-new") as (session, _):
        for first, last in ((1, 100), (101, 200), (201, 250)):
            sightings = await session.scan()
            assert [sighting.ref.uid for sighting in sightings] == list(range(first, last + 1))
            if last < 250:
                await session.wait(LONG, Wake())


async def test_of_many_older_messages_the_newest_thousand_are_looked_at_bit_by_bit() -> None:
    async with opened("many-old") as (session, _):
        assert [sighting.ref.uid for sighting in await session.scan()][-100:] == list(
            range(901, 1001)
        )
        await session.wait(LONG, Wake())
        second = await session.scan()
        assert [sighting.ref.uid for sighting in second if sighting.watched] == [1001]
        assert {sighting.ref.uid for sighting in second} >= set(range(801, 901))


async def test_a_message_is_read_no_further_than_to_its_limit() -> None:
    async with opened("more-than-we-asked-for") as (session, _):
        (sighting,) = await session.scan()
        assert (sighting.raw, sighting.cut) == (b"x" * READ_LIMIT, True)


async def test_the_next_session_goes_on_where_the_last_one_ended() -> None:
    async with rig("two-sessions") as here:
        async with here.session() as first:
            assert seen(await first.scan()) == [(4, b"old", False)]
        async with here.session() as second:
            assert seen(await second.scan()) == [(5, b"in between", False), (6, b"new", True)]


async def test_what_a_failed_scan_read_is_read_again() -> None:
    async with rig("a-scan-that-fails-is-made-again") as here:
        async with here.session() as first:
            assert await first.scan() == []
            with pytest.raises(ProbeError) as caught:
                await first.scan()
            assert here.run.failure(caught.value).step is Step.FETCH
        async with here.session() as second:
            assert seen(await second.scan()) == [(5, b"hello", False)]


async def test_trouble_with_an_older_message_ends_one_session_and_not_the_next() -> None:
    async with rig("trouble-with-an-older-message") as here:
        async with here.session() as first:
            with pytest.raises(ProbeError, match="Internal error occurred"):
                await first.scan()
        async with here.session() as second:
            assert seen(await second.scan()) == [(30, b"hello", False), (10, b"hello", False)]


async def test_a_new_uidvalidity_means_a_new_sweep_and_saves_foreign_messages() -> None:
    async with rig("new-uidvalidity") as here:
        async with here.session() as first:
            (ours,) = await first.scan()
            assert ours.ref == Ref(9, 4)
        async with here.session() as second:
            assert seen(await second.scan()) == [(4, b"somebody's", False)]
            assert "INBOX has changed (UIDVALIDITY, UIDNEXT)" in here.transcript
            await second.delete([ours])
            assert "INBOX has a new UIDVALIDITY" in here.transcript
            assert await second.scan() == []


async def test_other_folders_are_looked_into_once_a_second_if_they_have_news() -> None:
    async with opened("special-use", folders=["INBOX", "\\Junk"]) as (session, here):
        assert await session.scan() == []
        here.now += 1.1
        visit = asyncio.ensure_future(session.scan())
        await here.peer.here.wait()
        # the first folder was out of sight for so long: what came there is not said to be watched
        here.now += 0.2
        here.peer.go_on.set()
        found = await visit
        assert seen(found) == [(5, b"new", True), (4, b"old", False)]
        assert {sighting.folder for sighting in found} == {'Ungültig "x"'}
        assert seen(await session.scan()) == [(1, b"in between", False)]
        here.now += 1.1
        assert await session.scan() == []
        await session.delete(found[:1])
        assert seen(await session.scan()) == [(2, b"meanwhile", True)]


async def test_another_folder_need_not_tell_its_uidnext() -> None:
    async with opened("status-without-uidnext", folders=["INBOX", "Other"]) as (session, here):
        for expected in ([(4, b"old", False)], [(5, b"new", True)]):
            here.now += 1.1
            assert seen(await session.scan()) == expected


async def test_a_message_that_select_counts_and_fetch_does_not_show_yet_is_found() -> None:
    async with opened("not-there-yet-at-select") as (session, here):
        assert await session.scan() == []
        session.recheck()
        assert await session.scan() == []
        here.now += 1.0
        assert seen(await session.scan()) == [(31, b"hello", False)]
