"""Asks lists, with manners: answers are kept for their TTL, few questions at a time, a pause after
a refusal."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from exporter.blocklists.blocklist import Blocklist
from exporter.blocklists.memory import LONGEST, Memory
from exporter.blocklists.names import Subject, SubjectKind
from exporter.blocklists.standing import Query, QueryFailure, Standing, Statistics
from exporter.blocklists.verdict import Verdict, judge
from exporter.config.types import SecretUnavailable
from exporter.core.clock import Clock
from exporter.core.model import Listing, ListState, one_line
from exporter.core.trace import Trace
from exporter.net.dns import Resolver
from exporter.net.dns_answer import Answer, Said
from exporter.net.dns_queries import DnsQueries

MOST_AT_ONCE = 256  # questions, whatever the list
DAY = 86400.0
FRESH = 600.0  # seconds: a listing counts only if the list passed its test within this time

Observer = Callable[[Query], None]

_FAILURES = {
    Said.TIMEOUT: (QueryFailure.TIMEOUT, "no answer in time"),
    Said.SERVFAIL: (QueryFailure.SERVFAIL, "the resolver failed (SERVFAIL)"),
    Said.REFUSED: (QueryFailure.REFUSED, "the resolver refused the query (REFUSED)"),
    Said.NETWORK: (QueryFailure.NETWORK, "no name server can be reached"),
    Said.SENSELESS: (QueryFailure.SENSELESS, "the answer is invalid"),
}


def _nobody(query: Query) -> None:
    pass


@dataclass(frozen=True, slots=True)
class _Heard:
    """A verdict, and for how many seconds it holds."""

    verdict: Verdict
    ttl: float = 0.0


class Blocklists:
    """All lists that this program asks: one for the program. Call everything from the event loop's
    thread."""

    def __init__(self, resolver: Resolver, clock: Clock, observe: Observer = _nobody) -> None:
        self.statistics: dict[str, Statistics] = {}
        """By a list's name, from the first question on."""
        self._queries = DnsQueries(resolver, clock)
        self._clock = clock
        self._observe = observe
        self._turns = asyncio.Semaphore(MOST_AT_ONCE)
        self._standings: dict[tuple[Blocklist, SubjectKind], Standing] = {}
        self._memory = Memory()

    async def look_up(
        self, blocklist: Blocklist, subject: Subject, trace: Trace, observe: Observer = _nobody
    ) -> Listing:
        """What a list says of a subject. Never raises ProbeError: what cannot be known is UNKNOWN,
        and `text` says why.

        The list is tested first unless it was within a day. `observe` receives every query
        made for this answer, and so does the `observe` of the constructor. Cancel it at will.
        """
        try:
            listing = await self._find_out(blocklist, subject, observe)
        except SecretUnavailable as error:
            listing = _listing(blocklist, subject, Verdict(ListState.UNKNOWN, why=str(error)))
        details = " ".join(filter(None, (*listing.codes, listing.text)))
        trace.note(
            f"-- {listing.blocklist}: {listing.subject}"
            f" {listing.state}{': ' * bool(details)}{details}"
        )
        return listing

    async def close(self) -> None:
        """Ends the tests in progress."""
        tests = [standing.test for standing in self._standings.values() if standing.test]
        for test in tests:
            test.cancel()
        await asyncio.gather(*tests, return_exceptions=True)

    async def _find_out(self, blocklist: Blocklist, subject: Subject, observe: Observer) -> Listing:
        if not blocklist.takes(subject.kind):
            why = f"it is not queried for {subject.kind.value} subjects"
            return _listing(blocklist, subject, Verdict(ListState.UNKNOWN, why=why))
        standing = self._standing(blocklist, subject.kind)
        if not await self._is_usable(standing, DAY, observe):
            return _listing(blocklist, subject, Verdict(ListState.UNKNOWN, why=standing.why))
        if known := self._memory.recall(blocklist, subject, standing.age, self._clock.monotonic()):
            return known
        age = standing.age
        heard = await self._hear(standing, subject, observe)
        if heard.verdict.state is ListState.LISTED and not await self._is_usable(
            standing, FRESH, observe
        ):
            return _listing(blocklist, subject, Verdict(ListState.UNKNOWN, why=standing.why))
        text = (
            await self._reason(standing, subject, observe)
            if heard.verdict.state is ListState.LISTED
            else ""
        )
        listing = _listing(blocklist, subject, heard.verdict, text)
        if listing.state is not ListState.UNKNOWN:
            until = self._clock.monotonic() + min(heard.ttl, LONGEST)
            self._memory.keep(blocklist, subject, listing, age, until)
        return listing

    def _standing(self, blocklist: Blocklist, kind: SubjectKind) -> Standing:
        if (blocklist, kind) not in self._standings:
            statistics = self.statistics.setdefault(blocklist.name, Statistics())
            self._standings[blocklist, kind] = Standing(blocklist, kind, statistics)
        return self._standings[blocklist, kind]

    # ---------------------------------------------------------------- whether it is usable

    async def _is_usable(self, standing: Standing, within: float, observe: Observer) -> bool:
        """Whether the list passed its test within so many seconds. All that wait share one test."""
        now = self._clock.monotonic()
        if now - standing.tested < within:
            return True
        if standing.is_paused(now):
            return False
        if not standing.test or standing.test.done():
            standing.test = asyncio.create_task(self._test(standing, observe))
        await asyncio.shield(standing.test)
        return not standing.why

    async def _test(self, standing: Standing, observe: Observer) -> None:
        """RFC 5782 section 5: what every list has, and what none may have."""
        listed, unlisted = standing.blocklist.tests(standing.kind)
        try:
            why = await self._fault(standing, unlisted, ListState.CLEAN, observe)
            if listed and not why:
                why = await self._fault(standing, listed, ListState.LISTED, observe)
        except SecretUnavailable as error:
            why = str(error)
        if why:
            standing.fell(why, self._clock.monotonic())
        else:
            standing.passed(self._clock.monotonic())

    async def _fault(
        self, standing: Standing, subject: Subject, wanted: ListState, observe: Observer
    ) -> str:
        """What speaks against the list in its answer to a test; nothing if it is as it should
        be."""
        heard = await self._hear(standing, subject, observe, testing=True)
        verdict = heard.verdict
        if verdict.state is wanted:
            return ""
        if verdict.state is ListState.UNKNOWN:
            return verdict.why
        if wanted is ListState.CLEAN:
            return (
                f"it lists {subject.text}, which no list may list: it lists everything, or refuses"
                " our queries (RFC 5782 section 5)"
            )
        return (
            f"it does not list the test entry {subject.text}: it is empty or shut down (RFC 5782"
            " section 5)"
        )

    # ---------------------------------------------------------------- one question

    async def _hear(
        self, standing: Standing, subject: Subject, observe: Observer, *, testing: bool = False
    ) -> _Heard:
        """Asks for the A records of a subject."""
        async with standing.turns, self._turns:
            if not testing and standing.is_paused(
                self._clock.monotonic()
            ):  # it fell while we waited
                return _Heard(Verdict(ListState.UNKNOWN, why=standing.why))
            answer = await self._query(standing, subject, "A")
        if answer.said in _FAILURES:
            failure, why = _FAILURES[answer.said]
            verdict = Verdict(ListState.UNKNOWN, why=why, failure=failure)
        elif answer.said is Said.NODATA and not _may_be_nodata(standing, subject):
            why = (
                "the name exists, but has no address: perhaps the resolver filters addresses in"
                " 127.0.0.0/8"
            )
            verdict = Verdict(ListState.UNKNOWN, why=why, failure=QueryFailure.SENSELESS)
        else:
            verdict = judge(standing.blocklist, answer.records)
        self._tell(Query(standing.blocklist.name, answer.took, verdict.failure), observe)
        standing.answered(verdict.failure, verdict.why, self._clock.monotonic())
        return _Heard(verdict, answer.ttl)

    async def _reason(self, standing: Standing, subject: Subject, observe: Observer) -> str:
        """The TXT record that says why something is listed (RFC 5782 section 2.1), if there is
        one."""
        async with standing.turns, self._turns:
            answer = await self._query(standing, subject, "TXT")
        failure, _ = _FAILURES.get(answer.said, (None, ""))
        self._tell(Query(standing.blocklist.name, answer.took, failure), observe)
        return one_line(standing.blocklist.redacted(" / ".join(answer.records)))

    async def _query(
        self, standing: Standing, subject: Subject, kind: Literal["A", "TXT"]
    ) -> Answer:
        name = f"{subject.labels}.{standing.blocklist.zone()}"
        return await self._queries.query(f"{name}.", kind)

    def _tell(self, query: Query, observe: Observer) -> None:
        if query.failure:
            self.statistics[query.blocklist].failures[query.failure] += 1
        self._observe(query)
        observe(query)


def _may_be_nodata(standing: Standing, subject: Subject) -> bool:
    """Whether a name without address says that it is not listed: below an unlisted domain there may
    be listed ones.

    Nothing is below an address. And only the test entry proves that the resolver does not hide
    listings.
    """
    return subject.kind is SubjectKind.DOMAIN and subject.kind in standing.blocklist.test_points


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
