"""The facts of one trip, in words."""

from collections.abc import Iterator

from markupsafe import Markup

from exporter.core.facts import (
    WHY_UNMEASURED,
    Alteration,
    Answer,
    Arrival,
    Authentication,
    Client,
    Disagreement,
    DnsRecords,
    FilterTest,
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
    Listing,
    Outcome,
    PlaintextFallback,
    Reply,
    TlsPolicy,
    TlsSession,
)
from exporter.core.timing.durations import in_units
from exporter.core.trace.tls_sessions import with_sessions
from exporter.mail.queue_name import queue_name
from exporter.web.pages.styles import BAD, GOOD
from exporter.web.pages.time_zone import TimeZone
from exporter.web.pages.waterfall import hop_in_words

_RESULTS = Authentication, SenderCheck
_STYLES = {"pass": GOOD, "fail": BAD, "softfail": BAD, "temperror": BAD, "permerror": BAD}
"""Of the results of authentication; others say nothing for or against the sender."""


def facts_in_words(outcome: Outcome, zone: TimeZone) -> list[tuple[str, str, str]]:
    """A name, a text, and its style."""
    return [
        (name, text, _STYLES.get(fact.result, "") if isinstance(fact, _RESULTS) else "")
        for fact, which in with_sessions(outcome.facts)
        for name, text in _in_words(fact, which, zone)
    ]


def _in_words(fact: object, which: str, zone: TimeZone) -> Iterator[tuple[str, str]]:
    match fact:
        case Listing():  # in a table of their own: there may be thousands
            return
        case Reply():
            yield "last SMTP reply", f"{fact.code} {fact.text}"
            if fact.code < 300 and (name := queue_name(fact.text)):
                yield "queue name", f"{name}, in the log of the server that accepted the message"
        case Exchanger():
            yield "accepted by", f"{fact} (MX {fact.preference})"
        case PlaintextFallback():
            yield "no TLS", f"sent in plain text: {fact.why}"
        case TlsPolicy():
            yield "TLS policy", str(fact)
        case TlsSession():
            session = f" ({which})" if which else ""
            yield f"TLS, {fact.place}{session}", tls_in_words(fact, zone)
            if fact.issued:
                yield f"certificate, {fact.leg}{session}", fact.issued
            if fact.client_certificate:
                yield f"our client certificate, {fact.leg}{session}", fact.client_certificate
        case MailServer():
            yield "server", str(fact)
        case DnsRecords():
            yield f"{fact.kind} in DNS", str(fact)
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
        case SpamScore():
            yield f"spam score ({fact.scanner})", f"{fact.score:g}"
        case FilterTest():
            yield "filter test", str(fact)
        case InboxTab():
            yield "tab of the inbox", fact.tab
        case Alteration():
            yield "altered", str(fact)
        case Answer():
            yield "came home", str(fact)
            if fact.at is not None:
                yield "written", Markup("{}, by its clock").format(zone.moment(fact.at))
            yield "legs", fact.legs
        case Unclear():
            yield "unclear message", f"from {fact.sender}: {fact.subject}: {fact.text}"
        case LateArrival():
            place = fact.folder or "the mailbox"
            yield "arrived late", Markup("{}, in {}").format(zone.moment(fact.at), place)
            yield "delivery delay", _seconds(fact.delay)
            for hop in fact.hops:
                after = "" if hop.delay is None else f"{hop.delay:.0f} s, "
                yield f"hop {hop.number}", f"{after}{hop_in_words(hop)}"
        case Heartbeat():
            yield "last heartbeat", fact.last
            yield "next one due by", zone.moment(fact.due_at)
            yield "must come every", in_units(fact.every)
        case Arrival():
            yield "found in", f"{fact.folder or 'the mailbox'}, token in its {fact.found_in}"
            yield "delivery delay", _seconds(fact.delay)
            yield "round trip", _seconds(fact.round_trip)


def _seconds(seconds: float | None) -> str:
    return f"unknown: {WHY_UNMEASURED}" if seconds is None else f"{seconds:.3f} s"


def tls_in_words(fact: TlsSession, zone: TimeZone) -> str:
    """What was agreed on, and how long the certificate is valid."""
    agreed = f"{fact.version} {fact.cipher}" if fact.version else "certificate refused"
    if fact.expires_at is None:
        return agreed
    told = Markup("{}, certificate valid until {}").format(agreed, zone.date(fact.expires_at))
    if fact.ends_above is None:
        return told
    return told + Markup(", a certificate above it until {}").format(zone.date(fact.ends_above))
