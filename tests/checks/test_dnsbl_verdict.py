"""What the answers of blocklists mean for the trip."""

from tests.support.blocklist_app import TESTS, outcome_of
from tests.support.name_server import Zone, name_server


async def test_the_lists_that_matter_most_are_named_first() -> None:
    zone: Zone = {
        f"2.0.0.127.{name}.example": {"A": ["127.0.0.2"]} for name in ("low", "high", "plain")
    }
    lists = (
        "[{zone: low.example, severity: low}, plain.example, {zone: high.example, severity: high}]"
    )
    async with name_server(zone) as dns:
        outcome = await outcome_of(dns, f"lists: {lists}", "127.0.0.2")
    assert outcome.failure is not None
    names = [word for word in outcome.failure.detail.split() if word.endswith(".example")]
    assert names == ["high.example", "plain.example", "low.example"]


async def test_a_host_that_no_list_can_be_asked_about_is_not_clean() -> None:
    async with name_server({**TESTS, "host.example.test": {"AAAA": ["2001:db8::1"]}}) as dns:
        outcome = await outcome_of(dns, "lists: [bl.example]", "host.example.test")
    wanted = "verify: unusable: no list can be queried for host.example.test, 2001:db8::1"
    assert str(outcome.failure) == wanted
