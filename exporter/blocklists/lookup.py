"""What all lists say about an address, a domain or a host that a person has asked about."""

from collections.abc import Iterable
from dataclasses import dataclass

from exporter.blocklists.names import Subject
from exporter.core.model import Listing, ListState


@dataclass(frozen=True, slots=True)
class SubjectAnswers:
    """The answers about one address or domain."""

    subject: Subject
    origin: str  # where it comes from, for people; empty for what was asked about
    listings: tuple[Listing, ...]  # of the lists that support its kind, in their order

    @property
    def state(self) -> ListState:
        """Unknown if no list answered; only if there is no blocking list, another one counts."""
        judges = [one for one in self.listings if one.alarming] or self.listings
        return _state(one.state for one in judges)


@dataclass(frozen=True, slots=True)
class Lookup:
    """The answers about all subjects of a look-up."""

    what: Subject
    answers: tuple[SubjectAnswers, ...]
    problems: tuple[str, ...] = ()  # what hid subjects or lists
    notes: tuple[str, ...] = ()  # what is worth knowing, and hid nothing

    @property
    def state(self) -> ListState:
        """Listed if any subject is; clean only if no subject is hidden, and each that lists support
        is clean."""
        states = {one.state for one in self.answers if one.listings}
        if ListState.LISTED in states:
            return ListState.LISTED
        whole = states == {ListState.CLEAN} and not self.problems
        return ListState.CLEAN if whole else ListState.UNKNOWN


def _state(states: Iterable[ListState]) -> ListState:
    found = set(states)
    order = (ListState.LISTED, ListState.CLEAN)
    return next((state for state in order if state in found), ListState.UNKNOWN)
