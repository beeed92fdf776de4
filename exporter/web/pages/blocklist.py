"""The data of the page of one blocklist: whether it is usable, what it lists, who queries it, and
what it is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from exporter.blocklists.blocklist import Blocklist
from exporter.blocklists.names import SubjectKind
from exporter.blocklists.options import BlockListOptions
from exporter.checks.module import Module
from exporter.core.model import Listing, ListState, Outcome
from exporter.core.timing.fairness import in_turns
from exporter.probing.probe import Probe
from exporter.web.blocklist_status import FACTS, BlocklistStatus
from exporter.web.pages.answer import AnswerView
from exporter.web.pages.probe_link import ProbeLink
from exporter.web.pages.styles import BAD, GOOD, PLAIN

MOST_PROBES = 50  # that are named
MOST_LISTED = 100  # addresses and domains that are shown
MOST_MEANINGS = 50  # of its answers
AT_A_TIME = 200  # probes or entries before others have their turn: a millisecond of work

_SUBJECTS = {
    SubjectKind.IPV4: "IPv4 addresses",
    SubjectKind.IPV6: "IPv6 addresses",
    SubjectKind.DOMAIN: "domains",
}
_KINDS = {
    "block": "a list of bad senders: a listing is a failure",
    "allow": "a list of good senders: a listing is not a failure",
    "info": "a listing is only reported, and is not a failure",
}


@dataclass(frozen=True, slots=True)
class ListedSubject:
    """An address or a domain that it lists, and the probe that found this out."""

    answer: AnswerView
    since: float | None  # seconds since the epoch
    probe: ProbeLink
    trip: str


@dataclass(frozen=True, slots=True)
class ListWords:
    """What the configuration and the catalogue say about it."""

    asked_about: str
    kind: str
    severity: str
    delisting: str
    meanings: tuple[tuple[str, str], ...]  # an answer, and what it means
    more: int  # other meanings

    @classmethod
    def of(cls, one: Blocklist) -> "ListWords":
        meanings = (*one.codes, *((f"bit {bit}", text) for bit, text in one.bits))
        return cls(
            ", ".join(words for kind, words in _SUBJECTS.items() if one.takes(kind)),
            _KINDS[one.kind],
            one.severity,
            one.delisting,
            meanings[:MOST_MEANINGS],
            max(len(meanings) - MOST_MEANINGS, 0),
        )


@dataclass(slots=True)
class BlocklistPage:
    """One blocklist."""

    name: str
    status: BlocklistStatus | None  # None: no check that queried it has ended
    words: list[ListWords]  # two if it is asked about addresses and about domains
    api: str  # the address of its description in JSON, relative to the start page
    known: int = 0  # probes that query it
    named: list[ProbeLink] = field(default_factory=list)  # some of them
    module: str = ""  # of one of them
    newest: Outcome | None = None  # of their newest checks, the one that started last
    listed: list[ListedSubject] = field(default_factory=list)

    @property
    def more(self) -> int:
        """How many subjects it lists besides those that are shown."""
        return len(self.status.listed) - len(self.listed) if self.status else 0

    @property
    def verdict(self) -> tuple[str, str, str]:
        """Its style, a word, and the rest of the sentence."""
        if self.status is None:
            return PLAIN, "unknown", ": no check that queries it has ended yet"
        if self.status.trouble is not None:
            return PLAIN, "unusable", f": {self.status.trouble}"
        count = len(self.status.listed)
        if not count:
            return GOOD, "usable", ", and lists nothing that is checked"
        subjects = "address or domain" if count == 1 else "addresses and domains"
        harmless = "" if self.status.alarming else ", which is not a failure"
        style = BAD if self.status.alarming else GOOD
        return style, f"lists {count:,} {subjects}", harmless


Entries = Sequence[tuple[BlockListOptions, bool]]
"""Of one name, the first for addresses and the first for domains (True)."""


async def configured_lists(modules: Iterable[Module]) -> dict[str, Entries]:
    """The lists of the configuration by their names."""
    found: dict[str, dict[bool, BlockListOptions]] = {}
    entries = (one for module in modules for one in module.lists)
    async for entry, domains in in_turns(entries, AT_A_TIME):
        found.setdefault(entry.label, {}).setdefault(domains, entry)
    return {
        name: [(entry, domains) for domains, entry in those.items()]
        for name, those in found.items()
    }


async def blocklist_page(
    name: str,
    statuses: Sequence[BlocklistStatus],
    entries: Entries,
    probes: Sequence[Probe],
) -> BlocklistPage:
    """The page of one list, from the newest checks of the probes."""
    place = next((place for place, one in enumerate(statuses) if one.name == name), None)
    page = BlocklistPage(
        name,
        None if place is None else statuses[place],
        [ListWords.of(entry.blocklist(domains=domains)) for entry, domains in entries],
        "api/v1/blocklists"
        + ("" if place is None else f"?{urlencode({'limit': 1, 'offset': place})}"),
    )
    async for probe in in_turns(probes, AT_A_TIME):
        if name in probe.blocklists:
            page.known += 1
            page.module = page.module or probe.key.module
            if len(page.named) < MOST_PROBES:
                page.named.append(ProbeLink.to(probe))
            one = probe.newest
            if one and (page.newest is None or one.started_at > page.newest.started_at):
                page.newest = one
    await _take_listed(page, probes)
    return page


async def _take_listed(page: BlocklistPage, probes: Iterable[Probe]) -> None:
    """Notes what it lists, each subject once."""
    seen = set[str]()
    facts = (
        (probe, probe.newest.trip, fact)
        for probe in probes
        if probe.newest
        for fact in probe.newest.facts
    )
    async for probe, trip, fact in in_turns(facts, FACTS):
        if not isinstance(fact, Listing) or fact.blocklist != page.name:
            continue
        if fact.state is ListState.LISTED and fact.subject not in seen:
            seen.add(fact.subject)
            since = page.status.listed.get(fact.subject) if page.status else None
            link = ProbeLink.to(probe)
            page.listed.append(ListedSubject(AnswerView(fact), since, link, trip))
            if len(page.listed) == MOST_LISTED:
                return
