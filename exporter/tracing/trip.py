"""The spans of one trip: of the whole, of each phase, step and hop, as the waterfall of its page
draws them."""

from collections.abc import Iterable, Iterator, Mapping

from exporter.core.facts import Hop, LateArrival
from exporter.core.model import Outcome, ProbeKey, Span
from exporter.core.phases import Leg, Phase
from exporter.core.steps import Step
from exporter.core.trace.identity import span_id, trace_id
from exporter.mail.tokens import without_tokens
from exporter.net.otlp.span import Kind, Link, OtlpSpan, Value
from exporter.tracing.facts import Attributes, Server, of_hop, of_step, of_trip, server_of

MOST_HOPS = 100
LONGEST_TEXT = 300  # characters
NANOSECONDS = 1_000_000_000
_WHOLE = "trip"
_OURS = frozenset({Step.RETRY, Step.PROGRAM})  # steps that are no request to a server


class TripTrace:
    """The trace of a finished trip. `name` is that of its probe; `after` is the failed trip of
    which it is a recheck, if it is one."""

    def __init__(self, outcome: Outcome, name: str, after: str = "") -> None:
        self._outcome = outcome
        self._name = name
        self._after = after
        self._trip = outcome.trip
        self._began = round(outcome.started_at * NANOSECONDS)
        self._phases = [one for one in outcome.spans if one.step is None]
        self._refused = outcome.success and any(
            one.phase is Phase.SEND and one.reason for one in self._phases
        )  # and that is the success

    @property
    def size(self) -> int:
        """How many spans it has, about."""
        return len(self._outcome.spans) + 2

    def spans(self) -> Iterator[OtlpSpan]:
        """The whole trip first."""
        yield self._whole()
        for number, phase in enumerate(self._phases):
            yield self._span(
                _phase_name(number, phase),
                str(phase.phase),
                _WHOLE,
                phase,
                {"mailtrip.phase": str(phase.phase)},
            )
        yield from self._steps()
        yield from self._hops()

    def _whole(self) -> OtlpSpan:
        outcome = self._outcome
        return OtlpSpan(
            trace_id(self._trip),
            span_id(self._trip, _WHOLE),
            b"",
            f"{_WHOLE} {self._name}",
            self._began,
            self._at(outcome.duration),
            _shown(of_trip(outcome, self._name)),
            error=_text(str(outcome.failure)) if outcome.failure else None,
            links=(_link(self._after, "recheck"),) if self._after else (),
        )

    def _steps(self) -> Iterator[OtlpSpan]:
        servers: dict[Phase, Server] = {}
        steps = [one for one in self._outcome.spans if one.step is not None]
        for number, step in enumerate(sorted(steps, key=lambda one: one.start)):
            if step.step is Step.CONNECT:
                servers[step.phase] = server_of(step)
            server = servers.get(step.phase, Server())
            attributes = {
                "mailtrip.phase": str(step.phase),
                "mailtrip.step": str(step.step),
                **of_step(step, server, self._outcome),
            }
            yield self._span(
                f"step {number}",
                str(step.step),
                self._around(step),
                step,
                attributes,
                Kind.INTERNAL if step.step in _OURS else Kind.CLIENT,
            )

    def _around(self, step: Span) -> str:
        """The phase of a step: of several of its kind, the last one that has begun before it."""
        found = _WHOLE
        for number, phase in enumerate(self._phases):
            if phase.phase is step.phase and (found == _WHOLE or phase.start <= step.start):
                found = _phase_name(number, phase)
        return found

    def _span(
        self,
        what: str,
        name: str,
        parent: str,
        span: Span,
        attributes: Attributes,
        kind: Kind = Kind.INTERNAL,
    ) -> OtlpSpan:
        error, found = None, dict(attributes)
        if span.note:
            found["mailtrip.note"] = span.note
        if not span.precise:
            found["mailtrip.late"] = span.late
        if span.reason:
            found |= {"error.type": str(span.reason), "mailtrip.reason": str(span.reason)}
            if leg := span.reason.blames(span.phase):
                found["mailtrip.leg"] = str(leg)
            error = None if self._refused else self._why(span)
        return OtlpSpan(
            trace_id(self._trip),
            span_id(self._trip, what),
            span_id(self._trip, parent),
            name,
            self._at(span.start),
            self._at(span.start + span.duration),
            _shown(found),
            kind,
            error,
        )

    def _why(self, span: Span) -> str:
        """What failed, with the detail if it is that of the trip."""
        failure = self._outcome.failure
        if failure and (failure.phase, failure.reason) == (span.phase, span.reason):
            return _text(f"{failure.reason}: {failure.detail}")
        return str(span.reason)

    def _hops(self) -> Iterator[OtlpSpan]:
        """The hops by the servers' clocks: each starts at the previous one, the first at our
        sending."""
        sending = [one.start for one in self._phases if one.phase is Phase.SEND]
        hops = [fact for fact in self._outcome.facts if isinstance(fact, Hop)]
        at = self._at(min(sending, default=0.0))
        yield from hop_spans(self._trip, hops[:MOST_HOPS], at, _WHOLE)

    def _at(self, seconds: float) -> int:
        """Nanoseconds since the epoch."""
        return self._began + round(seconds * NANOSECONDS)


def late_spans(trip: str, probe: ProbeKey, name: str, arrival: LateArrival) -> Iterator[OtlpSpan]:
    """What is added to the trace of an overdue trip when its message has come: a span from the
    acceptance to the arrival, as far as that is known, and the hops of the message."""
    end, delay = round(arrival.at * NANOSECONDS), arrival.delay or 0.0
    start = end - round(delay * NANOSECONDS)
    attributes: dict[str, Value] = {
        "mailtrip.trip": trip,
        "mailtrip.probe": name,
        "mailtrip.module": probe.module,
        "mailtrip.target": probe.target,
        "mailtrip.phase": str(Phase.DELIVER),
        "mailtrip.leg": str(Leg.DELIVERY),
        "mailtrip.late_arrival": True,
    }
    if arrival.delay is not None:
        attributes["mailtrip.delivery_delay"] = arrival.delay
    yield OtlpSpan(
        trace_id(trip),
        span_id(trip, _LATE),
        span_id(trip, _WHOLE),
        _LATE,
        start,
        end,
        _shown(attributes),
        links=(_link(trip, "late_arrival"),),
    )
    yield from hop_spans(trip, arrival.hops[:MOST_HOPS], start, _LATE)


_LATE = "late arrival"


def hop_spans(trip: str, hops: Iterable[Hop], start: int, parent: str) -> Iterator[OtlpSpan]:
    """The servers that took a message, by their own clocks. It was sent at `start`, in nanoseconds
    since the epoch."""
    for hop in hops:
        end = start + round((hop.delay or 0.0) * NANOSECONDS)
        yield OtlpSpan(
            trace_id(trip),
            span_id(trip, f"{parent} hop {hop.number}"),
            span_id(trip, parent),
            f"hop {hop.number}",
            start,
            end,
            _shown(of_hop(hop)),
        )
        start = end


def _link(trip: str, why: str) -> Link:
    attributes = {"mailtrip.link": why, "mailtrip.trip": trip}
    return Link(trace_id(trip), span_id(trip, _WHOLE), attributes)


def _phase_name(number: int, phase: Span) -> str:
    return f"phase {phase.phase} {number}"


def _shown(attributes: Mapping[str, Value]) -> Attributes:
    return {
        name: _text(value) if isinstance(value, str) else value
        for name, value in attributes.items()
    }


def _text(text: str) -> str:
    """A text without tokens: with the token of a message, a reader could forge one."""
    return without_tokens(text)[:LONGEST_TEXT]
