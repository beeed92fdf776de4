"""Ends the sleep of a task.

To await an `asyncio.Event` or something else takes two more tasks, for every poll of a mailbox.
"""

import asyncio


class Wake:
    """For one sleeper. Once it is set, sleeps end at once until it is cleared."""

    __slots__ = ("_set", "_sleeper")

    def __init__(self) -> None:
        self._set = False
        self._sleeper: asyncio.Future[None] | None = None

    def set(self) -> None:
        self._set = True
        self.ring()

    def clear(self) -> None:
        self._set = False

    def is_set(self) -> bool:
        return self._set

    def ring(self) -> None:
        """Ends the sleep in progress, if there is one."""
        if self._sleeper and not self._sleeper.done():
            self._sleeper.set_result(None)

    async def sleep(self, seconds: float) -> None:
        """Returns after that time, or earlier when it is set or rung. Other tasks run in any
        case."""
        loop = asyncio.get_running_loop()
        self._sleeper = loop.create_future()
        timer = loop.call_later(0 if self._set else seconds, self.ring)
        try:
            await self._sleeper
        finally:
            timer.cancel()
            self._sleeper = None
