"""A bounded job queue in which clients take turns, so that a greedy client delays only itself."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager


class QueueFull(Exception):
    """Too many jobs are waiting already."""


class Job:
    """A job; several requests may wait for it."""

    def __init__(self, client: str, work: Callable[[], bool]) -> None:
        self.client = client
        self.work = work
        self.result: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.waiters = 0


class FairQueue:
    """Holds at most `limit` jobs, and `limit_per_client` of one client."""

    def __init__(self, limit: int, limit_per_client: int) -> None:
        self._limit, self._limit_per_client = limit, limit_per_client
        self._jobs: dict[Hashable, Job] = {}  # those that wait, and the one that is being done
        # The keys of those that wait, by client.
        self._queues: OrderedDict[str, list[Hashable]] = OrderedDict()

    @asynccontextmanager
    async def job(
        self, key: Hashable, client: str, work: Callable[[], bool]
    ) -> AsyncIterator["asyncio.Future[bool]"]:
        """The result of `work`, which is skipped if no client waits for it any more. Raises
        QueueFull."""
        if key not in self._jobs:
            self._make_room(client)
            self._jobs[key] = Job(client, work)
            self._queues.setdefault(client, []).append(key)
        job = self._jobs[key]
        job.waiters += 1
        try:
            yield job.result
        finally:
            job.waiters -= 1
            if not job.waiters and key in self._queues.get(job.client, ()):
                self._remove(key)

    def _make_room(self, client: str) -> None:
        """A client without a job gets the last place of the client that has the most."""
        if len(self._queues.get(client, ())) >= self._limit_per_client:
            raise QueueFull
        if sum(map(len, self._queues.values())) < self._limit:
            return
        longest = max(self._queues.values(), key=len)
        if client in self._queues or len(longest) < 2:
            raise QueueFull
        self._remove(longest[-1]).set_exception(QueueFull())

    def _remove(self, key: Hashable) -> "asyncio.Future[bool]":
        job = self._jobs.pop(key)
        queue = self._queues[job.client]
        queue.remove(key)
        if not queue:
            del self._queues[job.client]
        return job.result

    async def run(self, start: Callable[[Callable[[], bool]], "asyncio.Future[bool]"]) -> None:
        """Runs jobs until none is left, one per client in turn. `start` starts the work of one."""
        while self._queues:
            client, queue = self._queues.popitem(last=False)
            key = queue.pop(0)
            if queue:
                self._queues[client] = queue  # now the last one
            try:
                outcome: bool | Exception = await start(self._jobs[key].work)
            except Exception as error:
                outcome = error
            result = self._jobs.pop(key).result
            if isinstance(outcome, Exception):
                result.set_exception(outcome)
            else:
                result.set_result(outcome)
