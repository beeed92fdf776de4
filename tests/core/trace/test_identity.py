"""The identity of a trip as a trace."""

from exporter.core.trace.identity import span_id, trace_id


def test_the_trace_of_a_trip_is_always_the_same() -> None:
    """Links that others have kept must not change with a release."""
    assert trace_id("0123456789abcd").hex() == "28a13d3178d4d13028e522151fa77e34"
    assert span_id("0123456789abcd", "trip").hex() == "7ba39c515f275337"


def test_no_two_are_alike() -> None:
    trips = [f"{number:014x}" for number in range(1000)]
    assert len({trace_id(trip) for trip in trips}) == 1000
    assert len({span_id(trip, what) for trip in trips for what in ("trip", "step 1")}) == 2000
    assert {len(trace_id("a")), len(span_id("a", "b"))} == {16, 8}
