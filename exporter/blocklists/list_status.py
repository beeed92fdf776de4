"""The state of a list: whether it is usable, and when it may be queried again."""

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from exporter.blocklists.blocklist import Blocklist
from exporter.blocklists.names import SubjectKind

log = logging.getLogger(__name__)

MOST_AT_ONCE = 16  # questions to one list
# seconds after a refusal, a failed test or a row of failures; then twice as long each time
FIRST_PAUSE = 60.0
LONGEST_PAUSE = 3600.0
MOST_FAILURES = 5  # in a row, before a list that does not answer is left alone


class QueryFailure(StrEnum):
    """Why a query had no usable answer: a closed list, for a label."""

    TIMEOUT = "timeout"  # no answer in time
    SERVFAIL = "servfail"  # the resolver failed
    REFUSED = "refused"  # by the resolver or the list: REFUSED, 127.255.255.254 and the like
    NETWORK = "network"  # the nameserver cannot be reached
    SENSELESS = "senseless"  # no blocklist's answer: outside 127.0.0.0/8, or a broken message


@dataclass(frozen=True, slots=True)
class Query:
    """One query to a list, self-tests included. An answer from the cache is not a query."""

    blocklist: str
    # Seconds from our datagram to theirs; for a time-out, how long we waited; None if unknown.
    duration: float | None
    failure: QueryFailure | None = None


@dataclass
class Statistics:
    """Statistics of one list since the start."""

    failures: Counter[QueryFailure] = field(default_factory=Counter)
    trouble: dict[SubjectKind, str] = field(default_factory=dict)
    """Why it is not usable, for each kind of subject that it was asked about; empty text if it
    is."""
    refuses: bool = False
    """Whether its newest refusal was after its newest passed test."""

    @property
    def usable(self) -> bool | None:
        """Whether it is usable for all kinds of subjects; None before the first query."""
        return not any(self.trouble.values()) if self.trouble else None

    @property
    def why(self) -> str:
        """Why it is unusable, for people."""
        return next((why for why in self.trouble.values() if why), "")


class ListStatus:
    """One list and one kind of subject. Times are monotonic seconds."""

    def __init__(self, blocklist: Blocklist, kind: SubjectKind, statistics: Statistics) -> None:
        self.blocklist = blocklist
        self.kind = kind
        self.turns = asyncio.Semaphore(MOST_AT_ONCE)
        self.tested = float("-inf")  # when it passed its test
        self.test: asyncio.Task[None] | None = None
        self.why = ""  # why it is unusable
        self.lacks_entry = False  # whether its newest test did not find the entry that it must have
        self.age = 0  # grows with every fall: earlier answers do not count any more
        self._statistics = statistics
        self._paused_until = float("-inf")
        self._pause = FIRST_PAUSE
        self._in_a_row = 0

    def is_paused(self, now: float) -> bool:
        return now < self._paused_until

    def passed_test(self, now: float) -> None:
        """Marks the list as usable."""
        if self.why:
            log.info("blocklist %s: usable again (%s)", self.blocklist.name, self.kind)
        self.tested, self.why, self.lacks_entry = now, "", False
        self._pause, self._in_a_row = FIRST_PAUSE, 0
        self._statistics.trouble[self.kind], self._statistics.refuses = "", False

    def failed_test(self, why: str, now: float, *, lacks_entry: bool = False) -> None:
        """Marks the list as unusable: it is not queried for a while, then tested again."""
        if not self.is_paused(now):
            self._paused_until = now + self._pause
            self._pause = min(self._pause * 2, LONGEST_PAUSE)
        if why != self.why:
            log.warning("blocklist %s: unusable (%s): %s", self.blocklist.name, self.kind, why)
        self.tested, self.why, self.lacks_entry = float("-inf"), why, lacks_entry
        self.age += 1
        self._statistics.trouble[self.kind] = why

    def answered(self, failure: QueryFailure | None, why: str, now: float) -> None:
        """Counts an answer: a refusal makes the list unusable, and so does a series of failures."""
        if self.why:
            return  # it fell during this query
        self._in_a_row = self._in_a_row + 1 if failure else 0
        if failure is QueryFailure.REFUSED:
            self._statistics.refuses = True
            self.failed_test(why, now)
        elif self._in_a_row >= MOST_FAILURES:
            self.failed_test(f"{self._in_a_row} queries in a row failed; last error: {why}", now)
