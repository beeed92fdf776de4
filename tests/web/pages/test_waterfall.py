"""The waterfall of a trip: phases in their order, steps and hops inside, bars inside the
drawing."""

from dataclasses import replace

import pytest

from exporter.core.facts import FilterTest
from exporter.core.model import Failure, Outcome, Span
from exporter.core.phases import Phase
from exporter.core.reasons import Reason, Trait
from exporter.core.steps import Step
from exporter.web.pages.waterfall import LISTS_FAILED, WIDTH, Waterfall
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
    spans = Span(Phase.OPEN, None, 0.0, 0.0), Span(phase, None, 0.0, 1.0, Reason.TIMEOUT)
    outcome = Outcome("0123456789abcd", KEY, 0.0, 1.0, spans, (), failure)
    (_, row) = Waterfall(outcome).rows()
    assert row.note == words
    (row,) = Waterfall(
        Outcome("0123456789abcd", KEY, 0.0, 1.0, (Span(phase, None, 0.0, 1.0),))
    ).rows()
    assert row.note != words


def test_what_lists_say_has_words_of_its_own() -> None:
    assert LISTS_FAILED.keys() == {one for one in Reason if Trait.OF_LISTS in one.traits}


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


def trip(*spans: Span, duration: float = 10.0, failure: Failure | None = None) -> Outcome:
    return Outcome("0123456789abcd", KEY, 0.0, duration, spans, (), failure)


def waits(outcome: Outcome, *, under_way: bool = False) -> list[tuple[float, float | None, str]]:
    rows = Waterfall(outcome, under_way=under_way).rows()
    return [(row.start, row.duration, row.note) for row in rows if row.kind == "wait"]


def test_our_own_waiting_is_drawn_between_the_phases() -> None:
    opened, sent = Span(Phase.OPEN, None, 0.0, 1.0), Span(Phase.SEND, None, 4.0, 1.0)
    rest = Span(Phase.DELIVER, None, 5.0, 1.0), Span(Phase.VERIFY, None, 6.0, 0.0)
    whole = trip(opened, sent, *rest, Span(Phase.DELETE, None, 9.0, 1.0))
    assert [row.label for row in Waterfall(whole).rows()] == [
        *("open", "wait", "send", "deliver", "verify", "wait", "delete"),
    ]
    assert waits(whole) == [
        (1.0, 3.0, "mailtrip waits for its slot to send (`gap`)"),
        (6.0, 3.0, "mailtrip writes the result to disk"),
    ]
    assert Waterfall(whole).waited == "3.00 s waiting for its slot to send"
    assert Waterfall(trip(replace(opened, duration=3.99), sent)).waited == "", "only our own work"
    # One that waits now has not begun to send.
    assert waits(trip(opened), under_way=True)[0][2].startswith("mailtrip waits for its slot")
    assert waits(trip(opened, failure=FAILED.failure)) == [(1.0, 9.0, "mailtrip itself")]
    late = replace(opened, start=0.5)
    assert waits(trip(late, failure=FAILED.failure))[0] == (
        *(0.0, 0.5),
        "mailtrip writes the trip to disk",
    )
    resumed = trip(Span(Phase.DELIVER, None, 4.0, 6.0))
    assert waits(resumed) == [
        (0.0, 4.0, "mailtrip was restarted; what happened before is not kept")
    ]


def test_a_refusal_that_is_expected_is_not_drawn_as_a_failure() -> None:
    spans = (
        Span(Phase.SEND, None, 0.0, 10.0, Reason.REJECTED),
        Span(Phase.SEND, Step.RCPT, 5.0, 5.0, Reason.REJECTED),
    )
    assert [(row.reason, row.note) for row in Waterfall(trip(*spans)).rows()] == [
        ("", "refused as expected"),
        ("", "rejected"),
    ]
    accepted = Failure(Phase.SEND, None, Reason.ACCEPTED, "", "x")
    (row,) = Waterfall(
        trip(Span(Phase.SEND, None, 0.0, 10.0, Reason.ACCEPTED), failure=accepted)
    ).rows()
    assert (row.reason, row.note) == ("accepted", "accepted, but should have been refused")


def test_what_a_filter_did_or_not_is_said_in_its_phase() -> None:
    away = trip(Span(Phase.DELIVER, None, 0.0, 10.0))
    (row,) = Waterfall(replace(away, facts=(FilterTest("lost", "eicar"),))).rows()
    assert row.note == "not delivered, as expected"
    passed = Failure(Phase.VERIFY, None, Reason.ACCEPTED, "eicar", "x")
    arrived = Span(Phase.DELIVER, None, 0.0, 0.0)
    verified = Span(Phase.VERIFY, None, 0.0, 10.0, Reason.ACCEPTED)
    (_, row) = Waterfall(trip(arrived, verified, failure=passed)).rows()
    assert (row.reason, row.note) == ("accepted", "let through by a filter")


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
