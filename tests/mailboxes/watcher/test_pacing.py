import pytest

from exporter.core.timing.precision import FINE
from exporter.mailboxes.watcher.pacing import (
    LONGEST_GAP,
    SENDING_GAP,
    SHORTEST_GAP,
    gap_after,
    idle_gap,
)


@pytest.mark.parametrize("waited", [0.0, 0.5, 2.0, 10.0, 600.0, 7000.0])
def test_the_gap_keeps_the_error_of_a_delay_within_what_is_promised(waited: float) -> None:
    gap = gap_after(waited)
    assert SHORTEST_GAP <= gap < max(FINE.seconds, FINE.share * waited)


def test_the_gap_grows_with_the_time_waited_and_has_an_end() -> None:
    assert gap_after(100) == pytest.approx(4.0)
    assert gap_after(1e6) == LONGEST_GAP


def test_a_receiver_is_told_and_other_mailboxes_are_looked_into_when_nothing_is_under_way() -> None:
    assert idle_gap(listens=True) == LONGEST_GAP
    assert idle_gap(listens=False) == SENDING_GAP
