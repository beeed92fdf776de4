"""The data of the page with the answers of a look-up."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from exporter.blocklists import Lookup, SubjectAnswers
from exporter.core.model import ListState
from exporter.web.lookups_now import LookupNow
from exporter.web.pages.answer import AnswerView, style_of
from exporter.web.pages.probe_link import ProbeLink
from exporter.web.pages.time_zone import TimeZone

MOST_NAMED = 5  # probes of a subject


@dataclass(frozen=True, slots=True)
class Agreement:
    """The lists that give the same answer: now, and in the checks of the week before."""

    word: str
    state: str
    now: tuple[str, ...]
    before: tuple[str, ...]


class SubjectView:
    """An address or a domain, and all answers about it: listings first, then what is unknown."""

    def __init__(self, about: SubjectAnswers, now: LookupNow, zone: TimeZone) -> None:
        self.subject = about.subject.text
        self.origin = about.origin
        views = [
            AnswerView(one, now.past.get((one.subject, one.blocklist)), zone)
            for one in about.listings
        ]
        order = [ListState.LISTED, ListState.UNKNOWN, ListState.CLEAN]
        self.answers = sorted(
            views, key=lambda one: (order.index(one.listing.state), not one.listing.alarming)
        )
        self.state = style_of(about.state)
        self.verdict = _verdict(about)
        probes = now.probes.get(self.subject, ())
        self.probes = [ProbeLink.to(one) for one in probes[:MOST_NAMED]]
        self.known_probes = len(probes)

    @property
    def agreements(self) -> list[Agreement]:
        """The lists by their answers; nothing if no check is known."""
        judges = [one for one in self.answers if one.listing.alarming]
        if not any(one.past for one in judges):
            return []
        return [
            Agreement(
                state.in_words,
                style_of(state),
                _names(one for one in judges if one.listing.state is state),
                _names(one for one in judges if one.past and one.state_before is state),
            )
            for state in ListState
        ]


class LookupView:
    """The answers of a look-up."""

    def __init__(self, now: LookupNow, zone: TimeZone) -> None:
        lookup = now.lookup
        self.what = lookup.what.text
        self.word = lookup.state.in_words
        self.state = style_of(lookup.state)
        self.configured = now.configured
        self.reasons = [*_listings(lookup), *lookup.problems]
        self.notes = lookup.notes
        self.trouble = now.trouble
        self.subjects = [SubjectView(one, now, zone) for one in lookup.answers]


def _listings(lookup: Lookup) -> Iterator[str]:
    """Which lists list which subject."""
    for about in lookup.answers:
        found = [one for one in about.listings if one.state is ListState.LISTED]
        if about.state is ListState.LISTED:
            judges = [one for one in found if one.alarming] or found
            lists = ", ".join(one.blocklist for one in judges)
            yield f"{about.subject.text} by {lists}"


def _names(views: Iterable[AnswerView]) -> tuple[str, ...]:
    return tuple(one.listing.blocklist for one in views)


def _verdict(about: SubjectAnswers) -> str:
    """How many lists say so, in one sentence. Those that only inform do not count."""
    if not about.listings:
        return "unknown: no list is asked about it"
    judges = [one for one in about.listings if one.alarming] or about.listings
    listed = sum(one.state is ListState.LISTED for one in judges)
    unknown = sum(one.state is ListState.UNKNOWN for one in judges)
    answered = len(judges) - unknown
    rest = f"; {unknown} of {len(judges)} are unknown" if unknown and answered else ""
    if answered == 1:
        return f"{'listed' if listed else 'not listed'} by the one list that answered{rest}"
    if listed:
        return f"listed by {listed} of {answered} lists that answered{rest}"
    if answered:
        return f"not listed by any of {answered} lists that answered{rest}"
    return "unknown: no list answered"
