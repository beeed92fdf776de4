"""Names, asked of the lab's real resolver."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Literal

import pytest

from exporter.core.model import Exchanger, ProbeError
from exporter.core.reasons import Reason
from exporter.core.timing.clock import Clock
from exporter.core.trace.run import Run
from exporter.net.dns.resolver import Resolver
from exporter.senders.mx import MxSender
from exporter.senders.mx_options import MxOptions
from tests.lab.client import Lab
from tests.support.broken_nameserver import names_server
from tests.support.name_server import names
from tests.support.sender_rig import means


async def test_a_host_has_its_address(lab: Lab) -> None:
    resolver = Resolver([lab.dns])
    assert await resolver.addresses("relay.lab.test") == [lab.relay_ip]
    assert await resolver.addresses("relay.lab.test", "4") == [lab.relay_ip]


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1", "[2001:db8::1]"])
async def test_an_address_is_its_own_and_nobody_is_asked(address: str) -> None:
    assert await Resolver(["127.0.0.1:1"]).addresses(address) == [address.strip("[]")]


@pytest.mark.parametrize(("address", "ip"), [("192.0.2.1", "6"), ("2001:db8::1", "4")])
async def test_an_address_of_the_other_family_is_named(address: str, ip: Literal["4", "6"]) -> None:
    with pytest.raises(ProbeError, match=f"{address} is not an IPv{ip} address, and ip is {ip}"):
        await Resolver(["127.0.0.1:1"]).addresses(address, ip)


async def test_localhost_stands_in_the_hosts_file() -> None:
    assert "127.0.0.1" in await Resolver(["127.0.0.1:1"]).addresses("localhost", "4")


@pytest.mark.parametrize(
    ("host", "code", "words"),
    [
        ("nowhere.lab.test", "NXDOMAIN", "nowhere.lab.test does not exist"),
        ("a..b", "", "cannot look up a..b"),
        ("x" * 64 + ".lab.test", "", "cannot look up"),
    ],
)
async def test_what_cannot_be_found_is_named(lab: Lab, host: str, code: str, words: str) -> None:
    with pytest.raises(ProbeError) as caught:
        await Resolver([lab.dns]).addresses(host)
    assert (caught.value.reason, caught.value.code) == (Reason.DNS, code)
    assert words in caught.value.detail


async def test_a_name_without_an_address_of_the_family_is_named(lab: Lab) -> None:
    with pytest.raises(ProbeError, match=r"relay\.lab\.test has no IPv6 address"):
        await Resolver([lab.dns]).addresses("relay.lab.test", "6")


async def test_a_server_that_never_answers_is_a_dns_failure_within_its_time(lab: Lab) -> None:
    with pytest.raises(ProbeError) as caught:
        await Resolver([lab.silent_dns], timeout=0.3).addresses("relay.lab.test")
    assert (caught.value.reason, caught.value.code) == (Reason.DNS, "TIMEOUT")
    assert "within 0.3 s" in caught.value.detail


async def test_of_two_servers_the_one_that_answers_is_enough(lab: Lab) -> None:
    assert await Resolver([lab.silent_dns, lab.dns], timeout=5).addresses(
        "relay.lab.test", "4"
    ) == [lab.relay_ip]


async def test_exchangers_come_with_their_preference(lab: Lab) -> None:
    found = await Resolver([lab.dns]).exchangers("lab.test")
    assert sorted(found, key=lambda one: one.preference) == [
        Exchanger("mx1.lab.test", 10),
        Exchanger("mx2.lab.test", 20),
    ]
    assert await Resolver([lab.dns]).exchangers("nomx.test") == []


async def test_a_domain_that_takes_no_mail_says_so(lab: Lab) -> None:
    with pytest.raises(ProbeError) as caught:
        await Resolver([lab.dns]).exchangers("nullmx.test")
    assert caught.value.reason is Reason.NULL_MX


async def test_resolv_conf_is_read_again_when_it_changes(lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "resolv.conf"
    file.write_text("nameserver 127.0.0.1\n")
    resolver = Resolver(timeout=0.3, resolv_conf=file)
    with pytest.raises(ProbeError):
        await resolver.addresses("relay.lab.test")
    file.write_text(f"nameserver {lab.dns.partition(':')[0]}\nsearch lab.test\n")
    # A short name is completed, as everywhere.
    assert await resolver.addresses("relay") == [lab.relay_ip]
    file.unlink()
    with pytest.raises(
        ProbeError, match="no nameserver in .*resolv.conf; set resolver.nameservers"
    ):
        await resolver.addresses("relay.lab.test")


class FourExchangers(Resolver):
    """A domain whose three best exchangers are equals."""

    async def exchangers(self, domain: str) -> list[Exchanger]:
        return [Exchanger("last", 20), Exchanger("a", 10), Exchanger("b", 10), Exchanger("c", 10)]


async def test_exchangers_are_tried_by_preference_and_equals_in_any_order() -> None:
    given = means(FourExchangers(["127.0.0.1:1"]))
    sender = MxSender(MxOptions(), given.resolver, given.policies)
    orders: Counter[tuple[str, ...]] = Counter()
    for _ in range(200):
        orders[tuple(one.host for one in await sender.exchangers("example.org", Run(Clock())))] += 1
    assert all(order[-1] == "last" for order in orders)
    # All orders of three; one of them is missing in 200 tries once in 10^15.
    assert len(orders) == 6


async def test_many_questions_at_once_are_all_answered(lab: Lab) -> None:
    resolver = Resolver([lab.dns])
    found = await asyncio.gather(*(resolver.addresses("imap.lab.test", "4") for _ in range(100)))
    assert found == [[lab.imap_ip]] * 100


async def test_a_server_that_we_were_too_late_to_hear_is_not_blamed() -> None:
    async with names_server(lambda name, kind: None) as server:
        clock = Clock(late=lambda since, until: 0.1)
        with pytest.raises(ProbeError) as caught:
            await Resolver([server.address], timeout=0.3, clock=clock).addresses("mx.example.org")
    assert caught.value.reason is Reason.STARVED
    assert "no answer for mx.example.org" in caught.value.detail


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("lab.test", "lab.test"),
        ("relay.lab.test", "lab.test"),
        ("nowhere.invalid", ""),
    ],
)
async def test_the_zone_of_a_name_is_found(lab: Lab, name: str, zone: str) -> None:
    assert await Resolver([lab.dns]).zone_of(name) == zone


async def test_an_alias_is_in_the_zone_of_its_own_name() -> None:
    """Not in that of the name that it leads to."""
    soa = {"SOA": ["ns. a. 1 1 1 1 1"]}
    www = {"CNAME": ["cdn.test."]}
    async with names({"www.example.test": www, "cdn.test": soa, "example.test": soa}) as resolver:
        assert await resolver.zone_of("www.example.test") == "example.test"
        assert await resolver.zone_of("example.test") == "example.test"
