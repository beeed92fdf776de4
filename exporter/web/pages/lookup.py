"""The data of the page with the answers of a look-up."""

from collections.abc import Iterable
from dataclasses import dataclass

from exporter.blocklists.lookup import SubjectAnswers
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
        self.verdict = about.verdict
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
        self.reasons = [*lookup.listings, *lookup.problems]
        self.notes = [*lookup.notes, *filter(None, [lookup.resolver])]
        self.trouble = now.trouble
        self.subjects = [SubjectView(one, now, zone) for one in lookup.answers]


def _names(views: Iterable[AnswerView]) -> tuple[str, ...]:
    return tuple(one.listing.blocklist for one in views)
