"""The only module that reads the clock."""

import time
from collections.abc import Callable
from dataclasses import dataclass


def _never_late(since: float, until: float) -> float:
    return 0.0


@dataclass(frozen=True, slots=True)
class Clock:
    """`monotonic` measures durations; `wall` is for people and for other machines. `late` returns
    the seconds by which this process was late between two monotonic times (`Lateness`);
    `processor` the processor time that this thread has used. Tests pass their own."""

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    late: Callable[[float, float], float] = _never_late
    processor: Callable[[], float] = time.thread_time

    def late_since(self, moment: float) -> float:
        """The seconds by which this process was late since that monotonic time."""
        return self.late(moment, self.monotonic())


def boot_id() -> str:
    """The boot id: monotonic times of one boot are comparable, also across restarts of mailtrip
    (Linux)."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""
