"""The waterfall of a trip: phases in their order, steps and hops inside, bars inside the drawing."""

from dataclasses import replace

import pytest

from exporter.core.model import Failure, Outcome, Span
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.web.pages.waterfall import WIDTH, Waterfall
from tests.web.test_pages import FAILED, HOP, KEY, SPANS


@pytest.mark.parametrize(
    ("phase", "words"),
    [
        (Phase.OPEN, "failed to open the mailbox"),
        (Phase.SEND, "failed to hand over the message"),
        (Phase.DELIVER, "not delivered"),
        (Phase.VERIFY, "rejected by a check"),
        (Phase.DELETE, "failed to delete the message"),
    ],
)
def test_a_phase_that_failed_is_not_explained_as_if_it_had_gone_well(
    phase: Phase, words: str
) -> None:
    failure = Failure(phase, None, Reason.TIMEOUT, "", "x")
    outcome = Outcome(
        "0123456789abcd", KEY, 0.0, 1.0, (Span(phase, None, 0.0, 1.0, Reason.TIMEOUT),), (), failure
    )
    (row,) = Waterfall(outcome).rows()
    assert row.note == words
    (row,) = Waterfall(
        Outcome("0123456789abcd", KEY, 0.0, 1.0, (Span(phase, None, 0.0, 1.0),))
    ).rows()
    assert row.note != words


def test_the_waterfall_has_its_phases_in_order_with_steps_and_hops_inside() -> None:
    rows = Waterfall(FAILED).rows()
    assert [(row.kind, row.label) for row in rows] == [
        ("phase", "open"),
        ("phase", "send"),
        ("step", "rcpt"),
        ("phase", "deliver"),
        ("hop", "hop 1"),
    ]
    assert [(row.x, row.width) for row in rows] == [
        (0, 50),
        (50, 100),
        (100, 50),
        (150, 850),
        (50, 400),
    ]
    assert rows[2].reason == "rejected"


def test_bars_stay_inside_the_drawing_whatever_the_clocks_say() -> None:
    far = replace(HOP, delay=1e9)
    for spans in (
        SPANS,
        (Span(Phase.SEND, None, -3.0, 0.0), Span(Phase.DELIVER, None, 99.0, 99.0)),
    ):
        for length in (10.0, 0.0):
            outcome = replace(FAILED, spans=spans, facts=(far, far), duration=length)
            for row in Waterfall(outcome).rows():
                assert 0 <= row.x < row.x + row.width <= WIDTH
