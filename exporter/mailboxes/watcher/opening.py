"""The trace of opening the current session."""

from dataclasses import dataclass

from exporter.core.model import Fact, Span
from exporter.core.phases import Phase
from exporter.core.trace.trace import Trace
from exporter.mailboxes.watcher.expectation import Expectation


@dataclass(frozen=True, slots=True)
class Opening:
    """The report for a trip that uses an open session, or for which it was opened."""

    spans: tuple[Span, ...]
    facts: tuple[Fact, ...]
    began: float  # monotonic
    at_wall: float  # when the session was open

    @classmethod
    def of(cls, trace: Trace, at_wall: float, *, listens: bool = False) -> "Opening":
        """The opening as traced so far. A receiver that `listens` is not opened for a trip, so it
        has no steps."""
        spans = () if listens else tuple(trace.spans)
        return cls(spans, tuple(trace.facts), trace.started, at_wall)

    def report_to(self, expectation: Expectation) -> None:
        """Reports to a trip, once, that the mailbox is open."""
        if expectation.opened.done():
            return
        # The session was opened for this trip, among others.
        if self.began >= expectation.run.started:
            expectation.adopt(self.spans, Phase.OPEN, self.began)
        expectation.learn(self.facts)
        expectation.opened.set_result(None)
