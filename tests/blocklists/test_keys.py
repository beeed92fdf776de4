"""Keys in the zones of lists."""

import pytest

from exporter.blocklists import catalogue
from exporter.blocklists.keys import split
from tests.blocklists.test_options import lists

NO_KEYS = ["bl.example.net", "spam-sources-2024.lists.example.net", "combined.mail.abusix.zone"]


@pytest.mark.parametrize(
    "key", ["a1b2c3d4e5f6g7", "0123456789abcdef", "0f8fad5b-d9cb-469f-a165-70867728950e", "q" * 20]
)
def test_a_key_of_a_list_that_nobody_knows_is_told_by_its_looks(key: str) -> None:
    (options,) = lists(f"dyn.{key}.example.org")
    assert options.zone == "dyn.{key}.example.org"
    assert options.label == "dyn.example.org"
    assert options.blocklist().zone() == f"dyn.{key}.example.org"


@pytest.mark.parametrize("zone", [*catalogue.zones(), *NO_KEYS])
def test_a_zone_without_a_key_is_left_as_it_is(zone: str) -> None:
    assert split(zone) is None


def test_a_list_of_the_catalogue_is_known_behind_a_key_too() -> None:
    (options,) = lists("geheim.b.barracudacentral.org")
    assert options.label == "b.barracudacentral.org"
    assert (
        options.blocklist().delisting
        == lists("b.barracudacentral.org")[0].blocklist().delisting
        != ""
    )
