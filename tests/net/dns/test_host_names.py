"""What a host name stands for: its records of both kinds, with and without the search list."""

from pathlib import Path

import dns.rcode
import pytest

from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.net.dns.resolver import Resolver
from tests.support.broken_nameserver import Saying, names_server
from tests.support.name_server import searching

SERVFAIL, NXDOMAIN, REFUSED = dns.rcode.SERVFAIL, dns.rcode.NXDOMAIN, dns.rcode.REFUSED
NOTIMP = dns.rcode.NOTIMP
SILENCE = None
NODATA: list[str] = []

Said = list[str] | dns.rcode.Rcode | None


def named(said: object) -> str | None:
    if isinstance(said, str):
        return None
    if isinstance(said, dns.rcode.Rcode):
        return dns.rcode.to_text(said)
    return "SILENCE" if said is None else "NODATA"


def only(host: str, *, a: Said, aaaa: Said) -> Saying:
    def saying(name: str, kind: str) -> Said:
        if name != host:
            return NXDOMAIN
        return {"A": a, "AAAA": aaaa}.get(kind, NODATA)

    return saying


@pytest.mark.parametrize("aaaa", [SERVFAIL, NXDOMAIN, REFUSED, NOTIMP, SILENCE], ids=named)
async def test_a_name_server_that_fails_for_aaaa_does_not_hide_the_address(aaaa: Said) -> None:
    """RFC 4074 has the misbehaviour; the C library and mail servers use the other answer."""
    async with names_server(only("imap.test", a=["192.0.2.1"], aaaa=aaaa)) as server:
        resolver = Resolver([server.address], timeout=0.5)
        assert await resolver.addresses("imap.test") == ["192.0.2.1"]


@pytest.mark.parametrize("aaaa", [SERVFAIL, SILENCE], ids=named)
async def test_who_needs_all_addresses_hears_that_some_are_unknown(aaaa: Said) -> None:
    async with names_server(only("mx.test", a=["192.0.2.1"], aaaa=aaaa)) as server:
        with pytest.raises(ProbeError):
            await Resolver([server.address], timeout=0.5).addresses("mx.test", complete=True)


@pytest.mark.parametrize(
    ("a", "aaaa", "code"),
    [
        (NODATA, SERVFAIL, "SERVFAIL"),
        (NXDOMAIN, SERVFAIL, "SERVFAIL"),
        (NODATA, NXDOMAIN, ""),
        (NXDOMAIN, NXDOMAIN, "NXDOMAIN"),
        (NODATA, NODATA, ""),
        (NODATA, SILENCE, "TIMEOUT"),
    ],
    ids=named,
)
async def test_without_any_address_the_failure_is_told(a: Said, aaaa: Said, code: str) -> None:
    async with names_server(only("imap.test", a=a, aaaa=aaaa)) as server:
        with pytest.raises(ProbeError) as caught:
            await Resolver([server.address], timeout=0.5).addresses("imap.test")
    assert (caught.value.reason, caught.value.code) == (Reason.DNS, code)


def corp() -> Saying:
    """Every name below corp.test has an address: a wildcard."""

    def saying(name: str, kind: str) -> Said:
        if name.endswith(".corp.test"):
            return ["192.0.2.66"] if kind == "A" else NODATA
        return NXDOMAIN

    return saying


@pytest.mark.parametrize("host", ["mx", "mx.gone.test"])
async def test_a_name_from_the_dns_is_never_completed(tmp_path: Path, host: str) -> None:
    """The exchanger of a foreign domain is not a machine of our own network of a similar name."""
    async with names_server(corp()) as server:
        resolver = searching(server.address, tmp_path, "corp.test")
        assert await resolver.addresses(host) == ["192.0.2.66"]
        with pytest.raises(ProbeError) as caught:
            await resolver.absolute.addresses(host)
    assert caught.value.code == "NXDOMAIN"


@pytest.mark.parametrize("wildcard", [NODATA, SERVFAIL], ids=named)
async def test_a_completed_name_without_an_address_does_not_hide_the_name_itself(
    tmp_path: Path, wildcard: Said
) -> None:
    """Kubernetes has `ndots:5`, and many a domain a wildcard for mail alone."""

    def saying(name: str, kind: str) -> Said:
        if name.endswith(".corp.test"):
            return wildcard
        return ["192.0.2.1"] if (name, kind) == ("imap.test", "A") else NODATA

    async with names_server(saying) as server:
        resolver = searching(server.address, tmp_path, "corp.test", ndots=5)
        assert await resolver.addresses("imap.test") == ["192.0.2.1"]
    assert ("imap.test.corp.test", "A") in server.asked


async def test_addresses_that_are_not_complete_are_not_those_of_the_next_name(
    tmp_path: Path,
) -> None:
    """Another name of the search list is another host."""

    def saying(name: str, kind: str) -> Said:
        if name == "mail.corp.test":
            return ["192.0.2.1"] if kind == "A" else SERVFAIL
        return ["192.0.2.66"] if kind == "A" else NODATA

    async with names_server(saying) as server:
        resolver = searching(server.address, tmp_path, "corp.test")
        with pytest.raises(ProbeError) as caught:
            await resolver.addresses("mail", complete=True)
    assert caught.value.code == "SERVFAIL"


async def test_what_is_completed_too_long_is_left_out(tmp_path: Path) -> None:
    host = ".".join(["y" * 60] * 2)
    async with names_server(only(host, a=["192.0.2.1"], aaaa=NODATA)) as server:
        resolver = searching(server.address, tmp_path, ".".join(["x" * 60] * 3), ndots=5)
        assert await resolver.addresses(host) == ["192.0.2.1"]


async def test_all_names_together_have_the_time_of_one_question(tmp_path: Path) -> None:
    async with names_server(lambda name, kind: SILENCE) as server:
        resolver = searching(server.address, tmp_path, "corp.test")
        resolver.configure([], 0.2)
        with pytest.raises(ProbeError, match=r"no answer for imap\.test AAAA within 0\.2 s"):
            await resolver.addresses("imap.test")
    assert {name for name, _ in server.asked} == {"imap.test"}
