"""An event loop that knows how long each of its turns took: in processor time of its thread, since
the machine may be busy with other work."""

import asyncio
import selectors
import time

LONGEST = 0.010  # seconds of a turn
ATTEMPTS = 4  # of which one must do: other causes of a long turn do not repeat


class TimedTurns(selectors.DefaultSelector):
    """A selector is asked once in each turn: what is between two questions is the turn."""

    def __init__(self) -> None:
        super().__init__()
        self.longest = 0.0  # seconds, since this was set to 0
        self._began = time.thread_time()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.longest = max(self.longest, time.thread_time() - self._began)
        ready = super().select(timeout)
        self._began = time.thread_time()
        return ready

    def loop(self) -> asyncio.AbstractEventLoop:
        """A new event loop over it."""
        return asyncio.SelectorEventLoop(self)
