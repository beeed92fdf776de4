"""A probe: a module pointed at a target, and its trips."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from exporter.core.facts import LeftFrom
from exporter.core.model import Outcome, ProbeKey
from exporter.core.run import Run
from exporter.mail.tokens import Token
from exporter.state.history import History, TripSummary, summary_of

# of the interval: a scrape that comes a little early still starts the trip that it is meant to
# start
SLACK = 0.05
MOST_SLACK = 0.5  # seconds


@runtime_checkable
class MailCheck(Protocol):
    """A check that sends a message, which outlives the process."""

    mailbox: str  # where its messages are awaited; empty for those that must be refused
    late_after: float

    async def run(self, run: Run, token: Token) -> None: ...

    async def resume(self, run: Run, trip: str) -> None: ...


class QueryCheck(Protocol):
    """A check that sends only DNS queries. After a restart it starts again."""

    blocklists: tuple[str, ...]  # those that it queries

    async def run(self, run: Run) -> None: ...


Check = MailCheck | QueryCheck
"""What a module does to a target."""


@dataclass(slots=True)
class Probe:
    """A module pointed at a target, and the trips it makes. Times in seconds, moments monotonic."""

    key: ProbeKey
    check: Check
    interval: float
    timeout: float
    session_timeout: float
    name: str | None = None  # of an entry in `probes:`
    removed: bool = False  # from the configuration: its last trips end, and are no longer shown
    newest: Outcome | None = None  # in brief
    unwritten: Outcome | None = None  # the newest in full, until it is on disk
    left_from: str = ""  # the address that its newest message came from that is known to have come
    flights: dict[str, "asyncio.Task[Outcome]"] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)  # of the flights
    history: History = field(default_factory=History)
    last_start: float = float("-inf")
    last_scraped: float = float("-inf")

    @property
    def blocklists(self) -> tuple[str, ...]:
        """The blocklists that it queries; none if it sends messages."""
        return () if isinstance(self.check, MailCheck) else self.check.blocklists

    def configure(self, other: "Probe") -> None:
        """Takes the configuration of another probe; trips in progress end unchanged, and the
        interval continues."""
        self.check, self.interval = other.check, other.interval
        self.timeout, self.session_timeout = other.timeout, other.session_timeout

    def show(self, outcome: Outcome) -> None:
        """Shows a finished trip. A failed one does not clear the address that mail left from."""
        self.newest = outcome.brief  # regardless of the wall clock, which may have been set
        self.unwritten = outcome
        self.history.append(summary_of(outcome))
        self.left_from = next(
            (one.address for one in outcome.facts if isinstance(one, LeftFrom)), self.left_from
        )

    def forget_evidence(self, outcome: Outcome, written: "asyncio.Future[None]") -> None:
        """Keeps a finished trip in brief once it is on disk: there may be ten thousand probes."""
        if self.unwritten is outcome and not written.cancelled() and not written.exception():
            self.unwritten = None

    def remember(self, outcome: Outcome, history: Iterable[TripSummary]) -> None:
        """Restores the newest outcome from before a restart, and the results of those before it."""
        self.history = History((*self.history, *history))
        self.show(outcome)
        self.unwritten = None

    def under_way(self) -> list[Outcome]:
        """The outcomes so far of the trips in progress."""
        return [run.outcome(trip, self.key) for trip, run in self.runs.items()]

    def end_flight(self, trip: str) -> None:
        del self.flights[trip], self.runs[trip]

    @property
    def next_start(self) -> float:
        """The earliest start of the next trip."""
        return self.last_start + self.interval - min(self.interval * SLACK, MOST_SLACK)

    def due(self, now: float) -> bool:
        return now >= self.next_start
