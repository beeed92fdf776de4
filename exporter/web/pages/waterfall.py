"""The waterfall of one trip: its phases, steps and hops as bars, and mailtrip's own waiting between
them."""

from collections.abc import Iterator
from dataclasses import dataclass

from exporter.core.facts import Hop
from exporter.core.facts_in_words import hop_in_words
from exporter.core.model import Outcome, Span
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.timing.durations import duration

WIDTH = 1000.0  # of the whole trip, in the units of the drawing
LEAST = 3.0  # of a bar, so that it can be seen
LEAST_WAIT, LEAST_SHARE = 0.05, 0.01  # seconds, and of the trip: less is only our own work
_PHASES = list(Phase)
_MEANING = {
    Phase.OPEN: "opening the mailbox",
    Phase.SEND: "handing over the message",
    Phase.DELIVER: "in transit",
    Phase.VERIFY: "checking the message",
    Phase.DELETE: "deleting the message",
}
_FAILED = {
    Phase.OPEN: "failed to open the mailbox",
    Phase.SEND: "failed to hand over the message",
    Phase.DELIVER: "not delivered",
    Phase.VERIFY: "rejected by a check",
    Phase.DELETE: "failed to delete the message",
}
_HEARTBEAT = {Phase.OPEN: _MEANING[Phase.OPEN], Phase.DELIVER: "looking for the heartbeat"}
_HEARTBEAT_FAILED = {Phase.OPEN: _FAILED[Phase.OPEN], Phase.DELIVER: "not found"}
_WAITING = {
    Phase.OPEN: "mailtrip writes the trip to disk",
    Phase.SEND: "mailtrip waits for its slot to send (`gap`)",
    Phase.DELETE: "mailtrip writes the result to disk",
}
"""What happens between two phases, by the second one."""
_RESTARTED = "mailtrip was restarted; what happened before is not kept"
_OTHERWISE = "mailtrip itself"
LISTS_FAILED = {Reason.LISTED: "on a blocklist", Reason.UNUSABLE: "no blocklist is usable"}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the waterfall. `x` and `width` in the units of the drawing, times in seconds."""

    kind: str  # phase, step, hop or wait
    phase: str
    label: str
    x: float
    width: float
    start: float
    duration: float | None  # None: not known
    reason: str
    note: str


class Waterfall:
    """The rows of one trip."""

    def __init__(self, outcome: Outcome, *, under_way: bool = False) -> None:
        self._outcome = outcome
        self._under_way = under_way
        self._phases = sorted(
            (one for one in outcome.spans if one.step is None), key=lambda one: one.start
        )
        self._hops = [fact for fact in outcome.facts if isinstance(fact, Hop)]
        self._refused = (  # and that is the success
            outcome.success
            and not under_way
            and any(one.phase is Phase.SEND and one.reason for one in self._phases)
        )

        test = outcome.filter_test
        self._stayed_away = (
            outcome.success and not under_way and test is not None and test.expected == "lost"
        )

    def rows(self) -> list[Row]:
        """The phases in order, each with its steps; the hops are below the time in transit."""
        spans = sorted(
            self._outcome.spans,
            key=lambda one: (_PHASES.index(one.phase), one.step is not None, one.start),
        )
        waits = {wait.phase: wait for wait in self._waits()}
        rows: list[Row] = []
        for place, span in enumerate(spans):
            if span.step is None and (wait := waits.pop(span.phase, None)):
                rows.append(wait)
            rows.append(self._span(span))
            if span.phase is Phase.DELIVER and not any(
                one.phase is Phase.DELIVER for one in spans[place + 1 :]
            ):
                rows += self._hop_rows()
        return [*rows, *waits.values()]

    @property
    def waited(self) -> str:
        """How long we waited for our slot to send, in words; empty if we did not."""
        waits = (one.duration or 0.0 for one in self._waits() if one.phase == Phase.SEND)
        return "".join(f"{duration(seconds)} waiting for its slot to send" for seconds in waits)

    def _waits(self) -> Iterator[Row]:
        """The gaps between the phases; the one at the end is before a phase that has not begun."""
        end = 0.0
        for place, span in enumerate(self._phases):
            resumed = span.phase is Phase.DELIVER and place == 0
            note = _RESTARTED if resumed else _WAITING.get(span.phase, _OTHERWISE)
            yield from self._wait(end, span.start, span.phase, note)
            end = max(end, span.start + span.duration)
        if self._under_way and [one.phase for one in self._phases] == [Phase.OPEN]:
            yield from self._wait(end, self._outcome.duration, Phase.SEND, _WAITING[Phase.SEND])
        elif self._phases:
            yield from self._wait(end, self._outcome.duration, "", _OTHERWISE)

    def _wait(self, start: float, end: float, following: str, note: str) -> Iterator[Row]:
        length = end - start
        if length >= max(LEAST_WAIT, LEAST_SHARE * self._outcome.duration):
            x, width = self._position(start, length)
            yield Row("wait", following, "wait", x, width, start, length, "", note)

    def _span(self, span: Span) -> Row:
        label = str(span.step or span.phase)
        note = span.note or ("" if span.step else self._meaning(span))
        x, width = self._position(span.start, span.duration)
        kind, reason = "step" if span.step else "phase", span.reason or ""
        if self._refused:
            note, reason = note or reason, ""
        return Row(kind, span.phase, label, x, width, span.start, span.duration, reason, note)

    def _meaning(self, span: Span) -> str:
        """What a failed phase did not achieve."""
        if self._outcome.heartbeat:
            words = _HEARTBEAT_FAILED if span.reason else _HEARTBEAT
            return words.get(span.phase, "")
        if self._outcome.queried_lists:
            if not span.reason:
                return "querying the blocklists"
            return LISTS_FAILED.get(span.reason, "failed to query the blocklists")
        if span.reason is Reason.ACCEPTED:
            if span.phase is Phase.VERIFY:
                return "let through by a filter"
            return "accepted, but should have been refused"
        if span.reason and self._refused:
            return "refused as expected"
        if span.phase is Phase.DELIVER and self._stayed_away:
            return "not delivered, as expected"
        return (_FAILED if span.reason else _MEANING)[span.phase]

    def _hop_rows(self) -> Iterator[Row]:
        """The hops by the servers' clocks: each starts at the previous one, the first at our
        sending."""
        sending = [
            one.start for one in self._outcome.spans if one.phase is Phase.SEND and one.step is None
        ]
        at = min(sending, default=0.0)
        for hop in self._hops:
            x, width = self._position(at, hop.delay or 0.0)
            yield Row(
                "hop",
                Phase.DELIVER,
                f"hop {hop.number}",
                x,
                width,
                at,
                hop.delay,
                "",
                hop_in_words(hop),
            )
            at += hop.delay or 0.0

    def _position(self, start: float, length: float) -> tuple[float, float]:
        """A position, limited to the drawing in case clocks are wrong."""
        scale = WIDTH / self._outcome.duration if self._outcome.duration > 0 else 0.0
        x = min(max(start * scale, 0.0), WIDTH - LEAST)
        return round(x, 1), round(min(max(length * scale, LEAST), WIDTH - x), 1)
