"""The only module that reads the clock."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """`monotonic` measures durations; `wall` is for people and for other machines. Tests pass their
    own."""

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time


def boot_id() -> str:
    """The boot id: monotonic times of one boot are comparable, also across restarts of mailtrip
    (Linux)."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""
