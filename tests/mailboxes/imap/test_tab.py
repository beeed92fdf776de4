"""The tab of Gmail's inbox under which our message is shown."""

import pytest

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.core.timing.clock import Clock
from exporter.core.trace.trace import Trace
from exporter.mailboxes.watcher.closer_look import CloserLook
from tests.mailboxes.imap.test_deletion import sightings
from tests.support.imap_rig import opened


async def test_gmail_s_own_search_tells_the_tab_of_a_message_in_the_inbox() -> None:
    async with opened("gmail-tab", folders=["INBOX", "\\Junk"]) as (session, _):
        look = CloserLook(session, Trace(Clock()))
        assert [await look.tab(one) for one in sightings(7, 6)] == ["promotions", ""]
        # Not in the inbox, and of an inbox that was made again: nothing is asked.
        elsewhere = [*sightings(7, folder="[Gmail]/Spam"), *sightings(7, validity=8)]
        assert [await session.tab(one) for one in elsewhere] == ["", ""]
        with pytest.raises(ProbeError) as caught:
            await session.tab(*sightings(7))
        assert caught.value.reason is Reason.PROTOCOL


async def test_no_other_server_is_asked_for_tabs() -> None:
    async with opened("delete-with-uidplus") as (session, _):
        assert await CloserLook(session, Trace(Clock())).tab(*sightings(4)) == ""
        await session.delete([*sightings(4, 1, 2), *sightings(7, folder="Gone")])
