"""Concurrent requests for the same answer share one."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from weakref import WeakValueDictionary

from exporter.metrics.text import Text
from exporter.web.bodies import Body


class Coalescer:
    """Makes one answer for all concurrent requests, never older than its request.

    Requests that arrive while an answer is being made share the next one. Long answers are made
    `one_at_a_time`, so that many requests of one client do not delay others. Short ones are not: in
    a busy event loop a queue of them would move by one in each turn.
    """

    def __init__(self, *, one_at_a_time: bool = False) -> None:
        self._next: dict[Hashable, asyncio.Task[Body]] = {}
        self._one_at_a_time = one_at_a_time
        self._locks = WeakValueDictionary[Hashable, asyncio.Lock]()

    async def get(
        self,
        key: Hashable,
        make: Callable[[], Awaitable[Text | str]],
        *,
        compressed: bool = False,
    ) -> Body:
        """`make` is called for the first request with this key. Raises what it raises. If it is
        `compressed`, this is a part of the work: else many requests could start many threads."""
        key = (key, compressed)
        task = self._next.get(key)
        if task is None:
            task = self._next[key] = asyncio.create_task(self._make(key, make, compressed))
        return await asyncio.shield(task)

    async def _make(
        self, key: Hashable, make: Callable[[], Awaitable[Text | str]], compressed: bool
    ) -> Body:
        lock = None if self._one_at_a_time else key
        async with self._locks.setdefault(lock, asyncio.Lock()):
            del self._next[key]  # requests that come from now on share the next one
            made = await make()
            body = Body(Text([made.encode()]) if isinstance(made, str) else made)
            if compressed:
                await body.compressed()
            return body
