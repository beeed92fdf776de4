"""An outcome for scripts: `mailtrip probe --json`. docs/cli.md describes its fields; new ones
may be added, none is removed."""

import json
from typing import Any

from pydantic import TypeAdapter

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
    Fact,
    Listing,
    Outcome,
    PlaintextFallback,
    QueriedList,
    Reply,
    TlsSession,
)

KINDS: dict[type[Fact], str] = {
    TlsSession: "tls",
    Reply: "reply",
    Exchanger: "exchanger",
    PlaintextFallback: "plaintext_fallback",
    Hop: "hop",
    LeftFrom: "left_from",
    Authentication: "authentication",
    SpamScore: "spam_score",
    Arrival: "arrival",
    ArrivedHeaders: "headers",
    Unclear: "unclear",
    Listing: "listing",
    QueriedList: "asked",
}
"""What a fact is, in the field `fact`."""

_OUTCOME = TypeAdapter(Outcome)


def as_json(outcome: Outcome) -> str:
    """One JSON document. The verdict comes first, and every fact has its type."""
    plain: dict[str, Any] = _OUTCOME.dump_python(outcome, mode="json")
    facts = [
        {"fact": KINDS[type(fact)], **told}
        for fact, told in zip(outcome.facts, plain["facts"], strict=True)
    ]
    told = {
        "trip": outcome.trip,
        "probe": plain["probe"],
        "success": outcome.success,
        "failure": plain["failure"],
    }
    return json.dumps(told | plain | {"facts": facts}, indent=2)
