"""What the newest trips say about each blocklist: whether it is usable, and whom it lists."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from exporter.core.model import Listing, ListState, QueriedList
from exporter.core.timing.fairness import in_turns
from exporter.probing.probe import Probe

FACTS = 2000  # that are read at a time: a millisecond of work


@dataclass(frozen=True, slots=True)
class BlocklistStatus:
    """A blocklist."""

    name: str
    trouble: str | None  # why it is not usable
    since: float | None  # when a check found that first; seconds since the epoch
    listed: Mapping[str, float | None]  # addresses and domains, and since when, alike
    alarming: bool  # whether a listing is a failure


async def blocklist_statuses(probes: Iterable[Probe]) -> list[BlocklistStatus]:
    """From the newest answers of every probe. An unusable list has no listings."""
    trouble: dict[str, tuple[str, float | None]] = {}
    listed: dict[str, dict[str, float | None]] = {}  # in the order in which they are found
    harmless: set[str] = set()
    async for fact in in_turns(
        (fact for probe in probes if probe.newest for fact in probe.newest.facts), FACTS
    ):
        if isinstance(fact, QueriedList):
            listed.setdefault(fact.blocklist, {})
            if not fact.usable:
                _note(trouble, fact.blocklist, fact.why, fact.since)
        elif isinstance(fact, Listing):
            _take(fact, listed.setdefault(fact.blocklist, {}), trouble)
            if not fact.alarming:
                harmless.add(fact.blocklist)
    return [
        BlocklistStatus(name, why, since, whom, name not in harmless)
        for name, whom in listed.items()
        for why, since in [trouble.get(name, (None, None))]
    ]


def _take(
    listing: Listing,
    listed: dict[str, float | None],
    trouble: dict[str, tuple[str, float | None]],
) -> None:
    if listing.state is ListState.LISTED:
        listed[listing.subject] = _first(listed.get(listing.subject), listing.since)
    elif listing.state is ListState.UNKNOWN:
        _note(trouble, listing.blocklist, listing.text, listing.since)


def _note(
    trouble: dict[str, tuple[str, float | None]], name: str, why: str, since: float | None
) -> None:
    """The first words, and the earliest time, of all probes that query this list."""
    words, before = trouble.get(name, (why, None))
    trouble[name] = words, _first(before, since)


def _first(one: float | None, other: float | None) -> float | None:
    return min((since for since in (one, other) if since is not None), default=None)
