"""Look-ups on blocklists that are asked for by hand, with what the checks of the last week say."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from math import ceil
from typing import Protocol

from exporter.blocklists.free_lists import free_lists
from exporter.blocklists.lookup import Lookup
from exporter.blocklists.lookups import MOST_SUBJECTS, Lookups
from exporter.blocklists.names import Subject, SubjectKind
from exporter.blocklists.past import Past, PastAnswer, past
from exporter.core.model import Listing, Outcome, ProbeKey
from exporter.core.one_line import one_line
from exporter.core.timing.clock import Clock
from exporter.core.timing.fairness import in_turns
from exporter.probing.probe import Probe
from exporter.probing.probes import ProbeTable
from exporter.state.schema import StateUnusable
from exporter.web.api.errors import ApiError
from exporter.web.options import RateLimitOptions
from exporter.web.token_bucket import TokenBucket

WEEK = 7 * 86400.0  # seconds
MOST_AT_ONCE = 4  # look-ups
BURST, EVERY = 60, 2  # subjects at once; seconds until one more: of each list 43,200 a day
MOST_PROBES = 8  # whose checks are read
MOST_CHECKS = 1000  # of each of them
AT_A_TIME = 10  # checks that are read: a few milliseconds of work
FACTS = 2000  # that are read at a time: a millisecond of work

Question = tuple[str, str]
"""A subject and a blocklist, by name."""


class Records(Protocol):
    async def recent(
        self, probe: ProbeKey | None, limit: int, offset: int = 0
    ) -> list[Outcome]: ...


@dataclass(frozen=True, slots=True)
class LookupNow:
    """The answer to a request for a look-up."""

    lookup: Lookup
    at: float  # when it ended, in seconds since the epoch
    configured: bool  # by the lists of the configuration, and not by the free ones of the catalogue
    past: Mapping[Question, Past]  # what probes found out since WEEK before
    probes: Mapping[str, tuple[Probe, ...]]  # that check a subject
    trouble: str = ""  # why the past cannot be read now

    @property
    def since(self) -> float:
        """The beginning of the time that `past` covers."""
        return self.at - WEEK


class LookupsNow:
    """Makes look-ups, a few at once and of a limited number of subjects over time: lists tolerate
    no more."""

    def __init__(
        self, lookups: Lookups, probes: ProbeTable, records: Records, clock: Clock
    ) -> None:
        self._lookups = lookups
        self._probes = probes
        self._records = records
        self._clock = clock
        limit = {"interval": f"{EVERY}s", "burst": BURST}
        self._budget = TokenBucket(RateLimitOptions.model_validate(limit))
        self._running = 0

    async def run(self, text: str) -> LookupNow:
        """Looks up an address, a domain or a host. Raises ApiError."""
        try:
            what = Subject.of(text.strip())
        except ValueError as error:
            shown = one_line(text, 80)
            raise ApiError(HTTPStatus.BAD_REQUEST, f"{shown!r}: {error}") from None
        lists = self._probes.settings.blocklists
        # What it costs if the client leaves before the end.
        subjects_asked = MOST_SUBJECTS if what.kind is SubjectKind.DOMAIN else 1
        with self._a_turn():
            try:
                lookup = await self._lookups.run(what, lists or free_lists())
                subjects_asked = len(lookup.answers)
            finally:
                self._budget.charge(subjects_asked - 1)
        subjects = [one.subject.text for one in lookup.answers]
        probes = await self._watching(subjects)
        known, trouble = dict[Question, Past](), ""
        try:
            known = await self._past(subjects, probes)
        except StateUnusable as error:
            trouble = str(error)
        return LookupNow(lookup, self._clock.wall(), bool(lists), known, probes, trouble)

    @contextmanager
    def _a_turn(self) -> Iterator[None]:
        busy = self._running >= MOST_AT_ONCE
        if busy or not self._budget.take(self._clock.monotonic()):
            seconds = max(ceil(self._budget.wait), EVERY)
            text = f"too many look-ups: blocklists limit the number of queries; wait {seconds} s"
            retry = {"Retry-After": str(seconds)}
            raise ApiError(HTTPStatus.TOO_MANY_REQUESTS, text, headers=retry)
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1

    async def _watching(self, subjects: Collection[str]) -> dict[str, tuple[Probe, ...]]:
        """The probes whose newest trip asked about a subject."""
        found: dict[str, dict[ProbeKey, Probe]] = {one: {} for one in subjects}
        facts = (
            (probe, fact)
            for probe in self._probes
            if probe.blocklists and probe.newest
            for fact in probe.newest.facts
        )
        async for probe, fact in in_turns(facts, FACTS):
            if isinstance(fact, Listing) and fact.subject in found:
                found[fact.subject][probe.key] = probe
        return {subject: tuple(probes.values()) for subject, probes in found.items()}

    async def _past(
        self, subjects: Collection[str], probes: Mapping[str, tuple[Probe, ...]]
    ) -> dict[Question, Past]:
        """Raises StateUnusable."""
        watching = {one.key: None for those in probes.values() for one in those}
        answers: dict[Question, list[PastAnswer]] = defaultdict(list)
        read = set[str]()
        since = self._clock.wall() - WEEK
        for key in list(watching)[:MOST_PROBES]:
            for offset in range(0, MOST_CHECKS, AT_A_TIME):
                outcomes = await self._records.recent(key, AT_A_TIME, offset)
                recent = {one.trip: one for one in outcomes if one.finished_at >= since}
                # A trip that ends meanwhile moves the others.
                async for trip in in_turns(recent.keys() - read, 1):
                    _take(recent[trip], subjects, answers)
                read |= recent.keys()
                if not recent or len(recent) < len(outcomes):
                    break
        return {one: past(found) async for one, found in in_turns(answers.items(), AT_A_TIME)}


def _take(
    outcome: Outcome, subjects: Collection[str], answers: Mapping[Question, list[PastAnswer]]
) -> None:
    for fact in outcome.facts:
        if isinstance(fact, Listing) and fact.subject in subjects:
            answer = PastAnswer(outcome.finished_at, fact.state, fact.text)
            answers[fact.subject, fact.blocklist].append(answer)
