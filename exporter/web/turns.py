"""Turns, one at a time: clients take them in turn, so that a greedy client delays only itself."""

import asyncio
from collections import OrderedDict

Turn = asyncio.Future[None]
"""Done when the client's turn has come."""


class Turns:
    """Who waits for a turn, by client. Several clients may wait for the same one."""

    def __init__(self) -> None:
        self._queues: OrderedDict[str, dict[Turn, None]] = OrderedDict()
        self._clients: dict[Turn, set[str]] = {}
        self._busy = False

    def enqueue(self, client: str, turn: Turn) -> None:
        """Lets a client wait for this turn, or gives it at once if no client has one."""
        if turn.done():
            return
        self._queues.setdefault(client, {})[turn] = None
        self._clients.setdefault(turn, set()).add(client)
        if not self._busy:
            self._give()

    def forget(self, turn: Turn) -> None:
        """No client waits for this one any more."""
        for client in self._clients.pop(turn, ()):
            queue = self._queues[client]
            del queue[turn]
            if not queue:
                del self._queues[client]

    def end(self) -> None:
        """The turn is over that was given last."""
        self._busy = False
        if self._queues:
            self._give()

    def _give(self) -> None:
        client = next(iter(self._queues))
        turn = next(iter(self._queues[client]))
        self.forget(turn)
        if client in self._queues:
            self._queues.move_to_end(client)
        self._busy = True
        turn.set_result(None)
