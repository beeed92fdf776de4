"""Outcome → series, for a probe that awaits a heartbeat."""

from exporter.core.heartbeat import Heartbeat
from exporter.core.model import Outcome
from exporter.core.scope import HeartbeatScope
from exporter.metrics.definitions import OF_A_HEARTBEAT
from exporter.metrics.outcome import ProbeSeries

_LAST = "mailtrip_heartbeat_last_timestamp_seconds"


class HeartbeatSeries(ProbeSeries):
    """The series of a probe that awaits a heartbeat."""

    __slots__ = ("_scope",)

    def __init__(self) -> None:
        super().__init__(OF_A_HEARTBEAT)
        self._scope = HeartbeatScope("")

    def configure(self, scope: HeartbeatScope) -> None:
        """Makes the counters of what can happen exist at 0. Another mailbox may know nothing of the
        heartbeat."""
        if scope.mailbox != self._scope.mailbox:
            self.leave_out(_LAST)
        self._scope = scope
        for labels in scope.failures:
            self.ensure("mailtrip_failures_total", None, *labels)

    @property
    def mailboxes(self) -> tuple[str, ...]:
        return (self._scope.mailbox,)

    def show(self, outcome: Outcome) -> None:
        super().show(outcome)
        for fact in outcome.facts:
            if isinstance(fact, Heartbeat):
                if fact.last_at is None:
                    self.leave_out(_LAST)
                else:
                    self.set(_LAST, fact.last_at)
