"""An outcome for scripts: `mailtrip probe --json`. docs/cli.md describes its fields; new ones
may be added, none is removed."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter

from exporter.core.facts import (
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
    Outcome,
    PlaintextFallback,
    QueriedList,
    Reply,
    Span,
    TlsPolicy,
    TlsSession,
)

KINDS: dict[type[Fact], str] = {
    TlsSession: "tls",
    Reply: "reply",
    Exchanger: "exchanger",
    ExchangerVisit: "exchanger_visit",
    PlaintextFallback: "plaintext_fallback",
    TlsPolicy: "tls_policy",
    Hop: "hop",
    LeftFrom: "left_from",
    Client: "client",
    Authentication: "authentication",
    SenderCheck: "sender_check",
    Disagreement: "disagreement",
    SpamScore: "spam_score",
    FilterTest: "filter_test",
    Arrival: "arrival",
    Alteration: "alteration",
    InboxTab: "inbox_tab",
    Answer: "answer",
    ArrivedHeaders: "headers",
    LateArrival: "late_arrival",
    Unclear: "unclear",
    Listing: "listing",
    QueriedList: "asked",
    MailServer: "server",
    DnsRecords: "dns_records",
    Changes: "changes",
    Heartbeat: "heartbeat",
}
"""What a fact is, in the field `fact`."""

_NAMED = {name: kind for kind, name in KINDS.items()}
_LIST = TypeAdapter(list[dict[str, Any]])


class Adapters(dict[Any, TypeAdapter[Any]]):
    """What reads and writes values of a type, by the type. Each is made when it is asked for: there
    is one for each kind of fact, and most processes meet few kinds."""

    def __missing__(self, kind: Any) -> TypeAdapter[Any]:
        made = self[kind] = TypeAdapter(kind)
        return made


ADAPTERS = Adapters()


def as_json(outcome: Outcome) -> str:
    """One JSON document. The verdict comes first, and every fact has its type."""
    return json.dumps(described(outcome), indent=2)


def described(outcome: Outcome, *, in_progress: bool = False) -> dict[str, Any]:
    """Everything about a trip. One that is in progress has no verdict yet."""
    return summary(outcome, in_progress=in_progress) | {
        "spans": ADAPTERS[tuple[Span, ...]].dump_python(outcome.spans, mode="json"),
        "facts": [_fact(fact) for fact in outcome.facts],
        "transcript": [*outcome.transcript],
    }


def parsed(document: Mapping[str, Any]) -> Outcome:
    """The outcome of a trip that is `described` by this version or a later one: what that has added
    is left out. Raises ValueError."""
    facts = tuple(
        ADAPTERS[kind].validate_python(one)
        for one in _LIST.validate_python(document.get("facts"))
        if (kind := _NAMED.get(str(one.get("fact"))))
    )
    return with_facts(document, facts)


def with_facts(document: Mapping[str, Any], facts: tuple[Fact, ...]) -> Outcome:
    """The outcome of a document, with facts that were read one by one. Raises ValueError."""
    outcome: Outcome = ADAPTERS[Outcome].validate_python({**document, "facts": ()})
    return replace(outcome, facts=facts)


def pieces(outcome: Outcome, *, in_progress: bool = False, complete: bool = True) -> Iterator[str]:
    """The same as a JSON document, fact by fact: a check of blocklists may have thousands. If it is
    not `complete`, facts may be added to a finished trip."""
    around = described(replace(outcome, facts=()), in_progress=in_progress)
    around |= summary(outcome, in_progress=in_progress)
    around["complete"] = complete and not in_progress
    start, end = json.dumps(around).split('"facts": []', 1)
    yield f'{start}"facts": ['
    for number, fact in enumerate(outcome.facts):
        yield (", " if number else "") + json.dumps(_fact(fact))
    yield f"]{end}"


def _fact(fact: Fact) -> dict[str, Any]:
    return {"fact": KINDS[type(fact)], **ADAPTERS[type(fact)].dump_python(fact, mode="json")}


def summary(outcome: Outcome, *, in_progress: bool = False) -> dict[str, Any]:
    """A trip without its spans, facts and transcript, as in a list."""
    failure, arrivals = outcome.failure, [one for one in outcome.facts if type(one) is Arrival]
    arrival = arrivals[0] if arrivals else None
    return {
        "trip": outcome.trip,
        "probe": {"module": outcome.probe.module, "target": outcome.probe.target},
        "success": None if in_progress else outcome.success,
        "failure": failure
        and {
            "phase": failure.phase,
            "step": failure.step,
            "reason": failure.reason,
            "code": failure.code,
            "detail": failure.detail,
        },
        "started_at": outcome.started_at,
        "duration": outcome.duration,
        "delay": arrival and arrival.delay,
        "round_trip": arrival and arrival.round_trip,
        "recheck": outcome.recheck,
        "planned": outcome.planned,
        "trace_id": outcome.trace_id,
    }
