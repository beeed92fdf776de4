"""A server may close the connection at one message. The others are read all the same."""

import pytest

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.mailboxes.imap.breaking import BreakingMessages
from exporter.mailboxes.imap.folder import Folder
from exporter.mailboxes.imap.session import ImapSession
from exporter.mailboxes.session import Sighting
from exporter.mailboxes.unreadable import FIRST_RETRY
from tests.support.imap_rig import ImapRig, opened, rig

ERROR = ProbeError(Reason.DISCONNECTED, "FETCH failed")


def seen(sightings: list[Sighting]) -> list[tuple[int, bytes]]:
    return [(sighting.ref.uid, sighting.raw) for sighting in sightings]


async def breaks(session: ImapSession, here: ImapRig) -> None:
    with pytest.raises(ProbeError, match="FETCH failed") as caught:
        await session.scan()
    assert caught.value.reason is Reason.DISCONNECTED
    here.now += 1


async def test_an_older_message_at_which_the_connection_ends_is_passed_over_for_a_while() -> None:
    async with rig("breaks-at-an-older-message") as here:
        for _ in range(2):
            async with here.session() as session:
                await breaks(session, here)
        async with here.session() as session:
            assert seen(await session.scan()) == [(31, b"hello")]
            await breaks(session, here)
        async with here.session() as session:
            await breaks(session, here)
        async with here.session() as session:
            assert seen(await session.scan()) == [(30, b"a"), (10, b"a")]
            assert session.unreadable_since(0) is None
            here.now += FIRST_RETRY
            assert seen(await session.scan()) == [(20, b"mended")]
            assert await session.scan() == []


async def test_a_new_message_at_which_the_connection_ends_may_be_ours() -> None:
    async with rig("breaks-at-a-new-message") as here:
        async with here.session() as session:
            assert await session.scan() == []
            await breaks(session, here)
        for _ in range(3):
            async with here.session() as session:
                await breaks(session, here)
        async with here.session() as session:
            assert seen(await session.scan()) == [(32, b"hello")]
            why = session.unreadable_since(1000)
            assert why
            assert "FETCH failed" in why.detail
            assert (why.reason, why.step) == (Reason.DISCONNECTED, Step.FETCH)
            assert session.unreadable_since(here.now) is None
            here.now += FIRST_RETRY
            await breaks(session, here)
        async with here.session() as session:
            here.now += FIRST_RETRY
            assert await session.scan() == []
            assert session.unreadable_since(1000)


async def test_a_new_message_that_is_refused_may_be_ours_until_it_is_shown() -> None:
    async with opened("new-message-refused") as (session, here):
        for _ in range(3):
            assert session.unreadable_since(0) is None
            assert await session.scan() == []
            here.now += 1
        why = session.unreadable_since(1000)
        assert why
        assert (why.reason, why.step) == (Reason.REJECTED, Step.FETCH)
        assert session.unreadable_since(here.now) is None
        assert seen(await session.scan()) == [(31, b"hello")]
        assert session.unreadable_since(0) is None


def folder() -> Folder:
    one = Folder("INBOX")
    one.validity = 9
    return one


def test_after_lost_connections_as_many_messages_are_read_alone_as_were_read_together() -> None:
    here, inbox = BreakingMessages(), folder()
    here.ended(inbox, {1, 2, 3}, ERROR, 0, new=False)
    assert not here.reads_alone(inbox)
    here.ended(inbox, {1, 2, 3}, ERROR, 0, new=False)
    assert here.reads_alone(inbox)
    assert not here.reads_alone(Folder("Junk"))
    here.passed(inbox, 2)
    assert here.reads_alone(inbox)
    here.passed(inbox, 2)
    assert not here.reads_alone(inbox)
    here.ended(inbox, (), ERROR, 0, new=False)
    here.all_read(inbox)
    assert not here.reads_alone(inbox)
    here.ended(inbox, (), ERROR, 0, new=False)
    assert not here.reads_alone(inbox)


def test_a_uid_means_another_message_in_another_folder_or_under_another_uidvalidity() -> None:
    here, inbox = BreakingMessages(), folder()
    for _ in range(2):
        assert here.unreadable(inbox) == []
        here.ended(inbox, {1}, ERROR, 0, new=True)
    assert here.unreadable(inbox) == [1]
    inbox.validity = 10
    assert here.unreadable(inbox) == []
    junk = Folder("Junk")
    junk.validity = 9
    assert here.unreadable(junk) == []
