"""The blocklists, as the API describes them."""

from collections.abc import AsyncIterator, Sequence
from itertools import islice
from typing import Any

from aiohttp import web

from exporter.core.timing.fairness import in_turns
from exporter.metrics.text import Text
from exporter.probing.probes import ProbeTable
from exporter.web.api.frame import listed
from exporter.web.api.paging import Paging
from exporter.web.blocklist_status import BlocklistStatus, blocklist_statuses

AT_A_TIME = 10  # blocklists that are described at a time: a millisecond of work
MOST_LISTED = 100  # addresses and domains of a blocklist that are shown


class Blocklists:
    """Answers for the blocklists, in the order in which probes ask them."""

    def __init__(self, probes: ProbeTable) -> None:
        self._probes = probes

    async def get(self, request: web.Request) -> Text:
        paging, found = Paging.of(request), await blocklist_statuses(self._probes)
        following = paging.next_of(request) if len(found) > paging.end else None
        return await listed(_described(found[paging.offset : paging.end]), following)


async def _described(blocklists: Sequence[BlocklistStatus]) -> AsyncIterator[dict[str, Any]]:
    async for one in in_turns(blocklists, AT_A_TIME):
        yield {
            "name": one.name,
            "usable": one.trouble is None,
            "trouble": one.trouble,
            "unusable_since": one.since,
            "listed": list(islice(one.listed, MOST_LISTED)),
            "listings": [
                {"subject": subject, "since": since}
                for subject, since in islice(one.listed.items(), MOST_LISTED)
            ],
            "more_listed": max(len(one.listed) - MOST_LISTED, 0),
            "alarming": one.alarming,
        }
