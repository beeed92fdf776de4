"""The hosts file, and for which names it counts."""

from pathlib import Path

import pytest

from exporter.net.dns.hosts_file import addresses_of
from exporter.net.dns.resolver import Resolver
from tests.support.broken_nameserver import names_server

HOSTS = """\
127.0.0.1 localhost
127.0.1.1 mail.example.test mail  # as Debian writes it
::1 Mail.Example.test
mail.example.test 192.0.2.7
192.0.2.300 mail.example.test
"""


@pytest.fixture
def hosts(tmp_path: Path) -> Path:
    file = tmp_path / "hosts"
    file.write_text(HOSTS)
    return file


def test_lines_without_an_address_are_passed_over(hosts: Path) -> None:
    assert addresses_of("MAIL.example.test.", hosts) == ["127.0.1.1", "::1"]
    assert addresses_of("192.0.2.7", hosts) == []
    assert addresses_of("mail.example.test", hosts.with_name("missing")) == []


async def test_the_file_counts_for_names_of_people_and_not_for_those_from_the_dns(
    hosts: Path,
) -> None:
    """An exchanger that runs here is tested at the address that others send to, as Postfix and Exim
    have it."""
    async with names_server(lambda name, kind: ["192.0.2.1"] if kind == "A" else []) as server:
        resolver = Resolver([server.address], hosts_file=hosts)
        assert await resolver.addresses("mail.example.test") == ["127.0.1.1", "::1"]
        assert await resolver.absolute.addresses("mail.example.test") == ["192.0.2.1"]
        assert await resolver.absolute.addresses("localhost") == ["127.0.0.1"]
