"""Queries lists, a few at a time, and reads their answers."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from exporter.blocklists.list_status import ListStatus, Query, QueryFailure, Statistics
from exporter.blocklists.names import Subject, SubjectKind
from exporter.blocklists.verdict import Verdict, judge
from exporter.core.model import ListState, ProbeError
from exporter.core.one_line import one_line
from exporter.core.timing.clock import Clock
from exporter.core.timing.precision import FINE
from exporter.net.dns.answer import WHY_UNANSWERED, Answer, DnsResult
from exporter.net.dns.queries import DnsQueries
from exporter.net.dns.resolver import Resolver

MOST_AT_ONCE = 256  # queries to all lists together

Observer = Callable[[Query], None]

_FAILURES = {
    DnsResult.TIMEOUT: QueryFailure.TIMEOUT,
    DnsResult.SERVFAIL: QueryFailure.SERVFAIL,
    DnsResult.REFUSED: QueryFailure.REFUSED,
    DnsResult.NETWORK: QueryFailure.NETWORK,
    DnsResult.SENSELESS: QueryFailure.SENSELESS,
}


@dataclass(frozen=True, slots=True)
class TimedVerdict:
    """A verdict, and for how many seconds it holds."""

    verdict: Verdict
    ttl: float = 0.0


class ListQueries:
    """Counts failures in `statistics`, by a list's name, and passes every query to `observe`."""

    def __init__(
        self,
        resolver: Resolver,
        clock: Clock,
        statistics: Mapping[str, Statistics],
        observe: Observer,
    ) -> None:
        self._dns = DnsQueries(resolver, clock)
        self._clock = clock
        self._statistics = statistics
        self._observe = observe
        self._turns = asyncio.Semaphore(MOST_AT_ONCE)

    async def verdict_on(
        self, status: ListStatus, subject: Subject, observe: Observer, *, testing: bool = False
    ) -> TimedVerdict:
        """Queries the A records of a subject. `observe` receives the query, too. Raises ProbeError
        if we were too late ourselves."""
        async with status.turns, self._turns:
            if not testing and status.is_paused(self._clock.monotonic()):  # it fell while we waited
                return TimedVerdict(Verdict(ListState.UNKNOWN, why=status.why))
            answer = await self._query(status, subject, "A")
        if answer.result in _FAILURES:
            failure, why = _FAILURES[answer.result], WHY_UNANSWERED[answer.result]
            verdict = Verdict(ListState.UNKNOWN, why=why, failure=failure)
        elif answer.result is DnsResult.NODATA and not _may_be_nodata(status, subject):
            why = (
                "the name exists, but has no address: perhaps the resolver filters addresses in"
                " 127.0.0.0/8"
            )
            verdict = Verdict(ListState.UNKNOWN, why=why, failure=QueryFailure.SENSELESS)
        else:
            verdict = judge(status.blocklist, answer.records)
        self._report(Query(status.blocklist.name, self._took(answer), verdict.failure), observe)
        status.answered(verdict.failure, verdict.why, self._clock.monotonic())
        return TimedVerdict(verdict, answer.ttl)

    async def zone_exists(self, status: ListStatus) -> bool:
        """Whether the resolver knows the list's zone (RFC 8020), or at least the domain that it is
        in, since some servers of lists deny their own zone. Without an answer it is not denied.

        Such a query is none to the list, and is not counted. Raises ProbeError if we were too
        late ourselves, and SecretUnavailable.
        """
        zone = status.blocklist.zone()
        for name in dict.fromkeys((zone, ".".join(zone.split(".")[-2:]))):
            async with status.turns, self._turns:
                answer = await self._dns.query(f"{name}.", "A")
            if answer.result is not DnsResult.NXDOMAIN:
                return True
        return False

    async def reason(self, status: ListStatus, subject: Subject, observe: Observer) -> str:
        """The TXT record with the reason of a listing (RFC 5782 section 2.1), if there is one."""
        try:
            async with status.turns, self._turns:
                answer = await self._query(status, subject, "TXT")
        except ProbeError:
            return ""
        failure = _FAILURES.get(answer.result)
        self._report(Query(status.blocklist.name, self._took(answer), failure), observe)
        return one_line(status.blocklist.redacted(" / ".join(answer.records)))

    async def _query(
        self, status: ListStatus, subject: Subject, kind: Literal["A", "TXT"]
    ) -> Answer:
        name = f"{subject.labels}.{status.blocklist.zone()}"
        return await self._dns.query(f"{name}.", kind)

    def _took(self, answer: Answer) -> float | None:
        """How long it took to get an answer just now; None if we were too late ourselves to say."""
        now = self._clock.monotonic()
        late = self._clock.late(now - answer.took, now)
        return answer.took if late <= FINE.bound(answer.took) else None

    def _report(self, query: Query, observe: Observer) -> None:
        if query.failure:
            self._statistics[query.blocklist].failures[query.failure] += 1
        self._observe(query)
        observe(query)


def _may_be_nodata(status: ListStatus, subject: Subject) -> bool:
    """Whether a name without an address means not listed: listed domains may exist below an
    unlisted one.

    No name is below an address. Only the test entry proves that the resolver does not hide
    listings.
    """
    return subject.kind is SubjectKind.DOMAIN and subject.kind in status.blocklist.test_points
