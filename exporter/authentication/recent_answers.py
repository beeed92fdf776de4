"""Answers of the DNS that are kept for a moment: the messages of one probe need the same few
records."""

from dataclasses import replace

from exporter.authentication.lookups import Dns
from exporter.core.timing.clock import Clock
from exporter.net.dns.answer import WHY_UNANSWERED, Answer
from exporter.net.dns.queries import RecordType

LONGEST = 60.0  # seconds: a corrected record counts in the next trips
MOST_ANSWERS = 512
LARGEST = 4096  # characters of an answer that is kept


class RecentAnswers:
    """Queries `dns`, unless the same was answered just now: each answer is kept for its time to
    live, at most `LONGEST`. Failures are not kept."""

    def __init__(self, dns: Dns, clock: Clock) -> None:
        self._dns = dns
        self._clock = clock
        self._kept: dict[tuple[str, RecordType], tuple[float, Answer]] = {}

    async def query(self, name: str, kind: RecordType) -> Answer:
        """As `DnsQueries.query`."""
        key = (name, kind)
        if (kept := self._kept.get(key)) and self._clock.monotonic() < kept[0]:
            return kept[1]
        answer = await self._dns.query(name, kind)
        self._kept.pop(key, None)
        if answer.result not in WHY_UNANSWERED and sum(map(len, answer.records)) <= LARGEST:
            if len(self._kept) >= MOST_ANSWERS:
                del self._kept[next(iter(self._kept))]
            until = self._clock.monotonic() + min(answer.ttl, LONGEST)
            self._kept[key] = (until, replace(answer, took=0.0))
        return answer
