"""Look-ups by hand: all that belongs to a name, in three states, and never longer than allowed."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import dns.rcode
import pytest

from exporter.blocklists import lookups
from exporter.blocklists.blocklist import Blocklist
from exporter.blocklists.blocklists import UNPROVEN, Blocklists
from exporter.blocklists.lookup import Lookup
from exporter.blocklists.lookups import Lookups
from exporter.blocklists.names import TESTS, Subject, SubjectKind
from exporter.blocklists.self_test import NO_ZONE
from exporter.core.model import Exchanger, ListState
from exporter.core.timing.clock import Clock
from exporter.net.dns.resolver import Resolver
from tests.support.blocklist_rig import a_list
from tests.support.broken_nameserver import names_server
from tests.support.imap_attacker import Ticker
from tests.support.name_server import Zone, name_server
from tests.support.timed_turns import ATTEMPTS, LONGEST

LISTED, CLEAN, UNKNOWN = ListState.LISTED, ListState.CLEAN, ListState.UNKNOWN
LISTS = [
    a_list("bl.example", delisting="https://bl.example/off"),
    a_list("other.example", ipv6=True),
    a_list("dbl.example", domains=True),
]
ZONE: Zone = {
    "2.0.0.127.bl.example": {"A": ["127.0.0.2"]},
    "2.0.0.127.other.example": {"A": ["127.0.0.2"]},
    f"{TESTS[SubjectKind.IPV6][0].labels}.other.example": {"A": ["127.0.0.2"]},
    "test.dbl.example": {"A": ["127.0.0.2"]},
    "9.2.0.192.bl.example": {"A": ["127.0.0.3"], "TXT": ['"spam came from there"']},
    "bad.test.dbl.example": {"A": ["127.0.0.2"]},
    "bad.test": {"A": ["192.0.2.1"], "MX": ["10 mx.bad.test.", "20 BAD.test."]},
    "mx.bad.test": {"A": ["192.0.2.9"], "AAAA": ["2001:db8::9"]},
    "good.test": {"A": ["192.0.2.1"]},
    "null.test": {"A": ["192.0.2.1"], "MX": ["0 ."]},
    "broken.test": {"RCODE": ["SERVFAIL"]},
    "half.test": {"A": ["192.0.2.1"], "MX": ["10 mx.broken.test."]},
    "mx.broken.test": {"RCODE": ["SERVFAIL"]},
    "many.test": {"A": [f"192.0.2.{number}" for number in range(100, 130)]},
}


@asynccontextmanager
async def made(zone: Zone = ZONE, limit: float = 20.0) -> AsyncIterator[Lookups]:
    async with name_server(zone) as address:
        resolver, clock = Resolver([address], 2.0), Clock()
        yield Lookups(Blocklists(resolver, clock), resolver, clock, limit)


async def look_up(what: str, lists: list[Blocklist] = LISTS) -> Lookup:
    async with made() as those:
        return await those.run(Subject.of(what), lists)


def states(found: Lookup) -> dict[str, dict[str, str]]:
    return {
        one.subject.text: {listing.blocklist: str(listing.state) for listing in one.listings}
        for one in found.answers
    }


async def test_an_address_is_asked_about_where_addresses_are_listed() -> None:
    found = await look_up("192.0.2.9")
    assert states(found) == {"192.0.2.9": {"bl.example": "listed", "other.example": "clean"}}
    assert (found.state, found.problems) == (LISTED, ())
    assert found.notes == ()
    (answers,) = found.answers
    listing = answers.listings[0]
    assert (answers.origin, answers.state) == ("", LISTED)
    assert (listing.codes, listing.text) == (("127.0.0.3",), "spam came from there")
    assert listing.delisting == "https://bl.example/off"


async def test_a_domain_is_asked_about_with_its_addresses_and_those_of_its_exchangers() -> None:
    found = await look_up("Bad.test.")
    assert [(one.subject.text, one.origin, str(one.state)) for one in found.answers] == [
        ("bad.test", "", "listed"),
        ("192.0.2.1", "address of bad.test", "clean"),
        ("2001:db8::9", "address of the exchanger mx.bad.test", "clean"),
        ("192.0.2.9", "address of the exchanger mx.bad.test", "listed"),
    ]
    assert states(found)["bad.test"] == {"dbl.example": "listed"}
    assert states(found)["2001:db8::9"] == {"other.example": "clean"}


async def test_a_host_without_exchangers_is_itself_and_its_addresses() -> None:
    for name in ("good.test", "null.test"):
        found = await look_up(name)
        assert [one.subject.text for one in found.answers] == [name, "192.0.2.1"]
        assert (found.state, found.problems) == (CLEAN, ())


async def test_a_name_that_does_not_exist_may_be_on_lists_of_domains() -> None:
    found = await look_up("nobody.test")
    assert states(found) == {"nobody.test": {"dbl.example": "clean"}}
    assert (found.state, found.problems, found.notes) == (
        CLEAN,
        (),
        ("nobody.test has no address",),
    )


@pytest.mark.parametrize("name", ["broken.test", "half.test"])
async def test_addresses_that_are_hidden_are_never_clean(name: str) -> None:
    found = await look_up(name)
    assert found.state is UNKNOWN
    assert "no server could answer" in " ".join(found.problems)


async def test_of_many_addresses_the_first_are_asked_about_and_the_rest_is_said() -> None:
    found = await look_up("many.test")
    assert len(found.answers) == lookups.MOST_SUBJECTS
    assert found.problems == ("many.test has 30 addresses; only 15 of them were looked up",)
    assert found.state is UNKNOWN


@pytest.mark.slow
async def test_many_lists_get_fewer_subjects() -> None:
    many = [a_list("bl.example", name=f"list{number}") for number in range(300)]
    found = await look_up("many.test", many)
    questions = sum(len(one.listings) for one in found.answers)
    assert 0 < questions <= lookups.MOST_QUESTIONS
    assert "there are 300 lists; only the first 200 were asked" in found.problems


async def test_without_a_list_for_it_nobody_knows() -> None:
    assert (await look_up("192.0.2.1", [])).state is UNKNOWN
    found = await look_up("2001:db8::1", LISTS[:1])
    assert (states(found), found.state) == ({"2001:db8::1": {}}, UNKNOWN)


async def test_a_list_that_only_informs_decides_only_alone() -> None:
    info = a_list("bl.example", kind="info")
    assert (await look_up("192.0.2.9", [info, LISTS[1]])).state is CLEAN
    assert (await look_up("192.0.2.9", [info])).state is LISTED


async def test_a_list_that_lists_the_world_or_refuses_is_unknown() -> None:
    world = {f"{n}.0.0.127.all.example": {"A": ["127.0.0.2"]} for n in (1, 2)}
    refusal = {"2.0.0.127.err.example": {"A": ["127.255.255.254"]}}
    of_both = {f"9.2.0.192.{zone}.example": {"A": ["127.0.0.2"]} for zone in ("all", "err")}
    async with made(world | refusal | of_both) as those:
        lists = [a_list("all.example"), a_list("err.example")]
        found = await those.run(Subject.of("192.0.2.9"), lists)
    assert found.state is UNKNOWN
    everything, refusing = found.answers[0].listings
    assert (everything.state, refusing.state) == (UNKNOWN, UNKNOWN)
    assert "it lists everything" in everything.text
    assert "the list refuses our queries" in refusing.text


async def test_the_domain_that_a_host_is_in_is_a_subject_too() -> None:
    zone = {**ZONE, "www.bad.test": {"A": ["192.0.2.1"], "SOA": ["ns. a. 1 1 1 1 1"]}}
    above = {"bad.test": {**zone["bad.test"], "SOA": zone["www.bad.test"]["SOA"]}}
    www = {"www.bad.test": {"CNAME": ["bad.test."]}}
    async with made({**zone, **above, **www}) as those:
        found = await those.run(Subject.of("www.bad.test"), LISTS)
        alone = await those.run(Subject.of("bad.test"), LISTS)
    named = [(one.subject.text, one.origin) for one in found.answers]
    assert named[:2] == [("www.bad.test", ""), ("bad.test", "domain of www.bad.test")]
    assert states(found)["bad.test"] == {"dbl.example": "listed"}
    assert found.listings[0] == "bad.test by dbl.example"
    assert [one.origin for one in alone.answers][:2] == ["", "address of bad.test"]


async def test_a_resolver_that_knows_no_name_proves_nothing() -> None:
    untested = a_list("bl.example", test_points=False)
    tested = a_list("other.example")
    async with made({}) as those:
        nothing = await those.run(Subject.of("192.0.2.1"), [untested, tested])
        alone = await those.run(Subject.of("192.0.2.1"), [untested])
    async with made({**ZONE, "bl.example": {}}) as those:
        proven = await those.run(Subject.of("192.0.2.1"), [untested, tested])
    assert (nothing.state, alone.state, proven.state) == (UNKNOWN, UNKNOWN, CLEAN)
    assert alone.answers[0].listings[0].text == NO_ZONE
    assert nothing.resolver.startswith("no list is usable: the cause is probably the resolver, ask")
    assert (alone.resolver, proven.resolver) == ("", "")


async def test_a_resolver_that_hides_the_test_entries_hides_the_entries_of_other_lists() -> None:
    zone: Zone = {"bl.example": {}}
    untested = a_list("bl.example", test_points=False)
    async with made(zone) as those:
        found = await those.run(
            Subject.of("192.0.2.1"), [untested, *LISTS[1:], a_list("x.example")]
        )
    assert {one.text for one in found.answers[0].listings if one.blocklist == "bl.example"} == {
        UNPROVEN
    }
    assert found.state is UNKNOWN


async def test_a_list_that_refuses_makes_the_resolver_suspicious_until_it_answers() -> None:
    refusal = {"2.0.0.127.err.example": {"A": ["127.255.255.254"]}}
    async with made({**ZONE, **refusal}) as those:
        lists = [*LISTS, a_list("err.example")]
        found = await those.run(Subject.of("192.0.2.1"), lists)
        other = await those.run(Subject.of("192.0.2.1"), LISTS)
    assert found.state is CLEAN
    assert (set(found.unanswered), len(found.asked)) == ({"err.example"}, 3)
    assert found.resolver.startswith("refused by err.example: the resolver 127.0.0.1 probably")
    assert other.resolver == ""


@pytest.mark.slow
async def test_it_ends_in_time_and_what_has_not_answered_is_unknown() -> None:
    async with name_server({}, silent=True) as address:
        slow = Resolver([address], 30.0)
        those = Lookups(Blocklists(slow, Clock()), slow, Clock(), limit=0.6)
        start = time.monotonic()
        found = await those.run(Subject.of("bad.test"), LISTS)
        assert time.monotonic() - start < 3
    assert found.problems[0] == "not all addresses were resolved within 0.3 s"
    assert [one.text for one in found.answers[0].listings] == ["no answer within 0.6 s"]
    assert found.state is UNKNOWN


async def test_it_can_be_cancelled() -> None:
    async with name_server({}, silent=True) as address:
        silent = Resolver([address], 30.0)
        those = Lookups(Blocklists(silent, Clock()), silent, Clock())
        running = asyncio.create_task(those.run(Subject.of("192.0.2.1"), LISTS))
        await asyncio.sleep(0.05)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


class ManyAddresses(Resolver):
    """Of a domain whose owner wants to keep us busy."""

    async def exchangers(self, domain: str) -> list[Exchanger]:
        return [Exchanger(f"mx{number}.{domain}", number) for number in range(lookups.MOST_HOSTS)]

    async def zone_of(self, name: str) -> str:
        return name

    async def published(self, host: str) -> list[str]:
        return [f"2001:db8::{len(host)}:{number:x}" for number in range(2000)]


@pytest.mark.slow
async def test_others_have_their_turn_while_very_many_addresses_are_read() -> None:
    resolver, clock = ManyAddresses(["127.0.0.1:1"], 1.0), Clock()
    made = Lookups(Blocklists(resolver, clock), resolver, clock, 20.0)
    lists = [a_list("own.example", domains=True), a_list("no.example", ipv6=True)]
    turns = list[float]()
    for _ in range(ATTEMPTS):
        ticker = Ticker()
        found = await made.run(Subject.of("many.test"), lists)
        ticker.stop()
        assert len(found.answers) == lookups.MOST_SUBJECTS
        turns.append(ticker.longest)
    assert min(turns) < LONGEST  # at once, they take more than 0.1 s


WORLD = {
    "office.internal": ["10.1.2.3"],
    "mail.example.com": ["10.1.2.3", "9.9.9.9"],
    "localhost": ["127.0.0.1"],
}


def world(name: str, kind: str) -> list[str] | dns.rcode.Rcode:
    """In which public lists know nothing but their test entries."""
    if kind == "A" and name.startswith(("2.0.0.127.", "dbltest.com.")):
        return ["127.0.0.2"]
    return WORLD.get(name, dns.rcode.NXDOMAIN) if kind == "A" else dns.rcode.NXDOMAIN


@pytest.mark.parametrize(
    ("what", "asked"),
    [
        ("10.1.2.3", set()),
        ("fd00::1", set()),
        ("127.0.0.1", set()),
        ("office.internal", set()),
        ("localhost", set()),
        ("intranet", set()),
        ("printer.office.lan", set()),
        ("mail.example.com", {"mail.example.com", "9.9.9.9"}),
        ("9.9.9.9", {"9.9.9.9"}),
    ],
)
async def test_what_is_not_public_is_no_business_of_public_lists(
    what: str, asked: set[str]
) -> None:
    zones = ["zen.spamhaus.org", "dbl.spamhaus.org"]
    public = [a_list(zones[0]), a_list(zones[1], domains=True)]
    own = [a_list("bl.office.internal", test_points=False, ipv6=True)]
    async with names_server(world) as server:
        resolver, clock = Resolver([server.address], 2.0), Clock()
        lookups = Lookups(Blocklists(resolver, clock), resolver, clock, 20.0)
        found = await lookups.run(Subject.of(what), [*public, *own])
        seen = {name for name, _ in server.asked if name.endswith("spamhaus.org")}
    allowed = {f"{Subject.of(one).labels}.{zone}" for one in asked for zone in zones}
    tests = {
        name
        for name in seen
        if name.startswith(("2.0.0.127.", "1.0.0.127.", "dbltest", "invalid."))
    }
    assert seen - tests <= allowed
    assert bool(seen - tests) is bool(asked)
    notes = [note for note in found.notes if "no public list was asked" in note]
    assert bool(notes) is (asked != {what})
    known = {one.subject.text: [o.blocklist for o in one.listings] for one in found.answers}
    for private in {"10.1.2.3", "fd00::1", "127.0.0.1"} & known.keys():
        assert known[private] == ["bl.office.internal"], "its own list is asked"
