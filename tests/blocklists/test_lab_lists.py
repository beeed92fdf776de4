"""Lists of the lab: a real rbldnsd behind a real Unbound."""

import asyncio

import pytest

from exporter.blocklists.list_status import QueryFailure
from exporter.core.model import ListState
from tests.lab.client import Lab
from tests.lab.shell import has_address, wait_until
from tests.support.blocklist_rig import BlocklistRig, a_list

TTL = 3600.0  # of the lab's entries, at most; Unbound hands out no more than a second


@pytest.fixture(autouse=True)
def _unbound_has_forgotten_what_the_last_test_listed(lab: Lab) -> None:
    """Levers are back where they were, but Unbound may remember what it was told for a second or
    two."""
    server = lab.dns.partition(":")[0]

    def has(labels: str) -> bool:
        return has_address(f"{labels}.blclean.lab.test", server)

    assert wait_until(
        lambda: has("2.0.0.127") and not has("1.0.0.127") and not has("1.2.0.192"), 10
    )


@pytest.fixture
def rig(lab: Lab) -> BlocklistRig:
    return BlocklistRig(lab.dns)


async def test_an_address_is_listed_with_its_code_and_its_reason(
    rig: BlocklistRig, lab: Lab
) -> None:
    bl = a_list("bl.lab.test", severity="high", delisting="https://bl.lab.test/off")
    listing = await rig.look_up(bl, lab.mx_ip)
    assert (listing.state, listing.codes, listing.blocklist) == (
        ListState.LISTED,
        ("127.0.0.2",),
        "bl.lab.test",
    )
    assert listing.text == f"Listed by bl.lab.test, see http://bl.lab.test/lookup?ip={lab.mx_ip}"
    assert (listing.subject, listing.severity, listing.alarming) == (lab.mx_ip, "high", True)
    assert listing.delisting == "https://bl.lab.test/off"


@pytest.mark.parametrize("zone", ["bl.lab.test", "blclean.lab.test"])
async def test_an_address_that_is_not_there_is_clean(rig: BlocklistRig, zone: str) -> None:
    listing = await rig.look_up(a_list(zone), "192.0.2.1")
    assert (listing.state, listing.codes, listing.text) == (ListState.CLEAN, (), "")
    assert rig.lists.statistics[zone].usable


async def test_an_ipv6_address_is_asked_for_where_it_is_served(rig: BlocklistRig, lab: Lab) -> None:
    """That it is clean proves that the list's IPv6 test entry was found: rbldnsd understands our
    nibbles."""
    bl = a_list("bl.lab.test", ipv6=True)
    assert (await rig.look_up(bl, "2001:db8::1")).state is ListState.CLEAN
    assert (await rig.look_up(bl, f"::ffff:{lab.mx_ip}")).subject == lab.mx_ip  # the same host
    only4 = a_list("bl.lab.test", name="only4")
    assert (await rig.look_up(only4, "2001:db8::1")).state is ListState.UNKNOWN


@pytest.mark.parametrize(
    ("name", "state"), [("bad.test", "listed"), ("www.BAD.test.", "listed"), ("good.test", "clean")]
)
async def test_a_domain_is_listed_with_all_below_it(
    rig: BlocklistRig, name: str, state: str
) -> None:
    assert (await rig.look_up(a_list("dbl.lab.test", domains=True), name)).state == state


async def test_a_listing_that_comes_and_goes_is_seen_when_the_answer_has_expired(
    rig: BlocklistRig, lab: Lab
) -> None:
    bl = a_list("bl.lab.test")
    states = [(await rig.look_up(bl, "192.0.2.9")).state]
    await asyncio.to_thread(lab.list, "192.0.2.9")
    rig.time.leap(TTL)
    states.append((await rig.look_up(bl, "192.0.2.9")).state)
    await asyncio.to_thread(lab.unlist, "192.0.2.9")
    rig.time.leap(TTL)
    states.append((await rig.look_up(bl, "192.0.2.9")).state)
    assert states == ["clean", "listed", "clean"]


@pytest.mark.parametrize(
    ("zone", "ipv6", "words"),
    [
        ("blall.lab.test", False, "it lists 127.0.0.1, which no list may list"),
        ("blall.lab.test", True, "it lists ::ffff:7f00:1, which no list may list"),
        ("nowhere.lab.test", True, "it does not list the test entry ::ffff:7f00:2"),
        ("nowhere.lab.test", False, "it does not list the test entry 127.0.0.2"),
        ("blerr.lab.test", False, "the list refuses our queries: 127.255.255.254"),
    ],
)
async def test_a_list_that_fails_its_test_is_never_believed(
    rig: BlocklistRig, lab: Lab, zone: str, ipv6: bool, words: str
) -> None:
    bad = a_list(zone, ipv6=ipv6)
    for subject in ("2001:db8::1",) if ipv6 else ("192.0.2.1", lab.mx_ip):
        listing = await rig.look_up(bad, subject)
        assert (listing.state, listing.codes) == (ListState.UNKNOWN, ())
        assert words in listing.text
    statistics = rig.lists.statistics[zone]
    assert statistics.usable is False
    assert words in statistics.why
    assert len(rig.queries) <= 2  # what is not believed is not asked


async def test_a_list_that_is_gone_is_not_believed_about_ipv6_either(rig: BlocklistRig) -> None:
    """Spamhaus has a test entry for IPv4 alone."""
    # The lab knows no such zone.
    listing = await rig.look_up(a_list("zen.spamhaus.org"), "2600::1")  # a public address
    assert listing.state is ListState.UNKNOWN
    assert "it does not list the test entry 127.0.0.2" in listing.text


async def test_a_list_without_test_points_is_asked_only_what_it_must_not_list(
    rig: BlocklistRig, lab: Lab
) -> None:
    assert (
        await rig.look_up(a_list("blall.lab.test", test_points=False), lab.mx_ip)
    ).state is ListState.UNKNOWN
    await asyncio.to_thread(lab.unlist, "127.0.0.2", "blclean")
    assert (
        await rig.look_up(a_list("blclean.lab.test", test_points=False), lab.mx_ip)
    ).state is ListState.CLEAN
    assert (
        await rig.look_up(a_list("blclean.lab.test", name="x"), lab.mx_ip)
    ).state is ListState.UNKNOWN


async def test_a_list_that_is_emptied_while_we_run_is_noticed_within_an_hour_and_comes_back(
    rig: BlocklistRig, lab: Lab
) -> None:
    clean = a_list("blclean.lab.test")
    assert (await rig.look_up(clean, "192.0.2.1")).state is ListState.CLEAN
    await asyncio.to_thread(lab.unlist, "127.0.0.2", "blclean")
    rig.time.leap(3600)
    assert "empty or shut down" in (await rig.look_up(clean, "192.0.2.1")).text
    await asyncio.to_thread(lab.list, "127.0.0.2", "blclean")
    # It is left alone for a while.
    assert (await rig.look_up(clean, "192.0.2.1")).state is ListState.UNKNOWN
    rig.time.leap(61)
    assert (await rig.look_up(clean, "192.0.2.1")).state is ListState.CLEAN
    assert rig.lists.statistics["blclean.lab.test"].usable


async def test_a_list_that_goes_mad_between_two_tests_is_not_believed(
    rig: BlocklistRig, lab: Lab
) -> None:
    clean = a_list("blclean.lab.test")
    assert (await rig.look_up(clean, "192.0.2.1")).state is ListState.CLEAN
    for address in ("127.0.0.1", "192.0.2.1"):
        await asyncio.to_thread(lab.list, address, "blclean")
    rig.time.leap(TTL)
    listing = await rig.look_up(clean, "192.0.2.1")
    assert (listing.state, listing.codes) == (ListState.UNKNOWN, ())
    assert "it lists everything" in listing.text


async def test_a_list_that_never_answers_holds_up_nobody(lab: Lab) -> None:
    rig = BlocklistRig(lab.dns, timeout=3.0)
    dead = a_list("bldead.lab.test")
    others = [a_list("blclean.lab.test", name=f"list{number}") for number in range(10)]
    subjects = [f"192.0.2.{number}" for number in range(20)]
    order: list[str] = []

    async def wait_for(name: str, *questions: asyncio.Task[object]) -> None:
        await asyncio.gather(*questions)
        order.append(name)

    slow = [asyncio.create_task(rig.look_up(dead, subject)) for subject in subjects]
    quick = [
        asyncio.create_task(rig.look_up(one, subject)) for one in others for subject in subjects
    ]
    await asyncio.gather(wait_for("dead", *slow), wait_for("others", *quick))
    assert order == ["others", "dead"]
    assert {task.result().state for task in quick} == {ListState.CLEAN}
    assert {task.result().state for task in slow} == {ListState.UNKNOWN}
    assert rig.lists.statistics["bldead.lab.test"].failures == {QueryFailure.TIMEOUT: 1}


async def test_a_resolver_that_is_down_makes_every_answer_unknown(lab: Lab) -> None:
    for nameserver, timeout, failure in (
        (lab.silent_dns, 0.2, "timeout"),
        ("127.0.0.1:1", 5.0, "network"),
    ):
        rig = BlocklistRig(nameserver, timeout)
        assert (await rig.look_up(a_list("bl.lab.test"), "192.0.2.1")).state is ListState.UNKNOWN
        assert list(rig.lists.statistics["bl.lab.test"].failures) == [failure]


async def test_hundreds_of_questions_at_once_take_the_networks_time_each(rig: BlocklistRig) -> None:
    lists = [a_list("blclean.lab.test", name=f"list{number}") for number in range(10)]
    found = await asyncio.gather(
        *(rig.look_up(one, f"192.0.2.{n}") for one in lists for n in range(100))
    )
    assert {listing.state for listing in found} == {ListState.CLEAN}
    assert len(rig.queries) == 10 * (100 + 2)
    assert not any(query.failure for query in rig.queries)
