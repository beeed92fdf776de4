"""The self-test that a list must pass before it is queried (RFC 5782 section 5)."""

import asyncio

from exporter.blocklists.list_status import ListStatus
from exporter.blocklists.names import Subject
from exporter.blocklists.queries import ListQueries, Observer
from exporter.blocklists.verdict import Verdict
from exporter.config.types import SecretUnavailable
from exporter.core.model import ListState
from exporter.core.timing.clock import Clock

NO_ZONE = (
    "its zone does not exist (NXDOMAIN), and the list has no test entry: it was shut down, or the"
    " resolver hides it"
)


class SelfTest:
    """Runs the tests, when a list's status says that one is due."""

    def __init__(self, queries: ListQueries, clock: Clock) -> None:
        self._queries = queries
        self._clock = clock

    async def is_usable(self, status: ListStatus, within: float, observe: Observer) -> bool:
        """Whether the list passed its test within so many seconds. Concurrent callers share one
        test."""
        now = self._clock.monotonic()
        if now - status.tested < within:
            return True
        if status.is_paused(now):
            return False
        if not status.test or status.test.done():
            status.test = asyncio.create_task(self._test(status, observe))
        await asyncio.shield(status.test)
        return not status.why

    async def _test(self, status: ListStatus, observe: Observer) -> None:
        """RFC 5782 section 5: queries the entry that every list has, and the one that none may
        have. Without the first, the zone has to exist: a resolver that knows no name says of every
        list that it lists nothing."""
        listed, unlisted = status.blocklist.tests(status.kind)
        lacks_entry = False
        try:
            verdict = await self._verdict(status, unlisted, observe)
            why = _fault(unlisted, verdict, ListState.CLEAN)
            if listed and not why:
                verdict = await self._verdict(status, listed, observe)
                why = _fault(listed, verdict, ListState.LISTED)
                lacks_entry = verdict.state is ListState.CLEAN
            elif not why and not await self._queries.zone_exists(status):
                why = NO_ZONE
        except SecretUnavailable as error:
            why = str(error)
        if why:
            status.failed_test(why, self._clock.monotonic(), lacks_entry=lacks_entry)
        else:
            status.passed_test(self._clock.monotonic())

    async def _verdict(self, status: ListStatus, subject: Subject, observe: Observer) -> Verdict:
        return (await self._queries.verdict_on(status, subject, observe, testing=True)).verdict


def _fault(subject: Subject, verdict: Verdict, wanted: ListState) -> str:
    """The fault in a list's answer to a test; empty if it is correct."""
    if verdict.state is wanted:
        return ""
    if verdict.state is ListState.UNKNOWN:
        return verdict.why
    if wanted is ListState.CLEAN:
        return (
            f"it lists {subject.text}, which no list may list: it lists everything, or refuses"
            " our queries (RFC 5782 section 5)"
        )
    return (
        f"it does not list the test entry {subject.text}: it is empty or shut down (RFC 5782"
        " section 5)"
    )
