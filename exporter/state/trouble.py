"""Whether the disk accepts writes."""

import asyncio
import logging

log = logging.getLogger(__name__)

RETRY = 1.0  # seconds between two attempts while it does not


class DiskTrouble:
    """The current problem of the disk; empty while it accepts writes."""

    def __init__(self) -> None:
        self.words = ""
        self._refused: asyncio.Future[None] | None = None

    def __bool__(self) -> bool:
        return bool(self.words)

    def refusal(self) -> "asyncio.Future[None]":
        """A future that is done at the next refusal."""
        if self._refused is None or self._refused.done():
            self._refused = asyncio.get_running_loop().create_future()
        return self._refused

    def report_failure(self, words: str) -> None:
        if not self.words:
            log.error("the state could not be written: %s; retrying every %g s", words, RETRY)
        self.words = words
        if self._refused and not self._refused.done():
            self._refused.set_result(None)

    def report_success(self, written: int, dropped: int) -> None:
        """Reports how many changes were written, and how many were dropped because the queue was
        full."""
        if self.words:
            lost = f"; changes dropped: {dropped}" if dropped else ""
            log.warning("the state is writable again; delayed changes written: %d%s", written, lost)
        self.words = ""
