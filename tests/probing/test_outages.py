"""Outages of a probe, from the results of its trips in any order."""

from dataclasses import dataclass
from itertools import groupby
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.core.availability.outage import Outage, Unsettled
from exporter.core.model import Failure, Outcome, ProbeKey
from exporter.core.phases import Leg, Phase
from exporter.core.reasons import Reason
from exporter.probing.outages import MOST_RESULTS, Outages

PROBE = ProbeKey("module", "target")
BEGIN = 1_700_000_000.0  # Unix time at monotonic 0
CONNECT = Phase.SEND, Reason.CONNECT
OVERDUE = Phase.DELIVER, Reason.OVERDUE


def outcome(
    started: float, failure: tuple[Phase, Reason] | None = None, *, planned: bool = False
) -> Outcome:
    failed = Failure(failure[0], None, failure[1]) if failure else None
    name = f"trip{started:g}"
    return Outcome(name, PROBE, BEGIN + started, 1.0, failure=failed, planned=planned)


class Story:
    """The outages of a probe whose trips end in the given order: each starts at so many seconds.
    `oldest` is the start of the oldest trip in progress."""

    def __init__(self, lasting: Outage | None = None, oldest: float = -inf) -> None:
        self.outages = Outages(PROBE, Unsettled(lasting))
        self.oldest = oldest
        self.kept: dict[str, Outage] = {}  # as a store would

    def fails(
        self, started: float, failure: tuple[Phase, Reason] = CONNECT, *, planned: bool = False
    ) -> None:
        self._add(outcome(started, failure, planned=planned), started)

    def succeeds(self, started: float, *, planned: bool = False) -> None:
        self._add(outcome(started, planned=planned), started)

    def _add(self, result: Outcome, started: float) -> None:
        changed = self.outages.add(result, started, self.oldest)
        self.kept |= {one.id: one for one in changed}

    @property
    def bounds(self) -> list[tuple[float, float | None]]:
        return [bounds(one) for one in self.outages.unsettled()]

    @property
    def lasting(self) -> Outage:
        lasting = self.outages.lasting
        assert lasting
        return lasting

    @property
    def counted(self) -> tuple[int, float]:
        """Outages that have ended, and the seconds of all."""
        standing = self.outages.standing()
        return sum(standing.ended), sum(standing.seconds)


def bounds(outage: Outage) -> tuple[float, float | None]:
    return outage.start - BEGIN, None if outage.end is None else outage.end - BEGIN


def test_an_outage_begins_with_the_start_of_the_first_failed_trip_and_lasts() -> None:
    story = Story()
    story.succeeds(0)
    assert story.outages.lasting is None
    story.fails(60)
    story.fails(120)
    assert story.bounds == [(60, None)]
    assert story.lasting.failures == 2
    assert story.lasting.seconds(BEGIN + 180) == 120


def test_it_ends_with_the_start_of_the_first_trip_that_succeeds_after_it() -> None:
    story = Story()
    story.fails(60)
    story.succeeds(120)
    assert story.bounds == [(60, 120)]
    assert story.outages.lasting is None


def test_it_has_the_first_and_the_last_trip_the_leg_and_the_reasons_in_order() -> None:
    story = Story()
    story.fails(0, CONNECT)
    story.fails(60, OVERDUE)
    story.fails(120, CONNECT)
    outage = story.lasting
    assert (outage.first_trip, outage.last_trip) == ("trip0", "trip120")
    assert outage.leg is Leg.SEND
    assert outage.reasons == ("send/connect", "deliver/overdue")


def test_a_message_that_is_overdue_when_later_ones_have_come_was_an_outage_that_has_ended() -> None:
    story = Story()
    story.succeeds(0)
    story.succeeds(120)
    story.fails(60, OVERDUE)
    assert story.bounds == [(60, 120)]
    assert story.outages.lasting is None


def test_it_begins_earlier_when_an_earlier_trip_fails_later_and_keeps_its_id() -> None:
    story = Story()
    story.fails(120)
    story.fails(60, OVERDUE)
    assert story.bounds == [(60, None)]
    assert story.lasting.id == "trip120"
    assert story.lasting.first_trip == "trip60"


def test_a_late_success_between_two_failures_makes_two_outages() -> None:
    story = Story()
    story.fails(0)
    story.fails(120)
    story.succeeds(60)
    assert story.bounds == [(0, 60), (120, None)]
    assert [one.id for one in story.outages.unsettled()] == ["trip0", "trip120"]


def test_it_ends_earlier_when_an_earlier_trip_succeeds_later() -> None:
    story = Story()
    story.fails(0)
    story.succeeds(120)
    story.succeeds(60)
    assert story.bounds == [(0, 60)]


def test_a_trip_that_we_ourselves_spoiled_neither_begins_nor_ends_one() -> None:
    story = Story()
    story.fails(0, (Phase.SEND, Reason.STARVED))
    assert story.bounds == []
    story.fails(60)
    story.fails(120, (Phase.SEND, Reason.STARVED))
    assert story.lasting.failures == 1


def test_an_outage_is_counted_when_no_trip_in_progress_can_change_it() -> None:
    story = Story(oldest=30)  # a trip that may still end it earlier
    story.fails(0)
    story.succeeds(60)
    assert story.counted == (0, 0)
    story.oldest = 90
    story.succeeds(30)
    assert story.counted == (1, 30)
    story.succeeds(90)
    assert story.counted == (1, 30)
    assert story.bounds == []


def test_the_seconds_of_one_that_lasts_are_counted_up_to_its_last_trip() -> None:
    story = Story(oldest=inf)
    story.fails(0)
    story.fails(60)
    assert story.counted == (0, 60)
    story.fails(1000)
    assert story.counted == (0, 1000)
    assert story.bounds == [(0, None)]
    story.succeeds(1060)
    assert story.counted == (1, 1060)


def test_results_are_bounded() -> None:
    story = Story()
    story.fails(0)
    for number in range(1, MOST_RESULTS + 5):
        story.succeeds(number)
    assert story.counted == (1, 1)
    assert story.bounds == []


def test_one_that_lasts_over_a_restart_goes_on() -> None:
    before = Story()
    before.fails(0)
    before.fails(60)
    after = Story(before.lasting)
    after.succeeds(30)  # it was in progress when mailtrip stopped; later ones had failed already
    assert after.bounds == [(0, None)]
    after.fails(120)
    after.succeeds(180)
    assert after.bounds == [(0, 180)]
    (ended,) = after.outages.unsettled()
    assert (ended.id, ended.failures) == ("trip0", 3)


def test_after_a_restart_an_earlier_trip_still_changes_an_outage_that_has_ended() -> None:
    """Its message was lost, and later ones had come before mailtrip stopped."""
    before = Story()
    before.fails(0)
    before.succeeds(120)
    after = Story()
    after.outages = Outages(PROBE, before.outages.kept, offset=-BEGIN)
    after.oldest = inf
    after.fails(60, OVERDUE)
    ((bounds_after, outage),) = [(bounds(one), one) for one in after.kept.values()]
    assert (bounds_after, outage.id, outage.failures) == ((0, 120), "trip0", 2)
    assert after.outages.kept is None


def test_after_a_restart_a_result_is_newer_than_all_that_were_known() -> None:
    """So that an outage keeps its name, which is that of its result that was known first."""
    before = Story()
    before.succeeds(180)
    before.succeeds(0)
    before.oldest = 60
    before.fails(30)
    after = Story()
    after.outages = Outages(PROBE, before.outages.kept, offset=-BEGIN)
    after.fails(60)
    ((name, outage),) = after.kept.items()
    assert (name, bounds(outage), outage.failures) == ("trip30", (30, 180), 2)


def test_after_a_restart_only_the_seconds_since_then_are_counted() -> None:
    before = Story()
    before.fails(0)
    before.fails(60)
    after = Story(before.lasting, oldest=inf)
    after.fails(100)
    assert after.counted == (0, 40)
    after.succeeds(180)
    assert after.counted == (1, 120)


@pytest.mark.parametrize(
    ("planned", "seconds", "wholly"),
    [
        ((True, True, True), 120, True),
        ((False, True, True), 120, False),
        ((True, True, False), 60, True),
        ((True, False, False), 0, False),
    ],
)
def test_the_time_before_a_result_is_planned_if_its_trip_ended_in_a_window(
    planned: tuple[bool, bool, bool], seconds: float, wholly: bool
) -> None:
    story = Story()
    story.fails(0, planned=planned[0])
    story.fails(60, planned=planned[1])
    story.succeeds(120, planned=planned[2])
    (outage,) = story.outages.unsettled()
    assert (outage.planned_seconds, outage.planned) == (seconds, wholly)


@dataclass(frozen=True)
class Flight:
    """A trip of a story that Hypothesis writes."""

    started: int
    duration: int
    fails: bool

    @property
    def finished(self) -> int:
        return self.started + self.duration


@st.composite
def flights(draw: st.DrawFn) -> list[Flight]:
    starts = draw(st.lists(st.integers(0, 60), unique=True, max_size=30))
    return [
        Flight(started, draw(st.integers(0, 20)), draw(st.booleans())) for started in sorted(starts)
    ]


@given(flights())
def test_every_outage_is_known_once_in_whatever_order_trips_end(trips: list[Flight]) -> None:
    """Against the same results, divided when all of them are known."""
    story = Story()
    unfinished, counted = {one.started for one in trips}, 0.0
    for trip in sorted(trips, key=lambda one: (one.finished, one.started)):
        unfinished.discard(trip.started)
        in_progress = [one for one in unfinished if one <= trip.finished]
        story.oldest = min(in_progress, default=trip.finished)
        (story.fails if trip.fails else story.succeeds)(trip.started)
        assert story.counted[1] >= counted
        counted = story.counted[1]

    groups = [(fails, list(run)) for fails, run in groupby(trips, key=lambda one: one.fails)]
    ends = [run[0].started for _, run in groups[1:]]
    expected = [
        (run[0].started, end, len(run))
        for (fails, run), end in zip(groups, [*ends, None], strict=False)
        if fails
    ]
    kept = sorted(story.kept.values(), key=lambda one: one.start)
    assert [(*bounds(one), one.failures) for one in kept] == expected
