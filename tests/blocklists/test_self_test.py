"""The test that every list has to pass."""

import asyncio

import dns.rcode
import pytest

from exporter.blocklists.self_test import NO_ZONE
from exporter.core.model import ListState
from tests.blocklists.test_blocklists import BL, Said, lists_of, questions
from tests.support.blocklist_rig import BlocklistRig, a_list
from tests.support.broken_nameserver import names_server
from tests.support.fast_forward import fast_forward


async def test_a_list_is_tested_once_for_all_who_wait_and_again_an_hour_later() -> None:
    async with names_server(lists_of()) as server:
        rig = BlocklistRig(server.address)
        await asyncio.gather(*(rig.look_up(BL, f"192.0.2.{number}") for number in range(50)))
        assert questions(server).count("2.0.0.127") == 1
        rig.time.leap(3500)
        await rig.look_up(BL, "192.0.2.1")
        assert questions(server).count("2.0.0.127") == 1
        rig.time.leap(100)
        await rig.look_up(BL, "192.0.2.1")
        assert questions(server).count("2.0.0.127") == 2


async def test_a_resolver_that_forgets_all_names_is_noticed_within_an_hour() -> None:
    async with names_server(lists_of(ip192_0_2_1=["127.0.0.2"])) as server:
        rig = BlocklistRig(server.address)
        assert (await rig.look_up(BL, "192.0.2.1")).state is ListState.LISTED
        server.saying = lambda name, kind: dns.rcode.NXDOMAIN
        rig.time.leap(3600)
        listing = await rig.look_up(BL, "192.0.2.1")
    assert listing.state is ListState.UNKNOWN
    assert "it does not list the test entry 127.0.0.2" in listing.text


NOTHING: Said = dns.rcode.NXDOMAIN


@pytest.mark.parametrize(
    ("zone", "above", "state"),
    [
        (NOTHING, NOTHING, ListState.UNKNOWN),
        ([], NOTHING, ListState.CLEAN),
        (["192.0.2.80"], NOTHING, ListState.CLEAN),
        (NOTHING, [], ListState.CLEAN),  # some servers of lists deny their own zone
        (dns.rcode.SERVFAIL, NOTHING, ListState.CLEAN),  # no denial
        (dns.rcode.REFUSED, NOTHING, ListState.CLEAN),
        (None, NOTHING, ListState.CLEAN),
    ],
)
@fast_forward
async def test_a_list_without_a_test_entry_is_usable_if_its_zone_is_not_denied(
    zone: Said, above: Said, state: ListState
) -> None:
    known = {"key.bl.test.example": zone, "test.example": above}
    blind = a_list("{key}.bl.test.example", key="key", test_points=False)
    async with names_server(lambda name, kind: known.get(name, NOTHING)) as server:
        rig = BlocklistRig(server.address, timeout=0.5)
        listing = await rig.look_up(blind, "192.0.2.1")
        assert listing.state is state
        assert listing.text == (NO_ZONE if state is ListState.UNKNOWN else "")
        assert rig.lists.statistics["bl.test.example"].usable is (state is ListState.CLEAN)
        assert rig.lists.statistics["bl.test.example"].failures == {}
        assert not any("key" in query.blocklist for query in rig.queries)
        assert len(rig.queries) == (1 if state is ListState.UNKNOWN else 2)
        assert {name for name, _ in server.asked} <= known.keys() | {
            "1.0.0.127.key.bl.test.example",
            "1.2.0.192.key.bl.test.example",
        }


async def test_a_list_with_a_test_entry_needs_no_zone() -> None:
    async with names_server(lists_of()) as server:
        assert (await BlocklistRig(server.address).look_up(BL, "192.0.2.1")).state == "clean"
        assert "bl.test" not in questions(server)


async def test_a_listing_is_believed_only_of_a_list_that_was_tested_lately() -> None:
    async with names_server(lists_of(ip192_0_2_1=["127.0.0.3"])) as server:
        rig = BlocklistRig(server.address)
        await rig.look_up(BL, "192.0.2.2")
        rig.time.leap(601)
        assert (await rig.look_up(BL, "192.0.2.1")).state is ListState.LISTED
        assert questions(server).count("1.0.0.127") == 2


@pytest.mark.slow
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
