"""The lists of the catalogue that need no key, for those who have configured none."""

from functools import cache

from exporter.blocklists import catalogue
from exporter.blocklists.blocklist import KEY, Blocklist
from exporter.blocklists.names import SubjectKind
from exporter.blocklists.options import BlockListOptions


@cache
def free_lists() -> tuple[Blocklist, ...]:
    """Without those that are a part of another one, which would be asked twice."""
    entries = filter(None, map(catalogue.entry, catalogue.zones()))
    return tuple(
        BlockListOptions(zone=one.zone).blocklist(domains=SubjectKind.DOMAIN in one.asks)
        for one in entries
        if KEY not in one.zone and not one.part_of
    )
