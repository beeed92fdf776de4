"""What the newest trips say about each blocklist: whether it is usable, and whom it lists."""

from collections.abc import Iterable
from dataclasses import dataclass

from exporter.core.fairness import in_turns
from exporter.core.model import Listing, ListState, QueriedList
from exporter.probing.probe import Probe

FACTS = 2000  # that are read at a time: a millisecond of work


@dataclass(frozen=True, slots=True)
class BlocklistStatus:
    """A blocklist."""

    name: str
    trouble: str | None  # why it is not usable
    listed: tuple[str, ...]  # addresses and domains
    alarming: bool  # whether a listing is a failure


async def blocklist_statuses(probes: Iterable[Probe]) -> list[BlocklistStatus]:
    """From the newest answers of every probe. An unusable list has no listings."""
    trouble: dict[str, str] = {}
    listed: dict[str, dict[str, None]] = {}  # in the order in which they are found
    harmless: set[str] = set()
    async for fact in in_turns(
        (fact for probe in probes if probe.newest for fact in probe.newest.facts), FACTS
    ):
        if isinstance(fact, QueriedList):
            listed.setdefault(fact.blocklist, {})
            if not fact.usable:
                trouble.setdefault(fact.blocklist, fact.why)
        elif isinstance(fact, Listing):
            _take(fact, listed.setdefault(fact.blocklist, {}), trouble)
            if not fact.alarming:
                harmless.add(fact.blocklist)
    return [
        BlocklistStatus(name, trouble.get(name), tuple(whom), name not in harmless)
        for name, whom in listed.items()
    ]


def _take(listing: Listing, listed: dict[str, None], trouble: dict[str, str]) -> None:
    if listing.state is ListState.LISTED:
        listed[listing.subject] = None
    elif listing.state is ListState.UNKNOWN:
        trouble.setdefault(listing.blocklist, listing.text)
