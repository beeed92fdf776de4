"""What all lists say about an address, a domain or a host that a person has asked about."""

from collections.abc import Iterable, Sequence
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
        return _state(one.state for one in self.judges)

    @property
    def verdict(self) -> str:
        """How many lists say so, in one sentence. Those that only inform do not count."""
        judges = self.judges
        if not judges:
            return "unknown: no list is asked about it"
        listed = sum(one.state is ListState.LISTED for one in judges)
        unknown = sum(one.state is ListState.UNKNOWN for one in judges)
        answered = len(judges) - unknown
        verb = "is" if unknown == 1 else "are"
        rest = f"; {unknown} of {len(judges)} {verb} unknown" if unknown else ""
        if answered == 1:
            return f"{'listed' if listed else 'not listed'} by the one list that answered{rest}"
        if listed:
            return f"listed by {listed} of {answered} lists that answered{rest}"
        if answered:
            return f"not listed by any of {answered} lists that answered{rest}"
        return "unknown: no list answered"

    @property
    def listed_by(self) -> str:
        """The lists that list it, by name."""
        found = [one for one in self.judges if one.state is ListState.LISTED]
        return ", ".join(one.blocklist for one in found)

    @property
    def judges(self) -> Sequence[Listing]:
        """The answers that count: those of lists that only inform do so only alone."""
        return [one for one in self.listings if one.alarming] or self.listings


@dataclass(frozen=True, slots=True)
class Lookup:
    """The answers about all subjects of a look-up."""

    what: Subject
    answers: tuple[SubjectAnswers, ...]
    problems: tuple[str, ...] = ()  # what hid subjects or lists
    notes: tuple[str, ...] = ()  # what is worth knowing, and hid nothing
    resolver: str = ""  # what is wrong with the resolver that was used

    @property
    def state(self) -> ListState:
        """Listed if any subject is; clean only if no subject is hidden, and each that lists support
        is clean."""
        states = {one.state for one in self.answers if one.listings}
        if ListState.LISTED in states:
            return ListState.LISTED
        whole = states == {ListState.CLEAN} and not self.problems
        return ListState.CLEAN if whole else ListState.UNKNOWN

    @property
    def listings(self) -> tuple[str, ...]:
        """Which lists list which subject, a line each."""
        return tuple(
            f"{one.subject.text} by {one.listed_by}"
            for one in self.answers
            if one.state is ListState.LISTED
        )

    @property
    def asked(self) -> frozenset[str]:
        """The names of the lists that count for the verdict."""
        return frozenset(one.blocklist for about in self.answers for one in about.judges)

    @property
    def unanswered(self) -> frozenset[str]:
        """Those of them that did not answer about each of their subjects."""
        listings = (one for about in self.answers for one in about.judges)
        return frozenset(one.blocklist for one in listings if one.state is ListState.UNKNOWN)


def _state(states: Iterable[ListState]) -> ListState:
    found = set(states)
    order = (ListState.LISTED, ListState.CLEAN)
    return next((state for state in order if state in found), ListState.UNKNOWN)
