"""The mailboxes, as the API describes them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from aiohttp import web

from exporter.core.timing.fairness import in_turns
from exporter.mailboxes.watcher.watcher import Watcher
from exporter.metrics.text import Text
from exporter.web.api.frame import listed
from exporter.web.api.paging import Paging

AT_A_TIME = 50  # mailboxes that are described at a time: a millisecond of work


class Mailboxes:
    """Answers for the mailboxes, in the order of the configuration."""

    def __init__(self, watchers: Mapping[str, Watcher]) -> None:
        self._watchers = watchers

    async def get(self, request: web.Request) -> Text:
        paging, watchers = Paging.of(request), list(self._watchers.values())
        following = paging.next_of(request) if len(watchers) > paging.end else None
        return await listed(_described(watchers[paging.offset : paging.end]), following)


async def _described(watchers: Sequence[Watcher]) -> AsyncIterator[dict[str, Any]]:
    async for watcher in in_turns(watchers, AT_A_TIME):
        statistics, trouble = watcher.statistics, watcher.trouble
        yield {
            "name": watcher.name,
            "trouble": str(trouble) if trouble else None,
            "failing_since": trouble.since if trouble else None,
            "last_attempt_at": trouble.at_wall if trouble else None,
            "next_attempt_at": trouble.next_at_wall if trouble else None,
            "connected_since": None if trouble else watcher.connected_since,
            "waiting": watcher.waiting,
            "messages": statistics.messages,
            "deleted": statistics.deleted,
            "reconnects": statistics.reconnects,
        }
