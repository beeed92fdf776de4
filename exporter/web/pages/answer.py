"""The answer of a blocklist about an address or a domain."""

from collections.abc import Iterator

from markupsafe import Markup

from exporter.blocklists.past import Past
from exporter.core.model import Listing, ListState
from exporter.web.pages.styles import BAD, GOOD, PLAIN
from exporter.web.pages.time_zone import UTC_ZONE, TimeZone


class AnswerView:
    """The answer of a list, and what it answered in the week before."""

    def __init__(
        self, listing: Listing, past: Past | None = None, zone: TimeZone = UTC_ZONE
    ) -> None:
        self.listing = listing
        self.past = past
        self._zone = zone

    @property
    def word(self) -> str:
        """Whether it lists the subject."""
        return self.listing.state.in_words

    @property
    def state(self) -> str:
        """How that looks."""
        return style_of(self.listing.state) if self.listing.alarming else PLAIN

    @property
    def codes(self) -> str:
        """What the list answers, with the meaning."""
        meanings = ", ".join(self.listing.meanings)
        return " ".join(filter(None, (*self.listing.codes, meanings and f"({meanings})")))

    @property
    def delisting(self) -> str:
        """The page that tells how to get off the list."""
        bad = self.listing.state is ListState.LISTED and self.listing.alarming
        return self.listing.delisting if bad else ""

    @property
    def before(self) -> list[str]:
        """Since when it has listed the subject, in sentences."""
        if self.past is None:
            return []
        if not self.past.answered:
            return ["unknown"]
        return [*_periods(self.past, self.listing.state, self._zone)] or ["not listed"]

    @property
    def usable(self) -> str:
        """In how many checks it was."""
        if self.past is None:
            return ""
        checks = f"{self.past.checks} {'check' if self.past.checks == 1 else 'checks'}"
        if not self.past.answered:
            return f"not usable in {checks}: {self.past.trouble}"
        if self.past.answered == self.past.checks:
            return f"usable in {checks}"
        return f"usable in {self.past.answered} of {checks}; last trouble: {self.past.trouble}"

    @property
    def state_before(self) -> ListState:
        """Listed if it was at any time of the week."""
        if not self.past or not self.past.answered:
            return ListState.UNKNOWN
        return ListState.LISTED if self.past.periods else ListState.CLEAN


def style_of(state: ListState) -> str:
    return {ListState.LISTED: BAD, ListState.CLEAN: GOOD, ListState.UNKNOWN: PLAIN}[state]


def _periods(past: Past, now: ListState, zone: TimeZone) -> Iterator[str]:
    """When it was listed, and since when. What the newest check found may be over by now."""
    for one in past.periods:
        first, last = zone.moment(one.first), zone.moment(one.last)
        began = first if one.after is not None else Markup("before {}").format(first)
        if one.until is not None:
            yield Markup("listed from {} until {}").format(began, zone.moment(one.until))
        elif now is ListState.CLEAN:
            yield Markup("listed from {} until the newest check, {}").format(began, last)
        else:
            yield Markup("listed since {}").format(began)
