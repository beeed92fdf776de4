"""Deleting from an IMAP mailbox: exactly our messages, with whatever the server offers for it."""

from dataclasses import replace

import pytest

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.mailboxes.imap.folder import Ref
from exporter.mailboxes.session import Sighting
from tests.support.imap_rig import opened, rig


def sightings(*uids: int, folder: str = "INBOX", validity: int = 9) -> list[Sighting]:
    one = Sighting(Ref(9, 0), folder, b"", 0.0, True)
    return [replace(one, ref=Ref(validity, uid)) for uid in uids]


async def test_exactly_these_messages_are_expunged() -> None:
    async with opened("delete-with-uidplus") as (session, here):
        await session.delete([*sightings(4, 1, 2), *sightings(7, folder="Gone")])
        assert "folder Gone no longer exists" in here.transcript


async def test_many_are_deleted_by_the_hundred() -> None:
    async with opened("delete-many") as (session, _):
        await session.delete(sightings(*range(1, 151)))


async def test_without_uidplus_nothing_is_expunged_that_others_have_flagged() -> None:
    async with opened("delete-without-uidplus") as (session, here):
        await session.delete(sightings(1))
        assert "other messages in INBOX are flagged as deleted, too" in here.transcript
        await session.delete(sightings(2))
        await session.delete(sightings(3, validity=8))  # nothing of ours is left to be expunged


async def test_without_uidvalidity_a_message_is_deleted_only_if_it_is_still_ours() -> None:
    async with rig("another-message-with-our-uid") as here:
        async with here.session() as session:
            (ours, *_) = await session.scan()
            assert (ours.ref, ours.raw) == (Ref(0, 2), b"ours")
        async with here.session() as session:
            await session.delete([ours])
            assert (
                "message 2 in INBOX has the UID of a probe message, but is not" in here.transcript
            )
            (again, *_) = await session.scan()  # it is looked for
            assert (again.ref, again.raw) == (Ref(0, 1), b"ours")
            await session.delete([again])


async def test_only_gmail_needs_a_trash() -> None:
    async with opened("delete-beside-a-trash", folders=["INBOX", "\\Junk"]) as (session, _):
        await session.delete(sightings(4))


async def test_a_deletion_that_is_refused_is_told() -> None:
    async with opened("delete-refused") as (session, here):
        with pytest.raises(ProbeError, match="NOPERM") as caught:
            await session.delete(sightings(1))
        assert (caught.value.reason, here.run.failure(caught.value).step) == (
            Reason.REJECTED,
            Step.DELETE,
        )


async def test_at_gmail_messages_are_moved_to_the_trash_and_expunged_there() -> None:
    async with opened("gmail-delete", folders=["INBOX", "\\Junk"]) as (session, here):
        await session.delete([*sightings(7), *sightings(4, folder="[Gmail]/Spam", validity=3)])
        await session.delete(sightings(7))
        # Connected.
        assert [line for line in here.run.transcript if "-- " in line] == [here.run.transcript[0]]


async def test_at_gmail_a_message_that_is_not_in_the_trash_is_reported_and_others_stay() -> None:
    async with opened("gmail-not-in-the-trash") as (session, here):
        await session.delete(sightings(7))
        assert "-- some of the messages moved to [Gmail]/Trash are not there" in here.transcript


async def test_at_a_gmail_without_move_and_uidplus_messages_are_copied_and_only_ours_expunged() -> (
    None
):
    async with opened("gmail-without-move") as (session, here):
        await session.delete(sightings(7))
        assert "other messages in [Gmail]/Trash are flagged as deleted, too" in here.transcript


async def test_at_gmail_a_refused_move_leaves_the_ordinary_way() -> None:
    async with opened("gmail-move-refused") as (session, here):
        await session.delete(sightings(7))
        assert (
            "refuses to move to the folder [Gmail]/Trash: [CANNOT] not there: the messages lose"
            " only" in here.transcript
        )


async def test_at_gmail_a_move_that_is_not_understood_is_a_copy() -> None:
    async with opened("gmail-move-not-understood") as (session, _):
        await session.delete(sightings(7))


async def test_at_gmail_a_move_that_is_impossible_now_is_a_failure() -> None:
    async with opened("gmail-move-impossible-now") as (session, here):
        with pytest.raises(ProbeError, match="try again") as caught:
            await session.delete(sightings(7))
        assert (caught.value.reason, here.run.failure(caught.value).step) == (
            Reason.UNAVAILABLE,
            Step.DELETE,
        )


async def test_at_gmail_a_trash_that_is_hidden_leaves_the_ordinary_way() -> None:
    async with opened("gmail-without-a-trash") as (session, here):
        await session.delete(sightings(7))
        assert "-- no trash folder (is it hidden from IMAP?)" in here.transcript


async def test_at_gmail_what_is_found_in_the_trash_is_expunged_there() -> None:
    async with opened("gmail-trash-itself", folders=["\\Trash"]) as (session, _):
        await session.delete(sightings(7, folder="[Gmail]/Trash", validity=6))
