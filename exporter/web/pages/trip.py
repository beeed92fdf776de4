"""One trip as it is shown: the waterfall of its phases, steps and hops, and what it has to tell."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from exporter.core.facts import (
    Arrival,
    ArrivedHeaders,
    Authentication,
    Hop,
    LeftFrom,
    SpamScore,
    Unclear,
)
from exporter.core.model import (
    Exchanger,
    Listing,
    Outcome,
    Phase,
    PlaintextFallback,
    Reason,
    Reply,
    Span,
    TlsSession,
)
from exporter.web.pages.overview import BAD, GOOD, PLAIN, in_words

WIDTH = 1000.0  # of the whole trip, in the units of the drawing
LEAST = 3.0  # of a bar, so that it can be seen
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
_LISTS_FAILED = "listed, or no list is usable"


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the waterfall. `x` and `width` in the units of the drawing, times in seconds."""

    kind: str  # phase, step or hop
    phase: str
    label: str
    x: float
    width: float
    start: float
    duration: float | None  # None: not known
    reason: str
    note: str


class TripView:
    """One trip, under way or finished."""

    def __init__(self, outcome: Outcome, name: str | None, *, under_way: bool = False) -> None:
        self.outcome = outcome
        self.name = name
        self.under_way = under_way
        self.id = outcome.trip
        self.query = urlencode({"module": outcome.probe.module, "target": outcome.probe.target})

    @property
    def state(self) -> str:
        return PLAIN if self.under_way else BAD if self.outcome.failure else GOOD

    @property
    def word(self) -> str:
        return "in progress" if self.under_way else "failed" if self.outcome.failure else "OK"

    @property
    def text(self) -> str:
        """How it ended, in words."""
        if self.under_way:
            return ""
        return str(self.outcome.failure) if self.outcome.failure else in_words(self.outcome)

    @property
    def listings(self) -> list[Listing]:
        return [fact for fact in self.outcome.facts if isinstance(fact, Listing)]

    # ---------------------------------------------------------------- the waterfall

    @property
    def rows(self) -> list[Row]:
        """Phases in their order, each with its steps; the hops belong to the time under way."""
        spans = sorted(
            self.outcome.spans,
            key=lambda one: (_PHASES.index(one.phase), one.step is not None, one.start),
        )
        rows: list[Row] = []
        for place, span in enumerate(spans):
            rows.append(self._span(span))
            if span.phase is Phase.DELIVER and not any(
                one.phase is Phase.DELIVER for one in spans[place + 1 :]
            ):
                rows += self._hops()
        return rows

    def _span(self, span: Span) -> Row:
        label = str(span.step or span.phase)
        note = span.note or ("" if span.step else self._meaning(span))
        x, width = self._place(span.start, span.duration)
        kind = "step" if span.step else "phase"
        return Row(
            kind, span.phase, label, x, width, span.start, span.duration, span.reason or "", note
        )

    def _meaning(self, span: Span) -> str:
        """Of a phase that failed, what did not happen."""
        if self.listings or span.reason in (Reason.LISTED, Reason.UNUSABLE):
            return _LISTS_FAILED if span.reason else "querying the blocklists"
        return (_FAILED if span.reason else _MEANING)[span.phase]

    def _hops(self) -> Iterator[Row]:
        """Where the message was by the servers' clocks: each from the hop before to itself, from
        our sending on."""
        sending = [
            one.start for one in self.outcome.spans if one.phase is Phase.SEND and one.step is None
        ]
        at = min(sending, default=0.0)
        for hop in self.hops:
            x, width = self._place(at, hop.delay or 0.0)
            yield Row(
                "hop", Phase.DELIVER, f"hop {hop.number}", x, width, at, hop.delay, "", _hop(hop)
            )
            at += hop.delay or 0.0

    def _place(self, start: float, length: float) -> tuple[float, float]:
        """Inside the drawing, whatever the clocks say."""
        scale = WIDTH / self.outcome.duration if self.outcome.duration > 0 else 0.0
        x = min(max(start * scale, 0.0), WIDTH - LEAST)
        return round(x, 1), round(min(max(length * scale, LEAST), WIDTH - x), 1)

    # ---------------------------------------------------------------- what it tells

    @property
    def hops(self) -> list[Hop]:
        return [fact for fact in self.outcome.facts if isinstance(fact, Hop)]

    @property
    def headers(self) -> tuple[str, ...]:
        """Those of the message as it arrived."""
        told = (fact.lines for fact in self.outcome.facts if isinstance(fact, ArrivedHeaders))
        return next(told, ())

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What else is known, as pairs of a name and a text."""
        return [pair for fact in self.outcome.facts for pair in _fact(fact)]


def _fact(fact: object) -> Iterator[tuple[str, str]]:
    match fact:
        case Reply():
            yield "last SMTP reply", f"{fact.code} {fact.text}"
        case Exchanger():
            yield "accepted by", f"{fact.host} (MX {fact.preference})"
        case PlaintextFallback():
            yield "no TLS", f"sent in plain text: {fact.why}"
        case TlsSession():
            yield f"TLS, {fact.leg}", _tls(fact)
        case LeftFrom():
            yield "left from", fact.address
        case Authentication():
            yield fact.method.upper(), fact.result
        case SpamScore():
            yield f"spam score ({fact.scanner})", f"{fact.score:g}"
        case Unclear():
            yield "unclear message", f"from {fact.sender}: {fact.subject}: {fact.text}"
        case Arrival():
            yield "found in", f"{fact.folder or 'the mailbox'}, token in its {fact.found_in}"
            yield "delivery delay", _seconds(fact.delay)
            yield "round trip", _seconds(fact.round_trip)


def _seconds(seconds: float | None) -> str:
    return (
        "unknown: the mailbox was not polled often enough to measure it"
        if seconds is None
        else f"{seconds:.3f} s"
    )


def _tls(fact: TlsSession) -> str:
    agreed = f"{fact.version} {fact.cipher}" if fact.version else "certificate refused"
    if fact.expires_at is None:
        return agreed
    return (
        f"{agreed}, certificate valid until {datetime.fromtimestamp(fact.expires_at, UTC):%Y-%m-%d}"
    )


def _hop(hop: Hop) -> str:
    skew = (
        f"its clock is {abs(hop.skew):.0f} s {'behind' if hop.skew > 0 else 'ahead'}"
        if hop.skew
        else ""
    )
    origin = " ".join(filter(None, (hop.helo, hop.address and f"[{hop.address}]")))
    return ", ".join(
        filter(None, (hop.by or "(no name)", origin and f"from {origin}", hop.protocol, skew))
    )
