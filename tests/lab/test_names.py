"""The lab's names and blocklists are what its README says. Asked with dnspython itself."""

import socket

import dns.exception
import dns.resolver
import pytest

from tests.lab import facts
from tests.lab.client import Lab
from tests.lab.shell import can_connect


def addresses(lab: Lab, name: str, record: str = "A") -> list[str]:
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = [lab.dns.partition(":")[0]]
    resolver.lifetime = 1
    return sorted(str(answer) for answer in resolver.resolve(name, record))


@pytest.mark.parametrize(
    ("name", "record", "answers"),
    [
        ("lab.test", "MX", ["10 mx1.lab.test.", "20 mx2.lab.test."]),
        ("nullmx.test", "MX", ["0 ."]),
        ("mx.mon.test", "A", [facts.MON_IP]),
        ("2.0.0.127.bl.lab.test", "A", ["127.0.0.2"]),
        (
            "2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.bl.lab.test",
            "A",
            ["127.0.0.2"],
        ),
        ("1.0.0.127.blall.lab.test", "A", ["127.0.0.2"]),
        ("1.1.1.1.blerr.lab.test", "A", ["127.255.255.254"]),
        ("www.bad.test.dbl.lab.test", "A", ["127.0.1.2"]),
    ],
)
def test_the_resolver_knows_the_lab(lab: Lab, name: str, record: str, answers: list[str]) -> None:
    assert addresses(lab, name, record) == answers


@pytest.mark.parametrize(
    "name", ["nxdomain.test", "example.com", "1.0.0.127.bl.lab.test", "invalid.dbl.lab.test"]
)
def test_the_resolver_knows_nothing_else(lab: Lab, name: str) -> None:
    with pytest.raises(dns.resolver.NXDOMAIN):
        addresses(lab, name)


def test_a_dead_list_never_answers(lab: Lab) -> None:
    with pytest.raises((dns.exception.Timeout, dns.resolver.NoNameservers)):
        addresses(lab, "2.0.0.127.bldead.lab.test")


def test_an_address_is_put_on_a_list_and_taken_off(lab: Lab) -> None:
    lab.list("192.0.2.7")
    assert addresses(lab, "7.2.0.192.bl.lab.test") == ["127.0.0.2"]
    lab.unlist("192.0.2.7")
    with pytest.raises(dns.resolver.NXDOMAIN):
        addresses(lab, "7.2.0.192.bl.lab.test")


def test_what_was_put_on_a_list_is_off_it_when_the_levers_are_back(lab: Lab) -> None:
    lab.list("192.0.2.8")
    assert addresses(lab, "8.2.0.192.bl.lab.test") == ["127.0.0.2"]
    lab.put_levers_back()
    with pytest.raises(dns.resolver.NXDOMAIN):
        addresses(lab, "8.2.0.192.bl.lab.test")


def test_the_dead_host_refuses_and_the_silent_name_server_is_silent(lab: Lab) -> None:
    assert not can_connect(lab.dead_ip, 25)
    with socket.create_connection((lab.silent_dns.partition(":")[0], 53), 2) as connection:
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            connection.recv(1)
