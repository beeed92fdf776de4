import asyncio

import pytest

from exporter.authentication.recent_answers import LARGEST, LONGEST, MOST_ANSWERS, RecentAnswers
from exporter.net.dns.answer import WHY_UNANSWERED, Answer, DnsResult
from exporter.net.dns.queries import RecordType
from tests.support import virtual_time as virtual


class Dns:
    """Gives the same answer to every query, and counts them."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.queries = 0

    async def query(self, name: str, kind: RecordType) -> Answer:
        self.queries += 1
        return self.answer


def asked(answer: Answer, *, after: float) -> int:
    """How many of two queries, the second so many seconds after the first, reach the DNS."""

    async def course() -> int:
        dns = Dns(answer)
        recent = RecentAnswers(dns, virtual.clock())
        await recent.query("example.org.", "TXT")
        await asyncio.sleep(after)
        assert (await recent.query("example.org.", "TXT")).records == answer.records
        return dns.queries

    return virtual.run(course())


@pytest.mark.parametrize("result", [DnsResult.RECORDS, DnsResult.NODATA, DnsResult.NXDOMAIN])
def test_an_answer_is_kept_for_its_time_to_live_at_most_a_minute(result: DnsResult) -> None:
    records = ("v=spf1 -all",) if result is DnsResult.RECORDS else ()
    assert asked(Answer(result, records, ttl=20), after=19) == 1
    assert asked(Answer(result, records, ttl=20), after=21) == 2
    assert asked(Answer(result, records, ttl=0), after=0) == 2
    assert asked(Answer(result, records, ttl=86400), after=LONGEST - 1) == 1
    assert asked(Answer(result, records, ttl=86400), after=LONGEST + 1) == 2


@pytest.mark.parametrize("result", sorted(WHY_UNANSWERED))
def test_a_failure_is_not_kept(result: DnsResult) -> None:
    assert asked(Answer(result, ttl=60), after=1) == 2


def test_a_large_answer_is_not_kept() -> None:
    half = "x" * (LARGEST // 2)
    assert asked(Answer(DnsResult.RECORDS, (half, half), ttl=60), after=1) == 1
    assert asked(Answer(DnsResult.RECORDS, (half, half + "x"), ttl=60), after=1) == 2


def test_another_type_is_another_query_and_the_oldest_answer_gives_way() -> None:
    async def course() -> None:
        dns = Dns(Answer(DnsResult.RECORDS, ("192.0.2.1",), ttl=60))
        recent = RecentAnswers(dns, virtual.clock())
        await recent.query("a.example.", "A")
        await recent.query("a.example.", "AAAA")
        assert dns.queries == 2
        for number in range(MOST_ANSWERS - 1):
            await recent.query(f"{number}.example.", "A")
        asked_so_far = dns.queries
        await recent.query("a.example.", "AAAA")
        assert dns.queries == asked_so_far
        await recent.query("a.example.", "A")
        assert dns.queries == asked_so_far + 1

    virtual.run(course())
