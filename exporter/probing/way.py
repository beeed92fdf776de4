"""What a probe remembers of the ways that its messages took: only whether one was seen before. What
they were is in the state."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from exporter.core.comparison.circumstances import Aspect, Circumstances, What, circumstances_of
from exporter.core.facts import Changes
from exporter.core.model import Fact, Outcome

MOST_WAYS = 16  # that are remembered
MOST_FAILURES = 3  # of different kinds in an outage
_VARYING = frozenset({What.HOPS, What.SERVER_NAME, What.SPAM_SCORE})
"""What may be another one in each trip, as at the largest providers."""


@dataclass(slots=True)
class Way:
    """The ways of good trips, and what changed with the failures of an outage that lasts."""

    quiet_until: float = float("-inf")  # monotonic: no good trip is compared before
    lists_asked: bool = False  # about the leaving address, in this outage
    _seen: tuple[int, ...] = ()
    _failures: dict[str, Changes | None] | None = None  # that were compared, by their places

    def note_good_trip(self, facts: Iterable[Fact]) -> bool:
        """Remembers the way of a good trip, which ends the outage. True if it is another one than
        those before it; the first is not."""
        self._failures, self.lists_asked = None, False
        mark = hash(frozenset(_lasting(circumstances_of(facts)).items()))
        if mark in self._seen:
            return False
        first, self._seen = not self._seen, (*self._seen[1 - MOST_WAYS :], mark)
        return not first

    def note_failure(self, outcome: Outcome) -> bool:
        """Remembers how a trip failed. True if no trip of this outage failed like it; False also
        after a few kinds of failure."""
        self._failures = self._failures or {}
        if _place(outcome) in self._failures or len(self._failures) >= MOST_FAILURES:
            return False
        self._failures[_place(outcome)] = None
        return True

    def explain(self, outcome: Outcome, found: Changes) -> None:
        """What changed with this failure, for the trips that fail after it."""
        if self._failures and _place(outcome) in self._failures:
            self._failures[_place(outcome)] = found

    def explained(self, outcome: Outcome) -> Outcome:
        """The outcome with what changed, if that is known already."""
        found = (self._failures or {}).get(_place(outcome))
        return replace(outcome, facts=(*outcome.facts, found)) if found else outcome


def _lasting(found: Circumstances) -> dict[Aspect, frozenset[str]]:
    return {aspect: values for aspect, values in found.items() if aspect.what not in _VARYING}


def _place(outcome: Outcome) -> str:
    failure = outcome.failure
    return f"{failure.phase}/{failure.step}/{failure.reason}/{failure.code}" if failure else ""
