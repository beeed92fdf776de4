"""Callbacks that report the result of a change."""

import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)

Tell = Callable[[str], None]
"""Is called once: with "" when a change is on the disk, else with why it is not. Perhaps by another
thread."""


class Once:
    """Reports only the first call, also of two threads."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._first = threading.Lock()

    def __call__(self, why: str) -> None:
        if self._first.acquire(blocking=False):
            try:
                self._tell(why)
            except Exception:
                log.exception("a bug in mailtrip")


def words_of(problem: BaseException) -> str:
    return str(problem) or type(problem).__name__
