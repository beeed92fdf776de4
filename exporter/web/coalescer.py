"""Concurrent requests for the same answer share one."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from weakref import WeakValueDictionary

from exporter.metrics.text import Text
from exporter.web.bodies import Body
from exporter.web.turns import Turn, Turns


class _Answer:
    """An answer that waits for its turn, and how many requests wait for it."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.turn: Turn = asyncio.get_running_loop().create_future()
        self.requests = 0


class Coalescer:
    """Makes one answer for all concurrent requests, never older than its request.

    Requests that arrive while an answer is being made share the next one. Long answers are made
    `one_at_a_time`, for each client in turn, so that many requests of one client do not delay
    others. Short ones are not: in a busy event loop a queue of them would move by one in each turn.
    An answer is not made if no client waits for it any more when its turn comes.
    """

    def __init__(self, *, one_at_a_time: bool = False) -> None:
        self._next: dict[Hashable, tuple[_Answer, asyncio.Task[Body]]] = {}
        self._one_at_a_time = one_at_a_time
        self._turns = WeakValueDictionary[Hashable, Turns]()

    async def get(
        self,
        key: Hashable,
        make: Callable[[], Awaitable[Text | str]],
        *,
        compressed: bool = False,
        client: str = "",
    ) -> Body:
        """`make` is called for the first request with this key. Raises what it raises. If it is
        `compressed`, this is a part of the work: else many requests could start many threads."""
        key = (key, compressed)
        if key not in self._next:
            turns = self._turns.setdefault(None if self._one_at_a_time else key, Turns())
            answer = _Answer(turns)
            task = asyncio.create_task(self._make(key, answer, make, compressed))
            self._next[key] = answer, task
        answer, task = self._next[key]
        answer.turns.enqueue(client, answer.turn)
        answer.requests += 1
        try:
            return await asyncio.shield(task)
        finally:
            answer.requests -= 1
            if not (answer.requests or answer.turn.done()):
                answer.turns.forget(answer.turn)
                del self._next[key]
                task.cancel()

    async def _make(
        self,
        key: Hashable,
        answer: _Answer,
        make: Callable[[], Awaitable[Text | str]],
        compressed: bool,
    ) -> Body:
        await answer.turn
        try:
            del self._next[key]  # requests that come from now on share the next one
            made = await make()
            body = Body(Text([made.encode()]) if isinstance(made, str) else made)
            if compressed:
                await body.compressed()
            return body
        finally:
            answer.turns.end()
