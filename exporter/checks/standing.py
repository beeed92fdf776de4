"""The standing of the client that delivered a message: what blocklists say about its address."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from exporter.blocklists.blocklist import Blocklist
from exporter.blocklists.blocklists import Blocklists, unknown
from exporter.blocklists.names import Subject
from exporter.core.model import Listing
from exporter.core.timing.fairness import FairTimeout
from exporter.core.trace.run import Run

PATIENCE = 10.0  # seconds for all lists together
UNANSWERED = f"no answer within {PATIENCE:g} s"


class Standing:
    """Asks the lists of one module. They share their answers with all other checks."""

    def __init__(self, lists: Sequence[Blocklist], blocklists: Blocklists) -> None:
        self._lists = lists
        self._all = blocklists

    async def of(self, address: str, run: Run) -> list[Listing]:
        """The answers in the order of the lists. Never raises ProbeError: without an answer, the
        standing is unknown."""
        subject = Subject.of(address)
        lists = [one for one in self._lists if one.takes(subject.kind)]
        answers: dict[Blocklist, Listing] = {}

        async def look_up(one: Blocklist) -> None:
            answers[one] = await self._all.look_up(one, subject, run)

        patience = PATIENCE if run.session_timeout is None else min(PATIENCE, run.session_timeout)
        with suppress(TimeoutError):
            async with FairTimeout(patience, patience), asyncio.TaskGroup() as group:
                for one in lists:
                    group.create_task(look_up(one))
        return [answers.get(one) or unknown(one, subject, UNANSWERED) for one in lists]
