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

    def is_new(self, facts: Iterable[Fact]) -> bool:
        """Whether a good trip went another way than those before it. Remembers it; the first is not
        new. The outage is over."""
        self._failures, self.lists_asked = None, False
        mark = hash(frozenset(_lasting(circumstances_of(facts)).items()))
        if mark in self._seen:
            return False
        first, self._seen = not self._seen, (*self._seen[1 - MOST_WAYS :], mark)
        return not first

    def is_new_failure(self, outcome: Outcome) -> bool:
        """Whether no trip of this outage failed like this one, of a few. Remembers it."""
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
