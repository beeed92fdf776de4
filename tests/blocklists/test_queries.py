"""Queries to lists, and what their answers say."""

import asyncio

import dns.rcode
import pytest

from exporter.blocklists.list_status import MOST_FAILURES, Query
from exporter.blocklists.names import Subject
from exporter.core.model import ListState
from tests.blocklists.test_blocklists import BL, Said, lists_of
from tests.support.blocklist_rig import BlocklistRig, a_list
from tests.support.broken_nameserver import names_server
from tests.support.fast_forward import fast_forward


async def test_questions_that_wait_are_dropped_when_the_list_refuses() -> None:
    async with names_server(
        lists_of(**{f"ip192_0_2_{n}": ["127.255.255.255"] for n in range(200)})
    ) as server:
        rig = BlocklistRig(server.address)
        found = await asyncio.gather(
            *(rig.look_up(BL, f"192.0.2.{number}") for number in range(200))
        )
        assert {listing.state for listing in found} == {ListState.UNKNOWN}
        assert len(server.asked) <= 2 + 2 * 16


@pytest.mark.parametrize(
    ("said", "failure"),
    [
        (dns.rcode.SERVFAIL, "servfail"),
        (dns.rcode.REFUSED, "refused"),
        (None, "timeout"),
        (["203.0.113.7"], "senseless"),
        (["127.0.0.1"], "senseless"),
        ([], "senseless"),  # a resolver that hides addresses of 127.0.0.0/8, against rebinding
    ],
    ids=str,
)
@fast_forward
async def test_no_trouble_is_a_verdict(said: Said, failure: str) -> None:
    async with names_server(lists_of(ip192_0_2_1=said)) as server:
        rig = BlocklistRig(server.address, timeout=0.2)
        listing = await rig.look_up(BL, "192.0.2.1")
        assert (listing.state, listing.codes) == (ListState.UNKNOWN, ())
        assert listing.text
        assert list(rig.lists.statistics["bl.test"].failures) == [failure]
        assert [query.failure for query in rig.queries] == [None, None, failure]


@pytest.mark.slow
async def test_a_list_is_not_blamed_for_our_own_lateness() -> None:
    async with names_server(lists_of(ip192_0_2_1=None)) as server:
        rig = BlocklistRig(server.address, timeout=0.2)
        assert (await rig.look_up(BL, "192.0.2.2")).state is ListState.CLEAN
        rig.time.late = 1.0
        for _ in range(2 * MOST_FAILURES):
            listing = await rig.look_up(BL, "192.0.2.1")
            assert listing.state is ListState.UNKNOWN
            assert "mailtrip itself was late" in listing.text
        rig.queries.clear()
        rig.time.late = 1000.0
        assert (await rig.look_up(BL, "192.0.2.3")).state is ListState.CLEAN
        assert [query.duration for query in rig.queries] == [None]  # we do not know it
        assert rig.lists.statistics["bl.test"].usable
        assert not rig.lists.statistics["bl.test"].failures


@fast_forward
async def test_a_test_that_we_were_too_late_for_says_nothing_about_a_list() -> None:
    def silent(name: str, kind: str) -> Said:
        return None if late() else answers(name, kind)

    def late() -> bool:
        return bool(rig.time.late)

    answers = lists_of()
    async with names_server(silent) as server:
        rig = BlocklistRig(server.address, timeout=0.2)
        rig.time.late = 1.0
        assert (await rig.look_up(BL, "192.0.2.2")).state is ListState.UNKNOWN
        rig.time.late = 0.0
        assert (await rig.look_up(BL, "192.0.2.2")).state is ListState.CLEAN


async def test_each_query_is_told_to_the_one_who_asked_and_to_the_program() -> None:
    async with names_server(lists_of(ip192_0_2_1=["127.0.0.2"])) as server:
        rig, mine = BlocklistRig(server.address), list[Query]()
        await rig.lists.look_up(BL, Subject.of("192.0.2.1"), rig.run, mine.append)
        assert len(mine) == 4  # two for the test, the addresses, the reason
        assert mine == rig.queries
        assert all(query.blocklist == "bl.test" and query.duration for query in mine)


@pytest.mark.slow
async def test_questions_under_way_are_bounded_whatever_the_number_of_lists() -> None:
    def saying(name: str, kind: str) -> Said:
        tests: dict[str, Said] = {
            "2.0.0.127": ["127.0.0.2"],
            "1.0.0.127": dns.rcode.NXDOMAIN,
            "9.2.0.192": [],
        }
        return tests.get(name.rsplit(".", 2)[0])

    async with names_server(saying) as server:
        rig = BlocklistRig(server.address, timeout=1.0)
        lists = [a_list(f"l{number}.test") for number in range(20)]
        for one in lists:
            await rig.look_up(one, "192.0.2.9")  # so that all of them are tested
        asked, under_way = len(server.asked), list[int]()

        def count(query: Query) -> None:
            under_way.append(len(server.asked) - asked)

        subjects = [Subject.of(f"192.0.3.{number}") for number in range(20)]
        await asyncio.gather(
            *(rig.lists.look_up(one, it, rig.run, count) for one in lists for it in subjects)
        )
        assert 200 < under_way[0] <= 256
