"""Results of the newest trips of a probe."""

import sys

from hypothesis import given
from hypothesis import strategies as st

from exporter.state.history import HISTORY_LENGTH, History, TripSummary

SUMMARIES = st.builds(TripSummary, st.booleans(), st.floats(0, 1e15))


@given(st.lists(SUMMARIES, max_size=2 * HISTORY_LENGTH))
def test_it_gives_back_the_newest_as_they_were(summaries: list[TripSummary]) -> None:
    history = History(summaries)
    assert [*history] == summaries[-HISTORY_LENGTH:]
    assert len(history) == min(len(summaries), HISTORY_LENGTH)


def test_a_failure_that_took_no_time_is_a_failure() -> None:
    assert [*History([TripSummary(False, 0.0)])] == [TripSummary(False, 0.0)]


def test_a_full_one_takes_less_than_half_a_kibibyte() -> None:
    history = History([TripSummary(True, float(n)) for n in range(1000)])
    assert sys.getsizeof(history) + sys.getsizeof(history._signed) < 600
