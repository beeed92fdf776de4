"""A trip as JSON, written and read again."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.core.json_output import KINDS, as_json, described, parsed
from exporter.core.model import Fact, Failure, Outcome, ProbeKey, Span
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step

KEY = ProbeKey("submission", "a@example.org")
WHY = Failure(Phase.SEND, Step.RCPT, Reason.REJECTED, "554", "no such user")
SPANS = (Span(Phase.SEND, Step.RCPT, 0.5, 0.25, Reason.REJECTED, "a@example.org"),)


@given(st.data())
@pytest.mark.parametrize("kind", KINDS, ids=[*KINDS.values()])
def test_what_is_written_can_be_read(kind: type[Fact], data: st.DataObject) -> None:
    facts = (data.draw(st.from_type(kind)),)
    trip = Outcome(
        "0" * 14, KEY, 1.7e9, 2.5, SPANS, facts, WHY, ("C: QUIT",), True, trace_id="ab" * 16
    )
    assert as_json(parsed(json.loads(as_json(trip)))) == as_json(trip)


def test_a_trip_in_progress_is_read_without_a_verdict() -> None:
    document = described(Outcome("0" * 14, KEY, 1.7e9, 2.5, SPANS), in_progress=True)
    read = parsed(json.loads(json.dumps(document)))
    assert (document["success"], read.failure, read.spans) == (None, None, SPANS)


def test_what_a_later_version_adds_is_left_out() -> None:
    document = described(Outcome("0" * 14, KEY, 1.7e9, 2.5)) | {"mood": "good"}
    document["facts"] = [{"fact": "mood", "of": "the server"}]
    assert parsed(document) == Outcome("0" * 14, KEY, 1.7e9, 2.5)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"trip": 1},
        {"facts": [1]},
        {"facts": [{"fact": "arrival"}]},
        {"spans": [{}]},
        {"failure": "no"},
    ],
    ids=str,
)
def test_anything_else_is_no_trip(document: dict[str, Any]) -> None:
    good = described(Outcome("0" * 14, KEY, 1.7e9, 2.5)) if document else {}
    with pytest.raises(ValueError, match=r"."):
        parsed(good | document)
