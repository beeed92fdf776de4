"""Manners and mishaps: what a list says is kept, a refusal is respected, and no key is shown."""

import asyncio
from dataclasses import replace
from ipaddress import IPv6Address

import dns.rcode
import pytest

from exporter.blocklists.blocklist import Blocklist
from exporter.blocklists.blocklists import NOT_PUBLIC, UNPROVEN
from exporter.blocklists.list_status import QueryFailure
from exporter.blocklists.names import Subject
from exporter.core.model import ListState
from tests.support.blocklist_rig import BlocklistRig, a_list
from tests.support.broken_nameserver import NamesServer, Saying, names_server

Said = list[str] | dns.rcode.Rcode | None


def lists_of(**listed: Said) -> Saying:
    """A healthy list at bl.test that says this of these addresses, whose dots are written as _, and
    so of the tests."""
    said = {name.removeprefix("ip").replace("_", "."): what for name, what in listed.items()}
    said.setdefault("127.0.0.2", ["127.0.0.2"])

    def saying(name: str, kind: str) -> Said:
        address = ".".join(reversed(name.removesuffix(".bl.test").split(".")[-4:]))
        if kind == "TXT":
            return [f'"why {name}"']
        return said.get(address, dns.rcode.NXDOMAIN)

    return saying


BL = a_list("bl.test")


def questions(server: NamesServer, kind: str = "A") -> list[str]:
    return [name.removesuffix(".bl.test") for name, asked in server.asked if asked == kind]


async def test_answers_are_kept_for_their_ttl_the_good_ones_too() -> None:
    async with names_server(lists_of(ip192_0_2_1=["127.0.0.3"]), ttl=300) as server:
        rig = BlocklistRig(server.address)
        for _ in range(3):
            assert (await rig.look_up(BL, "192.0.2.1")).codes == ("127.0.0.3",)
            assert (await rig.look_up(BL, "192.0.2.2")).state is ListState.CLEAN
        assert questions(server) == ["1.0.0.127", "2.0.0.127", "1.2.0.192", "2.2.0.192"]
        assert len(questions(server, "TXT")) == 1
        rig.time.leap(301)
        await rig.look_up(BL, "192.0.2.1")
        await rig.look_up(BL, "192.0.2.2")
        assert questions(server)[4:] == ["1.2.0.192", "2.2.0.192"]


async def test_the_transcript_names_the_states_as_pages_do() -> None:
    said = lists_of(ip192_0_2_1=["127.0.0.3"], ip192_0_2_3=dns.rcode.SERVFAIL)
    async with names_server(said) as server:
        rig = BlocklistRig(server.address)
        for last in (1, 2, 3):
            await rig.look_up(BL, f"192.0.2.{last}")
    lines = [line.partition(" 192.0.2.")[2] for line in rig.run.transcript]
    starts = ("1 listed: 127.0.0.3", "2 not listed", "3 unknown")
    for line, start in zip(lines, starts, strict=True):
        assert line.startswith(start)


async def test_who_asks_at_the_same_time_shares_one_query() -> None:
    async with names_server(lists_of(ip192_0_2_1=["127.0.0.3"])) as server:
        rig = BlocklistRig(server.address)
        await rig.look_up(BL, "192.0.2.9")  # tests the list
        answers = await asyncio.gather(*(rig.look_up(BL, "192.0.2.1") for _ in range(5)))
        assert [one.codes for one in answers] == [("127.0.0.3",)] * 5
        assert questions(server).count("1.2.0.192") == 1
        assert len(questions(server, "TXT")) == 1


@pytest.mark.slow
async def test_one_who_goes_away_leaves_the_answer_to_the_others() -> None:
    async with names_server(lists_of(ip192_0_2_1=None)) as server:
        rig = BlocklistRig(server.address, timeout=30)
        await rig.look_up(BL, "192.0.2.9")
        first, second = (asyncio.create_task(rig.look_up(BL, "192.0.2.1")) for _ in range(2))
        await asyncio.sleep(0.1)
        first.cancel()
        await asyncio.wait([first])
        assert not second.done()
        server.saying = lists_of(ip192_0_2_1=["127.0.0.3"])
        assert (await second).codes == ("127.0.0.3",)
        assert first.cancelled()


async def test_without_anyone_who_waits_a_question_ends() -> None:
    async with names_server(lists_of(ip192_0_2_1=None)) as server:
        rig = BlocklistRig(server.address, timeout=30)
        await rig.look_up(BL, "192.0.2.9")
        before = asyncio.all_tasks()
        both = [asyncio.create_task(rig.look_up(BL, "192.0.2.1")) for _ in range(2)]
        await asyncio.sleep(0.1)
        for one in both:
            one.cancel()
        await asyncio.wait(both)
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == before
        server.saying = lists_of(ip192_0_2_1=["127.0.0.3"])
        assert (await rig.look_up(BL, "192.0.2.1")).codes == ("127.0.0.3",)


@pytest.mark.parametrize("refusal", [["127.255.255.255"], dns.rcode.REFUSED], ids=str)
async def test_after_a_refusal_the_list_is_left_alone_each_time_longer(refusal: Said) -> None:
    async with names_server(lists_of(ip192_0_2_1=refusal)) as server:
        rig = BlocklistRig(server.address)
        pauses = []
        for pause in (60, 120, 240):
            assert (await rig.look_up(BL, "192.0.2.1")).state is ListState.UNKNOWN
            assert "refuse" in rig.lists.statistics["bl.test"].why
            asked = len(server.asked)
            rig.time.leap(pause - 1)
            assert (await rig.look_up(BL, "192.0.2.2")).state is ListState.UNKNOWN
            assert len(server.asked) == asked
            rig.time.leap(1)
            pauses.append(asked)
            server.saying = lists_of(ip127_0_0_1=refusal)  # now it refuses its test, too
        assert rig.lists.statistics["bl.test"].failures == {"refused": 3}
        server.saying = lists_of()
        rig.time.leap(240)
        assert (await rig.look_up(BL, "192.0.2.1")).state is ListState.CLEAN
        assert rig.lists.statistics["bl.test"].usable


@pytest.mark.slow
async def test_a_list_that_falls_silent_is_given_up_after_a_few_questions() -> None:
    async with names_server(lists_of(**{f"ip192_0_2_{n}": None for n in range(200)})) as server:
        rig = BlocklistRig(server.address, timeout=0.5)
        found = await asyncio.gather(
            *(rig.look_up(BL, f"192.0.2.{number}") for number in range(200))
        )
        assert {listing.state for listing in found} == {ListState.UNKNOWN}
        assert len(server.asked) <= 2 + 2 * 16
        assert "5 queries in a row failed" in rig.lists.statistics["bl.test"].why
        assert rig.lists.statistics["bl.test"].failures[QueryFailure.TIMEOUT] >= 5


async def test_a_domain_with_names_below_it_and_no_address_is_clean_on_a_list_that_lists() -> None:
    def saying(name: str, kind: str) -> Said:
        return {"test.dbl.test": ["127.0.1.2"], "org.dbl.test": []}.get(name, dns.rcode.NXDOMAIN)

    async with names_server(saying) as server:
        rig = BlocklistRig(server.address)
        assert (await rig.look_up(a_list("dbl.test", domains=True), "org")).state is ListState.CLEAN
        untested = a_list("dbl.test", domains=True, test_points=False, name="untested")
        assert (await rig.look_up(untested, "org")).state is ListState.UNKNOWN


async def test_an_ipv6_address_is_listed_by_its_nibbles() -> None:
    entries = {labels(address) for address in ("2001:db8::1", "::ffff:7f00:2")}

    def saying(name: str, kind: str) -> Said:
        return ["127.0.0.2" if kind == "A" else '"why"'] if name in entries else dns.rcode.NXDOMAIN

    async with names_server(saying) as server:
        rig = BlocklistRig(server.address)
        six = a_list("bl.test", ipv6=True)
        assert (await rig.look_up(six, "2001:DB8:0::1")).state is ListState.LISTED
        assert (await rig.look_up(six, "2001:db8::2")).state is ListState.CLEAN


def labels(address: str) -> str:
    return f"{IPv6Address(address).reverse_pointer.removesuffix('.ip6.arpa')}.bl.test"


async def test_a_truncated_answer_is_asked_for_again_over_tcp() -> None:
    codes = [f"127.0.0.{number}" for number in range(2, 250)]
    async with names_server(lists_of(ip192_0_2_1=codes), truncate=True) as server:
        listing = await BlocklistRig(server.address).look_up(BL, "192.0.2.1")
        assert (listing.state, len(listing.codes)) == (ListState.LISTED, 32)  # as many as are kept
        assert ("1.2.0.192.bl.test", "A") in server.asked_tcp
        assert listing.text == "why 1.2.0.192.bl.test"


async def test_cancelling_leaves_nothing_behind() -> None:
    async with names_server(lists_of(ip127_0_0_1=None)) as server:
        rig = BlocklistRig(server.address, timeout=1000.0)
        before = asyncio.all_tasks()
        waiting = asyncio.create_task(rig.look_up(BL, "192.0.2.1"))
        while not server.asked:
            await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        async with asyncio.timeout(20):
            await rig.lists.close()
        assert asyncio.all_tasks() == before


async def test_what_is_unknown_is_asked_again() -> None:
    async with names_server(lists_of(ip192_0_2_1=["203.0.113.7"])) as server:
        rig = BlocklistRig(server.address)
        assert (await rig.look_up(BL, "192.0.2.1")).state is ListState.UNKNOWN
        server.saying = lists_of()
        assert (await rig.look_up(BL, "192.0.2.1")).state is ListState.CLEAN


async def test_what_a_list_said_before_it_fell_is_asked_again() -> None:
    async with names_server(lists_of(ip192_0_2_2=["127.255.255.255"])) as server:
        rig = BlocklistRig(server.address)
        for subject in ("192.0.2.1", "192.0.2.2"):
            await rig.look_up(BL, subject)
        server.saying = lists_of(ip192_0_2_1=["127.0.0.2"])
        rig.time.leap(61)
        assert (await rig.look_up(BL, "192.0.2.1")).state is ListState.LISTED


@pytest.mark.slow
async def test_what_was_under_way_when_the_list_fell_is_not_kept() -> None:
    async with names_server(lists_of(ip192_0_2_1=None, ip192_0_2_2=["127.255.255.255"])) as server:
        rig = BlocklistRig(server.address)
        under_way = asyncio.create_task(rig.look_up(BL, "192.0.2.1"))
        while not questions(server).count("1.2.0.192"):
            await asyncio.sleep(0)
        await rig.look_up(BL, "192.0.2.2")
        server.saying = lists_of()  # the question is repeated after two seconds
        assert (await under_way).state is ListState.CLEAN
        server.saying = lists_of(ip192_0_2_1=["127.0.0.2"])
        rig.time.leap(61)
        assert (await rig.look_up(BL, "192.0.2.1")).state is ListState.LISTED


LISTS = [a_list(f"{name}.test") for name in ("a", "b")]
UNTESTED = a_list("c.test", test_points=False)


@pytest.mark.parametrize(
    ("lists", "said", "states"),
    [
        ([*LISTS, UNTESTED], {}, ("unknown", "unknown")),
        ([UNTESTED], {}, ("clean", "clean")),
        # A single list without its entry may have been shut down.
        ([LISTS[0], UNTESTED], {}, ("unknown", "clean")),
        # A refusal or no answer: the resolver does not hide entries.
        ([*LISTS, UNTESTED], {"2.0.0.127.a.test": ["127.255.255.254"]}, ("unknown", "clean")),
        ([*LISTS, UNTESTED], {"2.0.0.127.a.test": dns.rcode.SERVFAIL}, ("unknown", "clean")),
        ([*LISTS, UNTESTED], {"2.0.0.127.a.test": ["127.0.0.2"]}, ("clean", "clean")),
        ([*LISTS, UNTESTED], {"1.2.0.192.c.test": ["127.0.0.2"]}, ("listed", "listed")),
    ],
)
async def test_where_test_entries_are_missing_no_list_proves_that_it_lists_nothing(
    lists: list[Blocklist], said: dict[str, Said], states: tuple[str, str]
) -> None:
    """The careful answer is for one who asks once, the other for a probe that is not to alarm."""
    known: dict[str, Said] = {"c.test": [], **said}
    subject = Subject.of("192.0.2.1")
    async with names_server(lambda name, kind: known.get(name, dns.rcode.NXDOMAIN)) as server:
        rig = BlocklistRig(server.address)
        found = {(one, subject): await rig.look_up(one, subject.text) for one in lists}
        proven = [rig.lists.proven(found, careful=careful) for careful in (True, False)]
    assert [[*one] for one in proven] == [[*found]] * 2
    last = [one[UNTESTED, subject] for one in proven]
    assert tuple(one.state for one in last) == states
    assert all((one.text == UNPROVEN) is (one.state is ListState.UNKNOWN) for one in last)


async def test_a_list_that_was_not_asked_proves_nothing() -> None:
    """A public one is not asked about a private address, and so is not tested."""
    public, subject = replace(a_list("d.test"), public=True), Subject.of("10.0.0.1")
    known: dict[str, Said] = {"c.test": []}
    async with names_server(lambda name, kind: known.get(name, dns.rcode.NXDOMAIN)) as server:
        rig = BlocklistRig(server.address)
        lists = [*LISTS, UNTESTED, public]
        found = {(one, subject): await rig.look_up(one, subject.text) for one in lists}
        assert not any(name.endswith("d.test") for name in questions(server))
    assert found[public, subject].text == NOT_PUBLIC
    assert rig.lists.proven(found, careful=False)[UNTESTED, subject].text == UNPROVEN
