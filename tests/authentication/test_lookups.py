import pytest

from exporter.authentication.lookups import Lookups, is_queryable
from exporter.authentication.verdict import LookupFailed
from exporter.net.dns.answer import DnsResult
from tests.support.zone import Zone


async def test_a_name_is_queried_once_however_it_is_written() -> None:
    zone = Zone({"example.org": {"TXT": ["a", "b"]}})
    lookups = Lookups(zone)
    for name in ("example.org", "EXAMPLE.org", "example.org."):
        assert await lookups.records(name, "TXT") == ("a", "b")
    assert await lookups.records("example.org", "A") == ()
    assert zone.queries == [("example.org", "TXT"), ("example.org", "A")]


async def test_queries_are_limited() -> None:
    zone = Zone({})
    lookups = Lookups(zone, most=3)
    for number in range(3):
        assert await lookups.records(f"{number}.example", "A") == ()
    with pytest.raises(LookupFailed, match="too many DNS queries"):
        await lookups.records("4.example", "A")
    assert await lookups.records("1.example", "A") == ()


@pytest.mark.parametrize(
    "result",
    [
        DnsResult.SERVFAIL,
        DnsResult.REFUSED,
        DnsResult.TIMEOUT,
        DnsResult.NETWORK,
        DnsResult.SENSELESS,
    ],
)
async def test_no_answer_is_an_error_and_not_no_record(result: DnsResult) -> None:
    with pytest.raises(LookupFailed, match=r"example\.org: "):
        await Lookups(Zone({"example.org": {"A": result}})).records("example.org", "A")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a..b",
        ".a",
        "x" * 64 + ".org",
        ("a." * 127) + "org",
        "a\\b.org",
        "b\u00fccher.example",
        "a\n.org",
        "localhost",
        "mx.LOCALHOST",
        "mailtrip.invalid",
        "\ud800.org",
    ],
)
async def test_what_cannot_have_a_record_is_not_queried(name: str) -> None:
    zone = Zone({})
    assert not is_queryable(name)
    assert await Lookups(zone).records(name, "A") == ()
    assert zone.queries == []


def test_what_can_have_a_record() -> None:
    for name in (
        "org",
        "_dmarc.example.org",
        "a b.example",
        "x" * 63 + ".org",
        "notlocalhost.org",
        "localhost.org",
    ):
        assert is_queryable(name)
