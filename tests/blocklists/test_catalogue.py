"""The lists that we know."""

from exporter.blocklists import catalogue
from exporter.blocklists.names import SubjectKind
from exporter.blocklists.options import BlockListOptions


def test_the_catalogue_is_whole() -> None:
    """Every entry makes a list; its own test entry is a domain's; errors are no codes."""
    assert len(catalogue.zones()) > 30
    for zone in catalogue.zones():
        known = catalogue.entry(zone)
        assert known
        assert known.asks
        assert known.test_points <= known.asks | set(SubjectKind)
        assert bool(known.test_entry) <= (known.asks == {SubjectKind.DOMAIN})
        assert not set(known.errors or ()) & set(known.codes or {})
        assert known.kind == "allow" or known.delisting
        options = BlockListOptions.model_validate(
            {"zone": zone, "key": "k"} if "{key}" in zone else {"zone": zone}
        )
        assert options.blocklist(
            domains=known.asks == {SubjectKind.DOMAIN}
        ).name == zone.removeprefix("{key}.")


def test_dead_lists_are_not_in_it() -> None:
    dead = ("sorbs", "manitu", "abuseat", "ahbl", "njabl")
    assert not [zone for zone in catalogue.zones() if any(name in zone for name in dead)]
