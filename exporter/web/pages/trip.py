"""The data of the page about one trip."""

from urllib.parse import urlencode

from exporter.core.facts import ArrivedHeaders, Hop
from exporter.core.model import Listing, Outcome
from exporter.state.evidence import ListedTrip
from exporter.web.pages.overview import BAD, GOOD, PLAIN, in_words
from exporter.web.pages.trip_facts import facts_in_words
from exporter.web.pages.waterfall import Row, Waterfall


class TripView:
    """One trip, in progress or finished."""

    def __init__(
        self,
        outcome: Outcome,
        name: str | None,
        *,
        under_way: bool = False,
        missing: ListedTrip | None = None,
    ) -> None:
        self._missing = missing
        self.outcome = outcome
        self.name = name
        self.under_way = under_way
        self.id = outcome.trip
        self.query = urlencode({"module": outcome.probe.module, "target": outcome.probe.target})

    @property
    def state(self) -> str:
        return PLAIN if self.under_way else BAD if self.outcome.failure else GOOD

    @property
    def word(self) -> str:
        return "in progress" if self.under_way else "failed" if self.outcome.failure else "OK"

    @property
    def text(self) -> str:
        """The result in words."""
        if self.under_way:
            return ""
        return str(self.outcome.failure) if self.outcome.failure else in_words(self.outcome)

    @property
    def missing(self) -> str:
        """What is not shown between it and the next older one of its probe, in words."""
        if not self._missing:
            return ""
        counts = (self._missing.successes, "OK"), (self._missing.failures, "failed")
        words = [f"{count:,} {kind}" for count, kind in counts if count]
        one = self._missing.successes + self._missing.failures == 1
        return f"{' and '.join(words)} {'trip' if one else 'trips'} not shown" if words else ""

    @property
    def is_summary(self) -> bool:
        """Whether only its verdict is still kept."""
        return not (self.under_way or self.outcome.spans or self.outcome.transcript)

    @property
    def listings(self) -> list[Listing]:
        return [fact for fact in self.outcome.facts if isinstance(fact, Listing)]

    @property
    def rows(self) -> list[Row]:
        """The waterfall."""
        return Waterfall(self.outcome).rows()

    @property
    def hops(self) -> list[Hop]:
        return [fact for fact in self.outcome.facts if isinstance(fact, Hop)]

    @property
    def headers(self) -> tuple[str, ...]:
        """The headers of the arrived message."""
        lines = (fact.lines for fact in self.outcome.facts if isinstance(fact, ArrivedHeaders))
        return next(lines, ())

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Other facts, as pairs of a name and a text."""
        return facts_in_words(self.outcome)
