"""Who awaits something from one mailbox."""

from exporter.mailboxes.watcher.expectation import Expectation
from exporter.mailboxes.watcher.pacing import LONGEST_GAP, gap_after, idle_gap


class Waiting:
    """Trips in progress, and messages that are overdue."""

    def __init__(self) -> None:
        self.trips: dict[str, Expectation] = {}
        self.late: dict[str, float] = {}
        """When the overdue message of a trip was accepted, in monotonic seconds."""

    def __bool__(self) -> bool:
        return bool(self.trips or self.late)

    def gap(self, now: float, *, listens: bool) -> float:
        """Seconds until the next look, for the youngest awaited message."""
        accepted = [
            one.run.accepted
            for one in self.trips.values()
            if one.run.accepted is not None and not one.found.done()
        ]
        accepted += self.late.values()
        if not accepted:
            return idle_gap(listens=listens)
        rechecks = [one.recheck_in() for one in self.trips.values()]
        return gap_after(now - max(accepted), min(rechecks, default=LONGEST_GAP))

    def to_recheck(self) -> list[Expectation]:
        """The trips that want a thorough look now."""
        return [one for one in self.trips.values() if one.recheck_in() <= 0]

    def holding(self) -> bool:
        """Whether a trip knows a message by what the session of now calls it."""
        return any(one.found.done() for one in self.trips.values())

    def deleting(self) -> list[str]:
        """The trips whose message is being deleted."""
        return [
            trip
            for trip, one in self.trips.items()
            if one.deleted is not None and not one.deleted.done()
        ]
