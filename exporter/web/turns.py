"""Work that clients wait for, one piece at a time: bounded, and in turns, so that a greedy client
waits for itself."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager


class Busy(Exception):
    """So many wait already that there is no place."""


class Place:
    """A piece of work, which several may wait for who ask for the same."""

    def __init__(self, client: str, work: Callable[[], bool]) -> None:
        self.client = client
        self.work = work
        self.answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.people = 0


class WaitingRoom:
    """At most `most` pieces of work wait, and `most_of_one` of one client."""

    def __init__(self, most: int, most_of_one: int) -> None:
        self._most, self._most_of_one = most, most_of_one
        self._places: dict[Hashable, Place] = {}  # those that wait, and the one that is worked on
        # Of those that wait, by client.
        self._queues: OrderedDict[str, list[Hashable]] = OrderedDict()

    @asynccontextmanager
    async def place(
        self, what: Hashable, client: str, work: Callable[[], bool]
    ) -> AsyncIterator["asyncio.Future[bool]"]:
        """The answer of `work`, which is not done if nobody waits for it any more. Raises Busy."""
        if what not in self._places:
            self._make_room(client)
            self._places[what] = Place(client, work)
            self._queues.setdefault(client, []).append(what)
        place = self._places[what]
        place.people += 1
        try:
            yield place.answer
        finally:
            place.people -= 1
            if not place.people and what in self._queues.get(place.client, ()):
                self._leave(what)

    def _make_room(self, client: str) -> None:
        """Who has nothing here gets the last place of who has the most."""
        if len(self._queues.get(client, ())) >= self._most_of_one:
            raise Busy
        if sum(map(len, self._queues.values())) < self._most:
            return
        greediest = max(self._queues.values(), key=len)
        if client in self._queues or len(greediest) < 2:
            raise Busy
        self._leave(greediest[-1]).set_exception(Busy())

    def _leave(self, what: Hashable) -> "asyncio.Future[bool]":
        place = self._places.pop(what)
        queue = self._queues[place.client]
        queue.remove(what)
        if not queue:
            del self._queues[place.client]
        return place.answer

    async def work(self, do: Callable[[Callable[[], bool]], "asyncio.Future[bool]"]) -> None:
        """Until nobody waits: one piece of a client, then one of the next. `do` begins with a
        piece."""
        while self._queues:
            client, queue = self._queues.popitem(last=False)
            what = queue.pop(0)
            if queue:
                self._queues[client] = queue  # now the last one
            try:
                answer: bool | Exception = await do(self._places[what].work)
            except Exception as error:
                answer = error
            settled = self._places.pop(what).answer
            if isinstance(answer, Exception):
                settled.set_exception(answer)
            else:
                settled.set_result(answer)
