"""What each fact of a trip says, in words: the same for a terminal and for the pages. They write
the times, each in its own way, and arrange the rows."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import assert_never

from exporter.core.comparison.words import in_words
from exporter.core.facts import (
    WHY_UNMEASURED,
    Alteration,
    Answer,
    Arrival,
    ArrivedHeaders,
    Authentication,
    Changes,
    Client,
    Disagreement,
    DnsRecords,
    FilterTest,
    Hop,
    InboxTab,
    LateArrival,
    LeftFrom,
    MailServer,
    SenderCheck,
    SpamScore,
    Unclear,
)
from exporter.core.heartbeat import Heartbeat
from exporter.core.model import (
    Exchanger,
    ExchangerVisit,
    Fact,
    Listing,
    ListState,
    PlaintextFallback,
    QueriedList,
    Reply,
    TlsPolicy,
    TlsSession,
)
from exporter.core.queue_name import queue_name
from exporter.core.timing.durations import in_units
from exporter.core.trace.tls_sessions import with_sessions

_KEY = re.compile(r"(\S{63})\S+")
"""More than 63 characters without a space: a key, which a terminal cannot break between words."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A date and a time of day, in seconds since the epoch."""

    at: float


@dataclass(frozen=True, slots=True)
class Day:
    """A date, in seconds since the epoch."""

    at: float


Part = str | Moment | Day
Words = tuple[Part, ...]
"""A text in parts. Texts of servers are cleaned and cut."""


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that a fact says."""

    name: str
    words: Words
    fact: Fact


def facts_in_words(facts: Iterable[Fact]) -> Iterator[Row]:
    """The rows of the facts of one trip, in their order."""
    for fact, session in with_sessions(facts):
        for name, *words in _rows(fact, session):
            yield Row(name, tuple(words), fact)


def _rows(fact: Fact, session: str) -> Iterator[tuple[str, *Words]]:
    """Each row begins with its name. `session`: which of several TLS sessions it is."""
    match fact:
        case ArrivedHeaders() | QueriedList():
            return  # headers are a text of their own; what a list said is in its listings
        case Reply():
            yield "last SMTP reply", f"{fact.code} {fact.text}"
            if fact.accepts and (name := queue_name(fact.text)):
                yield "queue name", f"{name}, in the log of the accepting server"
        case Exchanger():
            yield "accepted by", f"{fact} (MX {fact.preference})"
        case ExchangerVisit():
            yield "exchanger", *_visit(fact)
        case PlaintextFallback():
            yield "no TLS", f"sent in plain text: {fact.why}"
        case TlsPolicy():
            yield "TLS policy", str(fact)
        case TlsSession():
            which = f"{session}: " if session else ""
            yield f"TLS, {fact.place}", *tls_in_words(fact, which)
            if fact.issued:
                yield "certificate", f"{which}{fact.issued}"
            if fact.client_certificate:
                yield "our certificate", f"{which}{fact.client_certificate}"
        case MailServer():
            yield "server", str(fact)
        case DnsRecords():
            yield f"{fact.kind.name} in DNS", _KEY.sub(r"\1…", str(fact))
        case Hop():
            yield _hop(fact)
        case LeftFrom():
            yield "left from", fact.address
        case Authentication():
            yield fact.method.upper(), fact.result
        case SenderCheck():
            yield f"{fact.method.upper()}, own check", str(fact)
        case Disagreement():
            yield f"{fact.method.upper()} differs", str(fact)
        case Client():
            yield "delivered by", str(fact)
        case Listing():
            about = f"{fact.subject} is {fact.state.in_words} on {fact.blocklist}"
            yield "blocklist", "; ".join([about, *remarks_on(fact)])
        case SpamScore():
            yield "spam score", f"{fact.score:g} ({fact.scanner})"
        case FilterTest():
            yield "filter test", str(fact)
        case InboxTab():
            yield "tab of the inbox", fact.tab
        case Alteration():
            yield "altered", str(fact)
        case Answer():
            yield "came home", str(fact)
            if fact.at is not None:
                yield "written", Moment(fact.at), ", by its clock"
            yield "legs", fact.legs
        case Unclear():
            yield "unclear message", f"from {fact.sender}: {fact.subject}: {fact.text}"
        case Changes():
            for change in fact.changes:
                yield "changed", in_words(change)
            for blocklist in fact.listed:
                yield "listed on", blocklist
        case Heartbeat():
            before, at, after = fact.last_in_words
            yield "last heartbeat", before, Moment(at), after
            every = f", one must come every {in_units(fact.every)}"
            yield "next one due by", Moment(fact.due_at), every
        case Arrival():
            yield "found in", f"{fact.folder or 'the mailbox'}, token in its {fact.found_in}"
            yield "delivery delay", _measured(fact.delay)
            yield "round trip", _measured(fact.round_trip)
        case LateArrival():
            yield "arrived late", Moment(fact.at), f", in {fact.folder or 'the mailbox'}"
            yield "delivery delay", "unknown" if fact.delay is None else f"{fact.delay:.3f} s"
            for hop in fact.hops:
                yield _hop(hop)
        case _:
            assert_never(fact)


def _measured(seconds: float | None) -> str:
    return f"unknown: {WHY_UNMEASURED}" if seconds is None else f"{seconds:.3f} s"


def _visit(visit: ExchangerVisit) -> Words:
    delay = "" if visit.delay is None else f", delivery delay {visit.delay:.3f} s"
    tls: Words = (", ", *tls_in_words(visit.tls)) if visit.tls else ()
    plain = f", sent in plain text: {visit.plaintext}" if visit.plaintext else ""
    return f"{visit.place} (MX {visit.preference})  {visit.verdict}{delay}", *tls, plain


def tls_in_words(fact: TlsSession, which: str = "") -> Words:
    """What was agreed on, and how long the certificate is valid, after the words `which`."""
    agreed = f"{fact.version} {fact.cipher}" if fact.version else "certificate refused"
    if fact.expires_at is None:
        return (f"{which}{agreed}",)
    told = f"{which}{agreed}", ", certificate valid until ", Day(fact.expires_at)
    if fact.ends_above is None:
        return told
    return *told, ", a certificate above it until ", Day(fact.ends_above)


def _hop(hop: Hop) -> tuple[str, str]:
    after = "unknown delay" if hop.delay is None else f"{hop.delay:.0f} s"
    return f"hop {hop.number}", f"{after}, {hop_in_words(hop)}"


def hop_in_words(hop: Hop) -> str:
    """The server that accepted the message, its client, and what is odd."""
    origin = " ".join(filter(None, (hop.helo, hop.address and f"[{hop.address}]")))
    skew = ""
    if hop.skew:
        skew = f"its clock is {abs(hop.skew):.0f} s {'behind' if hop.skew > 0 else 'ahead'}"
    return ", ".join(
        filter(None, (hop.by or "(no name)", origin and f"from {origin}", hop.protocol, skew))
    )


def remarks_on(listing: Listing) -> Iterator[str]:
    """Its codes and their meaning, or why it is unknown; how to be removed."""
    if listing.codes:
        harmless = "" if listing.alarming else " (not a failure)"
        yield f"{' '.join(listing.codes)}  {', '.join(listing.meanings)}".rstrip() + harmless
    if listing.text:
        yield listing.text
    if listing.delisting and listing.alarming and listing.state is ListState.LISTED:
        yield f"delisting: {listing.delisting}"
