"""Elapsed time, unaffected by changes of the wall clock."""

from exporter.core.timing.clock import Clock, boot_id
from exporter.state.trip import Moment


class PassedTime:
    """A wall clock that advances with the monotonic clock, also when the system clock is set."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._boot = boot_id()
        self._epoch = clock.wall() - clock.monotonic()

    def now(self) -> Moment:
        monotonic = self._clock.monotonic()
        return Moment(self._boot, monotonic, self._epoch + monotonic)
