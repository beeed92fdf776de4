"""Lists that are asked in a test, and a clock that the test moves on."""

import time
from dataclasses import dataclass, field
from typing import Any

from exporter.blocklists.blocklist import Blocklist
from exporter.blocklists.blocklists import Blocklists
from exporter.blocklists.list_status import Query
from exporter.blocklists.names import Subject
from exporter.blocklists.options import BlockListOptions
from exporter.core.model import Listing
from exporter.core.timing.clock import Clock
from exporter.core.trace.run import Run
from exporter.net.dns.resolver import Resolver


class Moving:
    """Time goes on as it does, and in leaps when the test says so."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self.late = 0.0  # seconds in each second

    def leap(self, seconds: float) -> None:
        self.ahead += seconds

    def clock(self) -> Clock:
        return Clock(
            monotonic=lambda: time.monotonic() + self.ahead,
            late=lambda since, until: (until - since) * self.late,
        )


def a_list(zone: str, *, domains: bool = False, **options: Any) -> Blocklist:
    return BlockListOptions.model_validate({"zone": zone, **options}).blocklist(domains=domains)


@dataclass
class BlocklistRig:
    """The program's lists, asked through a nameserver."""

    nameserver: str
    timeout: float = 5.0
    time: Moving = field(default_factory=Moving)
    queries: list[Query] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = self.time.clock()
        self.run = Run(self.clock)
        self.lists = Blocklists(
            Resolver([self.nameserver], self.timeout), self.clock, self.queries.append
        )

    async def look_up(self, blocklist: Blocklist, subject: str) -> Listing:
        return await self.lists.look_up(blocklist, Subject.of(subject), self.run)
