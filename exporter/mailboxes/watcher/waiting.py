"""The trips that wait for one mailbox."""

import asyncio
from math import inf

from exporter.core.model import ProbeError
from exporter.core.phases import Phase
from exporter.core.timing.fairness import Slices
from exporter.core.trace.trace import Trace
from exporter.mailboxes.watcher.back_off import is_refusal
from exporter.mailboxes.watcher.expectation import INSTANT, Expectation
from exporter.mailboxes.watcher.pacing import gap_after, idle_gap
from exporter.mailboxes.watcher.soonest import Soonest


class Waiting:
    """Trips in progress, and messages that are overdue."""

    def __init__(self) -> None:
        self.trips: dict[str, Expectation] = {}
        self.late: dict[str, float] = {}
        """When the overdue message of a trip was accepted, in monotonic seconds."""
        self._sending: dict[str, Expectation] = {}  # those whose message was not accepted yet
        self._newest = Soonest()  # by the acceptance, backwards
        self._rechecks = Soonest()

    def __bool__(self) -> bool:
        return bool(self.trips or self.late)

    def add(self, trip: str, one: Expectation) -> None:
        self.trips[trip] = self._sending[trip] = one

    def remove(self, trip: str) -> None:
        del self.trips[trip]
        self._sending.pop(trip, None)

    async def failed(self, error: ProbeError, trace: Trace) -> None:
        """Reports a failure to open the mailbox, or of its session, to the waiting trips. A refusal
        (`is_refusal`) ends them, one in each turn of the event loop, since there may be
        thousands."""
        refusal, slices = is_refusal(error), Slices(trace.now)
        for one in [*self.trips.values()]:
            if not one.opened.done() and trace.started >= one.run.started:
                one.run.adopt(trace.spans, Phase.OPEN, trace.started)
            if refusal and not one.opened.done():
                one.refuse(error)
                await asyncio.sleep(0)
            await slices.pause()

    def next_poll(self, polled_at: float, now: float, *, listens: bool) -> float:
        """When the next poll is due, after the last one at `polled_at`, for the newest expected
        message."""
        self._sort()
        newest, first = max(self.late.values(), default=-inf), self._newest.first()
        if first:
            newest = max(newest, -first[0])
        if newest == -inf:
            return polled_at + idle_gap(listens=listens)
        return min(polled_at + gap_after(now - newest), self._recheck_at())

    def to_recheck(self) -> list[Expectation]:
        """The trips that need a thorough poll now; each once."""
        self._sort()
        due: list[Expectation] = []
        recheck_at = self._recheck_at()
        while (first := self._rechecks.first()) and recheck_at <= first[1].run.now():
            due.append(first[1])
            self._rechecks.drop_first()
            recheck_at = self._recheck_at()
        return due

    def _sort(self) -> None:
        """Takes in the trips whose message was accepted since the last time."""
        for trip, one in [*self._sending.items()]:
            if (accepted := one.run.accepted) is not None:
                del self._sending[trip]
                self._newest.add(-accepted, one)
                self._rechecks.add(one.run.now() + one.recheck_in(), one)

    def _recheck_at(self) -> float:
        """When a trip needs a thorough poll next. Its deadline may have moved, to a later time."""
        while first := self._rechecks.first():
            at, one = first
            now = one.run.now()
            if (due := now + one.recheck_in()) <= max(at, now) + INSTANT:
                return due
            self._rechecks.move_first(due)
        return inf

    def holding(self) -> bool:
        """Whether a trip holds a message identifier of the current session."""
        return any(one.found.done() for one in self.trips.values())

    def deleting(self) -> list[str]:
        """The trips whose message is being deleted."""
        return [
            trip
            for trip, one in self.trips.items()
            if one.deleted is not None and not one.deleted.done()
        ]
