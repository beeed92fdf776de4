"""The trips that wait for one mailbox."""

from math import inf

from exporter.core.model import ProbeError
from exporter.core.phases import Phase
from exporter.core.trace import Trace
from exporter.mailboxes.watcher.back_off import is_refusal
from exporter.mailboxes.watcher.expectation import Expectation
from exporter.mailboxes.watcher.pacing import gap_after, idle_gap


class Waiting:
    """Trips in progress, and messages that are overdue."""

    def __init__(self) -> None:
        self.trips: dict[str, Expectation] = {}
        self.late: dict[str, float] = {}
        """When the overdue message of a trip was accepted, in monotonic seconds."""

    def __bool__(self) -> bool:
        return bool(self.trips or self.late)

    def failed(self, error: ProbeError, trace: Trace) -> None:
        """Reports a failure to open the mailbox, or of its session, to the waiting trips. A refusal
        (`is_refusal`) ends them."""
        for one in self.trips.values():
            if not one.opened.done() and trace.started >= one.run.started:
                one.run.adopt(trace.spans, Phase.OPEN, trace.started)
            if is_refusal(error):
                one.refuse(error)

    def next_poll(self, polled_at: float, now: float, *, listens: bool) -> float:
        """When the next poll is due, after the last one at `polled_at`, for the newest expected
        message."""
        newest, recheck_in = max(self.late.values(), default=None), inf
        for one in self.trips.values():
            if (accepted := one.run.accepted) is not None and not one.found.done():
                newest = max(newest or accepted, accepted)
                recheck_in = min(recheck_in, one.recheck_in())
        if newest is None:
            return polled_at + idle_gap(listens=listens)
        return min(polled_at + gap_after(now - newest), now + recheck_in)

    def to_recheck(self) -> list[Expectation]:
        """The trips that need a thorough poll now."""
        return [one for one in self.trips.values() if one.recheck_in() <= 0]

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
