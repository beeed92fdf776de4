"""The progress of a request on a connection, and its time limits."""

import asyncio
from collections.abc import Callable
from enum import Enum, auto

from exporter.metrics.text import Text


class State(Enum):
    """The state of a connection; if there are too many, an earlier state in this list is dropped
    first."""

    NEW = auto()  # no request has passed the middleware yet
    STALLED = auto()  # the client does not read its response
    IDLE = auto()  # it has had a response, and waits, as a connection that Prometheus keeps
    ANSWERING = auto()  # its request is being handled


class Progress:
    """The state of one connection, and its time limits. `drop` ends the connection; a client that
    reads nothing of its response is dropped after `stalled` seconds."""

    def __init__(self, drop: Callable[[], None], stalled: float) -> None:
        self.answer = Text()  # that the client has to read
        self.since = 0.0  # when that began, by the clock of the event loop
        self._drop = drop
        self._stalled_limit = stalled
        self._was_answered = False
        self._answering = False
        self._timer: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None

    @property
    def state(self) -> State:
        if self._stalled:
            return State.STALLED
        if self._answering:
            return State.ANSWERING
        return State.IDLE if self._was_answered else State.NEW

    def expect_request(self, timeout: float) -> None:
        """Starts the time limit for a request, until its header has arrived and passed the
        middleware."""
        self._answering, self.answer = False, Text()
        self._drop_after(timeout)

    def answer_request(self) -> None:
        """Stops the time limit while the request is handled."""
        self._answering = self._was_answered = True
        self._cancel()

    def expect_reading(self, answer: Text, timeout: float) -> None:
        """Starts the time limit for the client to read this."""
        self.answer, self.since = answer, asyncio.get_running_loop().time()
        self._drop_after(timeout)

    def stall(self) -> None:
        """The client does not read."""
        self._stalled = asyncio.get_running_loop().call_later(self._stalled_limit, self._drop)

    def unstall(self) -> None:
        """The client reads again."""
        if self._stalled:
            self._stalled.cancel()
        self._stalled = None

    def end(self) -> None:
        """The connection is closed."""
        self._cancel()
        self.unstall()
        self.answer = Text()

    def _drop_after(self, seconds: float) -> None:
        self._cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._drop)

    def _cancel(self) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = None
