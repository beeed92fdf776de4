"""The sparkline of a probe: its newest trips as bars."""

from exporter.state.history import TripSummary
from exporter.web.pages.sparkline import ABOVE, BELOW, LEAST, sparkline


def test_a_sparkline_shows_failures_below_the_base_line_and_delays_by_the_slowest() -> None:
    assert sparkline([TripSummary(True, 1.0)]) is None
    drawn = sparkline(
        [
            TripSummary(True, 1.0),
            TripSummary(True, 4.0),
            TripSummary(False, 600.0),
            TripSummary(True, 0.0001),
        ]
    )
    assert drawn
    assert [bar.height for bar in drawn.bars] == [ABOVE / 2, ABOVE, -BELOW, LEAST]
    assert drawn.succeeded.count("v-") == 3
    assert drawn.failed == "M8 14v6h4V14z"
    assert drawn.label == "the newest 4 trips: 1 failed, slowest successful trip 4.00 s"


def test_a_sparkline_of_failures_alone_names_no_duration() -> None:
    drawn = sparkline([TripSummary(False, 600.0)] * 2)
    assert drawn
    assert (drawn.succeeded, drawn.label) == ("", "the newest 2 trips: all failed")
