from dataclasses import replace

import pytest

from exporter.core.facts import Arrival, FilterTest
from exporter.core.model import Fact, Failure, Listing, ListState, Outcome, ProbeKey, Span
from exporter.core.phases import Phase
from exporter.core.reasons import Reason

LISTING = Listing("bl.example", "192.0.2.1", ListState.CLEAN)
ARRIVAL = Arrival("INBOX", "header", 0.1, 0.2)
VERIFIED = Span(Phase.VERIFY, None, 0.0, 1.0)
ROUND_TRIP = Span(Phase.SEND, None, 0.0, 0.5), VERIFIED
TRIP = Outcome("0123456789abcd", ProbeKey("module", "example.org"), 0.0, 1.0)


def failed(phase: Phase) -> Failure:
    return Failure(phase, None, Reason.TIMEOUT, "", "x")


@pytest.mark.parametrize(
    ("outcome", "queried"),
    [
        (replace(TRIP, spans=(VERIFIED,), facts=(LISTING,)), True),
        (replace(TRIP, spans=(VERIFIED,), failure=failed(Phase.VERIFY)), True),
        (replace(TRIP, spans=ROUND_TRIP, facts=(LISTING, ARRIVAL)), False),
        (replace(TRIP, spans=ROUND_TRIP, facts=(LISTING,), failure=failed(Phase.VERIFY)), False),
        (replace(TRIP, failure=failed(Phase.OPEN)), False),
    ],
    ids=["answers", "no answers", "a round trip", "one that ended at its queries", "nothing done"],
)
def test_a_trip_that_only_verifies_queried_blocklists(outcome: Outcome, queried: bool) -> None:
    assert outcome.queried_lists is queried


@pytest.mark.parametrize(
    ("facts", "failure", "queried"),
    [
        ((LISTING,), None, True),
        ((), failed(Phase.VERIFY), True),
        ((LISTING, ARRIVAL), None, False),
        ((ARRIVAL,), failed(Phase.VERIFY), False),
        ((FilterTest("lost", "eicar"),), failed(Phase.VERIFY), False),
        ((), None, False),
        ((), failed(Phase.SEND), False),
    ],
)
def test_also_in_brief_a_trip_is_known_by_what_it_did(
    facts: tuple[Fact, ...], failure: Failure | None, queried: bool
) -> None:
    brief = replace(TRIP, spans=(VERIFIED,), facts=facts, failure=failure).brief
    assert brief.queried_lists is queried
