"""Counts the calls of a function, as a profiler does: nothing is patched."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass
class Calls:
    count: int = 0


@contextmanager
def calls_of(function: Callable[..., object]) -> Iterator[Calls]:
    """Counts the calls in its block that this thread makes."""
    code, calls, before = function.__code__, Calls(), sys.getprofile()

    def profile(frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and frame.f_code is code:
            calls.count += 1

    sys.setprofile(profile)
    try:
        yield calls
    finally:
        sys.setprofile(before)
