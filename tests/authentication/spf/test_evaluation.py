"""What the suite of RFC 7208 leaves out."""

import pytest

from exporter.authentication.lookups import Lookups
from exporter.authentication.spf.evaluation import check_spf
from exporter.authentication.verdict import Result
from tests.support.zone import Zone


@pytest.mark.parametrize(
    ("sender", "helo"),
    [("probe@PRÜFUNG.example", "mx.example.net"), ("", "prüfung.example.")],
    ids=["sender", "client"],
)
async def test_an_international_domain_has_its_record_under_the_name_in_dns(
    sender: str, helo: str
) -> None:
    """RFC 7208 section 4.3."""
    zone = Zone({"xn--prfung-4ya.example": {"TXT": ["v=spf1 ip4:192.0.2.1 -all"]}})
    verdict = await check_spf("192.0.2.1", sender, helo, Lookups(zone))
    assert (verdict.result, verdict.domain) == (Result.PASS, "xn--prfung-4ya.example")
