"""Which mailboxes of an account are looked into."""

import pytest

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from tests.support.jmap_rig import message, rig


async def test_without_an_inbox_the_failure_says_so() -> None:
    async with rig() as here:
        here.server.places = here.server.places[1:]
        with pytest.raises(ProbeError, match="role `inbox`") as caught:
            async with here.session():
                pass
        assert caught.value.reason is Reason.REJECTED


async def test_a_mailbox_for_junk_is_known_by_its_name_where_none_is_marked() -> None:
    async with rig() as here:
        here.server.places[1] |= {"role": None, "name": "Спам"}
        async with here.session() as session:
            await here.server.put(message("hello"), "junk")
            (found,) = await session.scan()
            assert (found.junk, found.folder) == (True, "Спам")
