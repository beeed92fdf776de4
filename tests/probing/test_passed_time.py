"""Elapsed time, also when the wall clock is set."""

from exporter.core.timing.clock import Clock, boot_id
from exporter.probing.passed_time import PassedTime
from exporter.state.trip import Moment


def test_no_time_passes_when_the_wall_clock_is_set() -> None:
    wall, monotonic = 1e9, 50.0
    passed = PassedTime(Clock(monotonic=lambda: monotonic, wall=lambda: wall))
    monotonic, wall = 60.0, 2e9
    assert passed.now() == Moment(boot_id(), 60.0, 1e9 + 10)
