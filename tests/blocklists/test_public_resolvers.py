"""Resolvers that lists refuse: known by their address, behind a stub, or by a refusal."""

from pathlib import Path

import pytest

from exporter.blocklists.public_resolvers import MOST_SERVERS, operator_of, remark_on

NOWHERE = Path("/nowhere/resolv.conf")


@pytest.mark.parametrize(
    ("address", "operator"),
    [
        ("8.8.8.8", "Google Public DNS"),
        ("2001:4860:4860::8844", "Google Public DNS"),
        ("1.1.1.1", "Cloudflare"),
        ("2606:4700:4700::1111", "Cloudflare"),
        ("9.9.9.9", "Quad9"),
        ("149.112.112.112", "Quad9"),
        ("2620:fe::fe", "Quad9"),
        ("208.67.222.222", "OpenDNS"),
        ("169.254.169.253", "Amazon Web Services"),
        ("185.12.64.1", "Hetzner"),
        ("192.0.2.53", ""),
        ("8.8.8.9", ""),
        ("1.1.1.8", ""),
        ("10.0.0.1", ""),
        ("::1", ""),
        ("fe80::1%eth0", ""),
    ],
)
def test_a_shared_resolver_is_known_by_its_address(address: str, operator: str) -> None:
    assert operator_of(address) == operator


def test_one_of_several_is_enough_since_it_may_be_asked() -> None:
    remark = remark_on([("192.0.2.53", 53), ("1.1.1.1", 53)], [], NOWHERE)
    assert remark.startswith("1.1.1.1 is a shared resolver (Cloudflare), which many lists refuse:")


@pytest.mark.parametrize("server", [("192.0.2.53", 53), ("127.0.0.53", 53), ("8.8.8.8", 5353)])
def test_a_resolver_of_which_nothing_is_known_is_not_blamed(server: tuple[str, int]) -> None:
    assert remark_on([server], [], NOWHERE) == ""


def test_the_servers_behind_systemd_resolved_are_looked_at(tmp_path: Path) -> None:
    conf = tmp_path / "resolv.conf"
    conf.write_text("# nameserver 1.1.1.1\nnameserver 192.0.2.53\nnameserver 9.9.9.9#dns.quad9\n")
    remark = remark_on([("127.0.0.53", 53)], [], conf)
    assert remark.startswith("127.0.0.53 passes queries on to 9.9.9.9, a shared resolver (Quad9)")
    assert remark_on([("127.0.0.1", 53)], [], conf) == ""
    conf.write_text("nameserver 192.0.2.53\n" * MOST_SERVERS + "nameserver 9.9.9.9\n")
    assert remark_on([("127.0.0.53", 53)], [], conf) == ""


def test_a_refusal_shows_that_a_resolver_is_shared() -> None:
    remark = remark_on([("192.168.1.1", 53)], ["zen.example", "b", "c", "d"], NOWHERE)
    assert remark.startswith(
        "refused by zen.example, b, c and 1 more: the resolver 192.168.1.1 probably passes queries"
        " on to a shared one"
    )
