"""The test that every list has to pass."""

import asyncio

from exporter.core.model import ListState
from tests.blocklists.test_blocklists import BL, lists_of, questions
from tests.support.blocklist_rig import BlocklistRig
from tests.support.broken_nameserver import names_server


async def test_a_list_is_tested_once_for_all_who_wait_and_again_a_day_later() -> None:
    async with names_server(lists_of()) as server:
        rig = BlocklistRig(server.address)
        await asyncio.gather(*(rig.look_up(BL, f"192.0.2.{number}") for number in range(50)))
        assert questions(server).count("2.0.0.127") == 1
        rig.time.leap(86400)
        await rig.look_up(BL, "192.0.2.1")
        assert questions(server).count("2.0.0.127") == 2


async def test_a_listing_is_believed_only_of_a_list_that_was_tested_lately() -> None:
    async with names_server(lists_of(ip192_0_2_1=["127.0.0.3"])) as server:
        rig = BlocklistRig(server.address)
        await rig.look_up(BL, "192.0.2.2")
        rig.time.leap(601)
        assert (await rig.look_up(BL, "192.0.2.1")).state is ListState.LISTED
        assert questions(server).count("1.0.0.127") == 2


async def test_one_who_goes_away_takes_the_test_from_nobody() -> None:
    async with names_server(lists_of(ip127_0_0_1=None)) as server:
        rig = BlocklistRig(server.address)
        first = asyncio.create_task(rig.look_up(BL, "192.0.2.1"))
        second = asyncio.create_task(rig.look_up(BL, "192.0.2.2"))
        while not server.asked:
            await asyncio.sleep(0)
        first.cancel()
        server.saying = lists_of()  # the question is repeated after two seconds
        assert (await second).state is ListState.CLEAN
