"""A probe: a module pointed at a target, and its trips."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import inf

from exporter.checks.check import AnyCheck
from exporter.core.facts import Changes, LeftFrom
from exporter.core.matrix import Cell
from exporter.core.model import ExchangerVisit, Outcome, ProbeKey
from exporter.core.reasons import Trait
from exporter.core.trace.run import Run
from exporter.probing.outages import Outages
from exporter.probing.schedule import Schedule
from exporter.probing.way import Way
from exporter.state.history import History, TripSummary, summary_of


@dataclass(slots=True)
class Probe:
    """A module pointed at a target, and the trips it makes. Times in seconds, moments monotonic."""

    key: ProbeKey
    check: AnyCheck
    schedule: Schedule
    timeout: float
    session_timeout: float
    name: str | None = None  # of an entry in `probes:`
    cell: Cell | None = None  # its place, if it is of a matrix
    removed: bool = False  # from the configuration: its last trips end, and are no longer shown
    newest: Outcome | None = None  # in brief: of the finished trips, the one that started last
    unwritten: Outcome | None = None  # the newest in full, until it is on disk
    left_from: str = ""  # the address that its newest message came from that is known to have come
    flights: dict[str, "asyncio.Task[Outcome]"] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)  # of the flights, by their start
    # Of those whose exchangers are being tested, by trip.
    visits: dict[str, "asyncio.Task[tuple[ExchangerVisit, ...]]"] = field(default_factory=dict)
    compared: set[str] = field(default_factory=set)  # trips that are being compared with others
    history: History = field(default_factory=History)
    last_scraped: float = -inf
    way: Way = field(default_factory=Way)
    outages: Outages = field(init=False)
    _newest_started: float = -inf

    def __post_init__(self) -> None:
        self.outages = Outages(self.key)

    @property
    def called(self) -> str:
        """Its name, or if it has none, its target: what a window of maintenance names."""
        return self.name or self.key.target

    @property
    def mailbox(self) -> str:
        """The mailbox where its messages are awaited; empty if there is none."""
        return self.check.mailbox

    @property
    def signed_by(self) -> str:
        """Where the key of our signature is in DNS; empty if we do not sign."""
        return self.check.signed_by

    @property
    def blocklists(self) -> tuple[str, ...]:
        """The blocklists that are the whole of its check."""
        return self.check.blocklists

    def configure(self, other: "Probe") -> None:
        """Takes the configuration of another probe; trips in progress end unchanged, and the
        interval continues."""
        self.check = other.check
        self.schedule.configure(other.schedule)
        self.timeout, self.session_timeout = other.timeout, other.session_timeout

    def is_newest(self, started: float) -> bool:
        """Whether no trip has finished that started later than `started`, monotonic: a message that
        never came is overdue when later ones have arrived long ago."""
        return started >= self._newest_started

    def show(self, outcome: Outcome, started: float = -inf) -> None:
        """Shows a finished trip that started at `started`, monotonic, if it is the newest. A failed
        one does not clear the address that mail left from."""
        self.history.append(summary_of(outcome))
        if not self.is_newest(started):
            return
        self.newest, self._newest_started = outcome.brief, started
        self.unwritten = outcome
        self.schedule.judge(failing=_says_that_it_fails(outcome))
        self.left_from = next(
            (one.address for one in outcome.facts if isinstance(one, LeftFrom)), self.left_from
        )

    def learn(self, trip: str, found: Changes) -> None:
        """Shows what changed with the newest trip, if it is still this one."""
        if self.newest and self.newest.trip == trip:
            self.newest = replace(self.newest, facts=(*self.newest.facts, found))

    def forget_evidence(self, outcome: Outcome, written: "asyncio.Future[None]") -> None:
        """Keeps a finished trip in brief once it is on disk: there may be ten thousand probes."""
        if self.unwritten is outcome and not written.cancelled() and not written.exception():
            self.unwritten = None

    def remember(
        self, outcome: Outcome, history: Sequence[TripSummary], outages: Outages | None = None
    ) -> None:
        """Restores the newest outcome from before a restart, the results of all, and outages."""
        self.show(outcome)
        self.unwritten = None
        if outages and not self.runs:  # else it knows more
            self.outages = outages
        self.history = History(history or self.history)

    def follow(self, removed: "Probe") -> None:
        """Knows the outages and the trips in progress of the same probe before it was removed."""
        self.outages, self.runs, self.way = removed.outages, removed.runs, removed.way

    def is_complete(self, trip: str) -> bool:
        """Whether a trip has ended, and everything that follows from it is known."""
        return not (trip in self.flights or trip in self.visits or trip in self.compared)

    def under_way(self) -> list[Outcome]:
        """The outcomes so far of the trips in progress."""
        return [run.outcome(trip, self.key) for trip, run in self.runs.items()]

    def oldest(self, ended: str) -> float:
        """The start of the oldest trip in progress, without the one that has just ended;
        monotonic, infinite if there is none."""
        return next((run.started for trip, run in self.runs.items() if trip != ended), inf)

    def begin_flight(self, trip: str, task: "asyncio.Task[Outcome]", run: Run) -> None:
        """A trip begins, or continues after a restart."""
        newest = next(reversed(self.runs.values()), run)
        self.flights[trip], self.runs[trip] = task, run
        if newest.started > run.started:
            in_order = sorted(self.runs.items(), key=lambda item: item[1].started)
            self.runs.clear()
            self.runs.update(in_order)

    def end_flight(self, trip: str) -> None:
        del self.flights[trip], self.runs[trip]


def _says_that_it_fails(outcome: Outcome) -> bool:
    """Not because of ourselves: then we are overloaded already."""
    failure = outcome.failure
    return failure is not None and Trait.TELLS_NOTHING not in failure.reason.traits
