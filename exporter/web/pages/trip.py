"""The data of the page about one trip."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from exporter.core.comparison.circumstances import name_of
from exporter.core.comparison.words import changes_of, letter, sentence
from exporter.core.facts import Arrival, ArrivedHeaders, Changes, Hop, LateArrival
from exporter.core.model import ExchangerVisit, Listing, Outcome
from exporter.core.phases import Leg
from exporter.core.timing.durations import duration
from exporter.state.evidence import ListedTrip
from exporter.state.timeline import TimelineTrip
from exporter.web.pages import documentation
from exporter.web.pages.answer import AnswerView
from exporter.web.pages.axis import Mark, marks
from exporter.web.pages.overview import in_words
from exporter.web.pages.probe_link import probe_query
from exporter.web.pages.styles import BAD, GOOD, PLAIN
from exporter.web.pages.waterfall import Row, Waterfall

LEGS = {
    Leg.SEND: "the server that the message is sent to, or the way there",
    Leg.DELIVERY: "the servers between the one that accepted the message and the mailbox",
    Leg.MAILBOX: "the mailbox itself, or the way to its server",
}
"""The parts of the path in the order of the message, and what they are."""


@dataclass(frozen=True, slots=True)
class NextTo:
    """The trip of the same probe before or after another one."""

    trip: str
    success: bool | None  # None: in progress

    @property
    def word(self) -> str:
        return {True: "OK", False: "failed", None: "in progress"}[self.success]


def next_to(
    timeline: Sequence[TimelineTrip], trip: str, runs: Iterable[str]
) -> tuple[NextTo | None, NextTo | None]:
    """The trips before and after one, which may be among those in progress (`runs`)."""
    place = next((place for place, one in enumerate(timeline) if one.trip == trip), len(timeline))
    before = [NextTo(one.trip, one.success) for one in timeline[:place][-1:]]
    after = [NextTo(one.trip, one.success) for one in timeline[place + 1 :][:1]]
    after += [NextTo(one, None) for one in runs]
    return next(iter(before), None), next(iter(after), None)


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
        self.query = probe_query(outcome.probe)

    @property
    def state(self) -> str:
        return PLAIN if self.under_way else BAD if self.outcome.failure else GOOD

    @property
    def word(self) -> str:
        return "in progress" if self.under_way else "failed" if self.outcome.failure else "OK"

    @property
    def text(self) -> str:
        """The result in words, with what changed."""
        found = self.compared if self.outcome.failure else None
        return "; ".join(filter(None, (self.short_text, sentence(found) if found else "")))

    @property
    def short_text(self) -> str:
        """The result in words, for a list."""
        if self.under_way:
            return ""
        if not self.outcome.failure:
            return in_words(self.outcome)
        late = (str(fact) for fact in self.outcome.facts if isinstance(fact, LateArrival))
        return "; ".join((str(self.outcome.failure), *late))

    @property
    def beside(self) -> str:
        """The whole duration, and what of it was not the servers': beside the verdict."""
        if self.under_way:
            return f"after {duration(self.outcome.duration)}"
        arrived = any(isinstance(fact, Arrival) for fact in self.outcome.facts)
        back = [in_words(self.outcome)] if self.outcome.failure and arrived else []
        waited = Waterfall(self.outcome).waited
        total = f"{duration(self.outcome.duration)} in all"
        return "; ".join([*back, f"{total}, of which {waited}" if waited else total])

    @property
    def legs(self) -> list[tuple[Leg, str, str]]:
        """The legs in the order of the message, each with its verdict and its style; none if only
        blocklists were asked."""
        known = self.outcome.legs
        if not known or self.under_way:
            return []
        words = {True: ("OK", GOOD), False: ("failed", BAD), None: ("unknown", PLAIN)}
        return [(leg, *words[known.get(leg)]) for leg in LEGS]

    @property
    def blamed(self) -> str:
        """The leg that is to blame for the failure, and what it is; empty if it is unknown."""
        failure = self.outcome.failure
        leg = failure.reason.blames(failure.phase) if failure else None
        return f"{leg} ({LEGS[leg]})" if leg else ""

    @property
    def first_step(self) -> str:
        """What to do first; empty without a failure."""
        failure = self.outcome.failure
        return failure.reason.first_step if failure else ""

    @property
    def runbook(self) -> str:
        """The place in the documentation that says what to do; empty without a failure."""
        failure = self.outcome.failure
        return documentation.runbook(failure.reason) if failure else ""

    @property
    def explanation(self) -> str:
        """The place that says what the failure means; empty without one."""
        failure = self.outcome.failure
        return failure.reason.documentation if failure else ""

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
    def answers(self) -> list[AnswerView]:
        """What blocklists answered."""
        return [AnswerView(fact) for fact in self.outcome.facts if isinstance(fact, Listing)]

    @property
    def rows(self) -> list[Row]:
        """The waterfall."""
        return Waterfall(self.outcome, under_way=self.under_way).rows()

    @property
    def marks(self) -> list[Mark]:
        """The axis of the waterfall."""
        return marks(self.outcome.duration)

    @property
    def hops(self) -> list[Hop]:
        return [fact for fact in self.outcome.facts if isinstance(fact, Hop)]

    @property
    def visits(self) -> list[ExchangerVisit]:
        """What became of messages through each exchanger."""
        return [fact for fact in self.outcome.facts if isinstance(fact, ExchangerVisit)]

    @cached_property
    def compared(self) -> Changes | None:
        """What changed since the good trips before; None if that is not known."""
        return changes_of(self.outcome)

    @property
    def changes(self) -> list[tuple[str, str, str]]:
        """What changed, and how it was and is."""
        found = self.compared.changes if self.compared else ()
        return [
            (
                name_of(one.what, one.about),
                "; ".join(one.before) or "none",
                "; ".join(one.after) or "none",
            )
            for one in found
        ]

    @property
    def letter(self) -> str:
        """The text for the postmaster of the other side."""
        return letter(self.outcome) if self.outcome.failure else ""

    @property
    def headers(self) -> tuple[str, ...]:
        """The headers of the arrived message."""
        for fact in self.outcome.facts:
            if isinstance(fact, ArrivedHeaders):
                return fact.lines
            if isinstance(fact, LateArrival):
                return fact.headers
        return ()
