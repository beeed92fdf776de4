import pytest

from exporter.authentication.iprev import check_iprev
from exporter.authentication.lookups import Lookups
from exporter.net.dns.answer import DnsResult
from tests.support.zone import Records, Zone

REVERSE = "1.2.0.192.in-addr.arpa"


@pytest.mark.parametrize(
    ("records", "result", "why"),
    [
        (
            {REVERSE: {"PTR": ["mx.example.org."]}, "mx.example.org": {"A": ["192.0.2.1"]}},
            "pass",
            "192.0.2.1 is mx.example.org",
        ),
        (
            {REVERSE: {"PTR": ["out.example.org."]}, "out.example.org": {"A": ["192.0.2.1"]}},
            "pass",
            "calls itself mx.example.org",
        ),
        (
            {REVERSE: {"PTR": ["mx.example.org."]}, "mx.example.org": {"A": ["192.0.2.2"]}},
            "fail",
            "does not lead back",
        ),
        ({REVERSE: {"PTR": ["mx.example.org."]}}, "fail", "does not lead back"),
        ({}, "permerror", "has no PTR record"),
        ({REVERSE: {"PTR": DnsResult.SERVFAIL}}, "temperror", "the resolver failed"),
        (
            {REVERSE: {"PTR": ["mx.example.org."]}, "mx.example.org": {"A": DnsResult.TIMEOUT}},
            "temperror",
            "no answer in time",
        ),
        (
            {
                REVERSE: {"PTR": ["a.example.", "mx.example.org."]},
                "mx.example.org": {"A": ["192.0.2.1"]},
            },
            "pass",
            "192.0.2.1 is mx.example.org",
        ),
    ],
)
async def test_the_name_of_a_client_leads_back_to_it(
    records: Records, result: str, why: str
) -> None:
    found = await check_iprev("192.0.2.1", "MX.example.org", Lookups(Zone(records)))
    assert found.result == result
    assert why in found.why


async def test_ipv6() -> None:
    reverse = f"1.{'0.' * 23}8.b.d.0.1.0.0.2.ip6.arpa"
    zone = Zone(
        {reverse: {"PTR": ["mx.example.org."]}, "mx.example.org": {"AAAA": ["2001:DB8::1"]}}
    )
    assert (await check_iprev("2001:db8::1", "mx", Lookups(zone))).result == "pass"


async def test_a_client_with_many_names_costs_few_queries() -> None:
    zone = Zone({REVERSE: {"PTR": [f"host{n}.example." for n in range(500)]}})
    assert (await check_iprev("192.0.2.1", "x", Lookups(zone))).result == "fail"
    assert len(zone.queries) == 6
