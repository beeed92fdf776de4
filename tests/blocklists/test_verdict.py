"""From A records to listed, clean or unknown. Each line is a mistake that somebody has made."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.blocklists.blocklist import Blocklist
from exporter.blocklists.list_status import QueryFailure
from exporter.blocklists.options import BlockListOptions
from exporter.blocklists.verdict import judge
from exporter.core.model import ListState

PLAIN = Blocklist("plain.example")


def known(zone: str) -> Blocklist:
    return BlockListOptions(zone=zone).blocklist(
        domains="uribl" in zone or "surbl" in zone or "dbl" in zone
    )


def test_no_such_name_is_clean() -> None:
    assert judge(PLAIN, []).state is ListState.CLEAN


@pytest.mark.parametrize(
    "code", ["127.0.0.2", "127.0.0.30", "127.0.1.20", "127.255.254.255", "127.0.0.0"]
)
def test_without_a_catalogue_every_loopback_address_is_a_listing(code: str) -> None:
    verdict = judge(PLAIN, [code])
    assert (verdict.state, verdict.codes, verdict.failure) == (ListState.LISTED, (code,), None)


@pytest.mark.parametrize(
    ("zone", "codes", "failure"),
    [
        ("plain.example", ["127.255.255.252"], QueryFailure.REFUSED),
        ("plain.example", ["127.255.255.254"], QueryFailure.REFUSED),
        ("plain.example", ["127.255.255.0"], QueryFailure.REFUSED),
        ("plain.example", ["127.0.0.2", "127.255.255.255"], QueryFailure.REFUSED),
        ("plain.example", ["127.0.0.1"], QueryFailure.SENSELESS),
        ("dnsbl-1.uceprotect.net", ["127.0.0.1"], QueryFailure.SENSELESS),
        ("plain.example", ["203.0.113.7"], QueryFailure.SENSELESS),
        ("plain.example", ["127.0.0.2", "203.0.113.7"], QueryFailure.SENSELESS),
        ("plain.example", ["0.0.0.0"], QueryFailure.SENSELESS),
        ("plain.example", ["128.0.0.2"], QueryFailure.SENSELESS),
        ("multi.uribl.com", ["127.0.0.1"], QueryFailure.REFUSED),
        ("multi.surbl.org", ["127.0.0.1"], QueryFailure.REFUSED),
        ("dbl.spamhaus.org", ["127.0.1.255"], QueryFailure.REFUSED),
        ("list.dnswl.org", ["127.0.0.255"], QueryFailure.REFUSED),
        ("zen.spamhaus.org", ["127.0.0.53"], QueryFailure.SENSELESS),
        ("multi.surbl.org", ["127.0.0.2"], QueryFailure.SENSELESS),
    ],
)
def test_what_no_list_says_of_a_listed_address_is_unknown(
    zone: str, codes: list[str], failure: QueryFailure
) -> None:
    verdict = judge(known(zone), codes)
    assert (verdict.state, verdict.codes, verdict.failure) == (ListState.UNKNOWN, (), failure)
    assert any(code in verdict.why for code in codes)


def test_several_records_are_a_set_in_whatever_order_they_come() -> None:
    zen = known("zen.spamhaus.org")
    verdict = judge(zen, ["127.0.0.10", "127.0.0.4", "127.0.0.2", "127.0.0.4"])
    assert verdict == judge(zen, ["127.0.0.2", "127.0.0.4", "127.0.0.10"])
    assert verdict.codes == ("127.0.0.2", "127.0.0.4", "127.0.0.10")
    assert [meaning.partition(" ")[0] for meaning in verdict.meanings] == ["SBL", "XBL", "PBL"]


def test_a_code_that_the_list_does_not_document_is_left_out_among_those_that_it_does() -> None:
    assert judge(known("zen.spamhaus.org"), ["127.0.0.2", "127.0.0.99"]).codes == ("127.0.0.2",)


@pytest.mark.parametrize(
    ("zone", "code", "meanings"),
    [
        ("multi.uribl.com", "127.0.0.2", ("black",)),
        ("multi.uribl.com", "127.0.0.14", ("black", "grey", "red")),
        ("multi.surbl.org", "127.0.0.80", ("malware", "abuse")),
        ("list.dnswl.org", "127.0.9.2", ("medium trust",)),
    ],
)
def test_bits_and_octets_have_their_meanings(
    zone: str, code: str, meanings: tuple[str, ...]
) -> None:
    verdict = judge(known(zone), [code])
    assert (verdict.state, verdict.meanings) == (ListState.LISTED, meanings)


def test_an_administrator_may_say_that_127_0_0_1_is_a_listing() -> None:
    mine = BlockListOptions.model_validate(
        {"zone": "bl.example.org", "codes": {"127.0.0.1": "bad"}}
    ).blocklist()
    assert judge(mine, ["127.0.0.1"]).state is ListState.LISTED


@given(
    st.lists(st.ip_addresses(v=4).map(str), max_size=40),
    st.sampled_from(["plain.example", "zen.spamhaus.org"]),
)
def test_a_listing_has_codes_of_127_and_everything_else_has_none(
    codes: list[str], zone: str
) -> None:
    verdict = judge(known(zone), codes)
    assert (verdict.state is ListState.LISTED) == bool(verdict.codes)
    assert all(code.startswith("127.") and code != "127.0.0.1" for code in verdict.codes)
    assert (verdict.state is ListState.UNKNOWN) == bool(verdict.why) == bool(verdict.failure)
    assert verdict.state is not ListState.CLEAN or not codes
