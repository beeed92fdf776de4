"""The chart of the delays of a probe: every trip is inside, and words say what it shows."""

from exporter.state.timeline import TimelineTrip
from exporter.web.pages.delay_chart import BOTTOM, EDGE, FAILURES, TOP, delay_chart


def trip(number: int, delay: float | None = None, *, success: bool = True) -> TimelineTrip:
    return TimelineTrip(f"{number:014x}", success, 1_700_000_000.0 + 60 * number, delay)


def test_delays_are_drawn_on_a_logarithmic_scale_and_failures_above_it() -> None:
    chart = delay_chart(
        [trip(0, 0.1), trip(1, success=False), trip(2, 1.0), trip(3), trip(4, 10.0)], trip(1).trip
    )
    assert chart
    assert [mark.text for mark in chart.scale] == ["0.1 s", "1 s", "10 s"]
    assert [mark.place for mark in chart.scale] == [BOTTOM, (TOP + BOTTOM) / 2, TOP]
    assert [point.y for point in chart.succeeded] == [BOTTOM, (TOP + BOTTOM) / 2, TOP]
    assert [point.x for point in chart.succeeded] == [EDGE, 50.0, 100 - EDGE]
    assert [(point.x, point.y) for point in chart.failed] == [(25.5, FAILURES)]
    assert chart.marked == 25.5
    assert [mark.text for mark in chart.times] == ["22:13:20", "22:15:20", "22:17:20"]
    assert chart.title == "Delivery delays of 5 trips"
    assert chart.summary == (
        "2023-11-14 22:13:20 UTC to 2023-11-14 22:17:20 UTC; 1 of 5 trips failed;"
        " median delay 1.00 s, largest 10.0 s"
    )


def test_there_is_no_chart_of_almost_nothing() -> None:
    assert delay_chart([]) is None
    assert delay_chart([trip(0, 1.0), trip(1, 1.0)]) is None
    assert delay_chart([trip(n, success=False) for n in range(9)]) is None


def test_everything_is_inside_the_drawing_whatever_the_delays_and_clocks() -> None:
    for delays in ((0.0, 0.0, 0.0), (1e-9, 1.0, 1e12), (1.0, 1.0, 1.0), (0.1, 0.1, 0.1)):
        for distance in (0, 1):
            trips = [trip(n * distance, delay) for n, delay in enumerate(delays)]
            chart = delay_chart(trips)
            assert chart
            assert len(chart.scale) >= 2
            for point in chart.succeeded:
                assert TOP <= point.y <= BOTTOM
                assert EDGE <= point.x <= 100 - EDGE


def test_trips_that_ended_in_another_order_are_drawn_by_their_start() -> None:
    chart = delay_chart([trip(2, 1.0), trip(0, 1.0), trip(1, 1.0)])
    assert chart
    assert [point.x for point in chart.succeeded] == [EDGE, 50.0, 100 - EDGE]


def test_times_have_their_date_if_they_are_further_apart() -> None:
    chart = delay_chart([trip(n * 60, 1.0) for n in range(5)])
    assert chart
    assert [mark.text for mark in chart.times] == ["11-14 22:13", "11-15 00:13", "11-15 02:13"]
