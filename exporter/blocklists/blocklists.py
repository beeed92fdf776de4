"""Queries blocklists politely: answers are kept for their TTL, few queries at a time, a pause
after a refusal."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from exporter.blocklists.blocklist import Blocklist
from exporter.blocklists.list_status import ListStatus, Query, Statistics
from exporter.blocklists.memory import LONGEST, Memory
from exporter.blocklists.names import Subject, SubjectKind
from exporter.blocklists.queries import ListQueries, Observer
from exporter.blocklists.self_test import SelfTest
from exporter.blocklists.verdict import Verdict
from exporter.config.types import SecretUnavailable
from exporter.core.model import Listing, ListState, ProbeError
from exporter.core.timing.clock import Clock
from exporter.core.trace.trace import Trace
from exporter.net.dns.resolver import Resolver

HOUR = 3600.0  # seconds: an answer counts only if the list passed its test within this time
FRESH = 600.0  # and a listing only within this one
HIDING = 2  # so many lists without their test entries are no coincidence
NOT_PUBLIC = "not asked: a public list knows nothing about an address that is not public"
UNPROVEN = "every list with a test entry failed: the resolver may hide listings"


def _no_observer(query: Query) -> None:
    pass


Question = tuple[Blocklist, Subject]


@dataclass
class _InProgress:
    """A question to which there is no answer yet."""

    task: asyncio.Task[Listing]
    waiting: int = 0  # who wait for it; without any it ends


class Blocklists:
    """All lists that this program queries: one object per program. Call it from the event loop's
    thread."""

    def __init__(self, resolver: Resolver, clock: Clock, observe: Observer = _no_observer) -> None:
        self.statistics: dict[str, Statistics] = {}
        """By a list's name, from the first question on."""
        self._queries = ListQueries(resolver, clock, self.statistics, observe)
        self._self_test = SelfTest(self._queries, clock)
        self._clock = clock
        self._statuses: dict[tuple[Blocklist, SubjectKind], ListStatus] = {}
        self._memory = Memory()
        self._in_progress: dict[Question, _InProgress] = {}

    async def look_up(
        self, blocklist: Blocklist, subject: Subject, trace: Trace, observe: Observer = _no_observer
    ) -> Listing:
        """Queries a list about a subject. Never raises ProbeError: a failure is UNKNOWN, with the
        cause in `text`.

        It tests the list first, unless it did so within an hour. `observe` and the `observe` of the
        constructor receive every query made for this answer. Who wants to know the same at the same
        time gets the same answer. It can be cancelled.
        """
        try:
            listing = await self._find_out(blocklist, subject, observe)
        except (SecretUnavailable, ProbeError) as error:
            listing = unknown(blocklist, subject, str(error))
        details = " ".join(filter(None, (*listing.codes, listing.text)))
        trace.note(
            f"-- {listing.blocklist}: {listing.subject}"
            f" {listing.state.in_words}{': ' * bool(details)}{details}"
        )
        return listing

    def proven(
        self, answers: Mapping[Question, Listing], *, careful: bool
    ) -> dict[Question, Listing]:
        """The answers of lists, without those that prove nothing: that a list lists nothing is
        unknown if the resolver may hide entries.

        `careful`: it may do so if no list with a test entry is usable. Otherwise, only if several
        lists lack it and no other has it, since a single list may be shut down, or have an outage.
        """
        tested = {(one, subject.kind) for one, subject in answers if one.tests(subject.kind)[0]}
        statuses = [self._statuses[one] for one in tested if one in self._statuses]
        if careful:
            hides = all(
                listing.state is ListState.UNKNOWN
                for (one, subject), listing in answers.items()
                if (one, subject.kind) in tested
            )
        else:
            lacking = {one.blocklist for one in statuses if one.lacks_entry}
            hides = len(lacking) >= HIDING and all(one.lacks_entry for one in statuses)
        if not tested or not hides:
            return dict(answers)
        return {
            one: unknown(*one, UNPROVEN) if listing.state is ListState.CLEAN else listing
            for one, listing in answers.items()
        }

    async def close(self) -> None:
        """Ends the tests in progress."""
        tests = [status.test for status in self._statuses.values() if status.test]
        for test in tests:
            test.cancel()
        await asyncio.gather(*tests, return_exceptions=True)

    async def _find_out(self, blocklist: Blocklist, subject: Subject, observe: Observer) -> Listing:
        if not blocklist.takes(subject.kind):
            why = f"it is not queried for {subject.kind.value} subjects"
            return unknown(blocklist, subject, why)
        if not blocklist.may_know(subject):
            return unknown(blocklist, subject, NOT_PUBLIC)
        status = self._status(blocklist, subject.kind)
        if not await self._self_test.is_usable(status, HOUR, observe):
            return unknown(blocklist, subject, status.why)
        if known := self._memory.recall(blocklist, subject, status.age, self._clock.monotonic()):
            return known
        return await self._shared(status, subject, observe)

    async def _shared(self, status: ListStatus, subject: Subject, observe: Observer) -> Listing:
        """The answer to a question, which is put once for all who wait for it."""
        question = status.blocklist, subject
        asking = self._in_progress.get(question)
        if asking is None:
            task = asyncio.create_task(self._put(status, subject, observe))
            asking = self._in_progress[question] = _InProgress(task)
        asking.waiting += 1
        try:
            return await asyncio.shield(asking.task)
        finally:
            asking.waiting -= 1
            if not asking.waiting:
                del self._in_progress[question]
                asking.task.cancel()

    async def _put(self, status: ListStatus, subject: Subject, observe: Observer) -> Listing:
        blocklist, age = status.blocklist, status.age
        heard = await self._queries.verdict_on(status, subject, observe)
        if heard.verdict.state is ListState.LISTED and not await self._self_test.is_usable(
            status, FRESH, observe
        ):
            return unknown(blocklist, subject, status.why)
        text = (
            await self._queries.reason(status, subject, observe)
            if heard.verdict.state is ListState.LISTED
            else ""
        )
        listing = _listing(blocklist, subject, heard.verdict, text)
        if listing.state is not ListState.UNKNOWN:
            until = self._clock.monotonic() + min(heard.ttl, LONGEST)
            self._memory.keep(blocklist, subject, listing, age, until)
        return listing

    def _status(self, blocklist: Blocklist, kind: SubjectKind) -> ListStatus:
        if (blocklist, kind) not in self._statuses:
            statistics = self.statistics.setdefault(blocklist.name, Statistics())
            self._statuses[blocklist, kind] = ListStatus(blocklist, kind, statistics)
        return self._statuses[blocklist, kind]


def unknown(blocklist: Blocklist, subject: Subject, why: str) -> Listing:
    """The listing for a list that has given no answer."""
    return _listing(blocklist, subject, Verdict(ListState.UNKNOWN, why=why))


def _listing(blocklist: Blocklist, subject: Subject, verdict: Verdict, text: str = "") -> Listing:
    return Listing(
        blocklist.name,
        subject.text,
        verdict.state,
        verdict.codes,
        verdict.meanings,
        text or verdict.why,
        blocklist.alarming,
        blocklist.severity,
        blocklist.delisting,
    )
