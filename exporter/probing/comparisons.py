"""Compares a trip that failed, or that went another way, with the good trips before it: after its
verdict, beside other trips, a few at a time."""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from exporter.checks.check import MailCheck
from exporter.core.comparison.circumstances import Aspect, Circumstances, What, circumstances_of
from exporter.core.comparison.comparison import GoodTrip, compare
from exporter.core.comparison.words import sentence
from exporter.core.facts import Changes
from exporter.core.logs import about
from exporter.core.model import Outcome, ProbeKey
from exporter.core.reasons import Trait
from exporter.core.timing.clock import Clock
from exporter.probing.bugs import contained
from exporter.probing.on_the_spot import OnTheSpot
from exporter.probing.probe import Probe
from exporter.state.schema import StateUnusable

log = logging.getLogger(__name__)

AT_ONCE = 4
MOST_WAITING = 200  # more are not compared: then much more fails than a mail server
QUIET = 3600.0  # seconds without a comparison of a good trip, after one without a result


class Records(Protocol):
    async def good_trips(self, probe: ProbeKey, but: str) -> list[GoodTrip]: ...

    def keep_changes(self, trip_id: str, probe: ProbeKey, found: Changes) -> None: ...


class Comparisons:
    """Finds out what changed, once in an outage and for each failure of another kind in it."""

    def __init__(self, kept: Records, spot: OnTheSpot, clock: Clock) -> None:
        self._records = kept
        self._spot = spot
        self._clock = clock
        self._waiting: deque[tuple[Probe, Outcome]] = deque()
        self._running: set[asyncio.Task[None]] = set()

    def finished(self, probe: Probe, outcome: Outcome) -> None:
        """Takes a finished trip, and returns at once."""
        if not isinstance(probe.check, MailCheck) or not self._note(probe, outcome):
            return
        if len(self._waiting) < MOST_WAITING:
            self._waiting.append((probe, outcome))
            probe.compared.add(outcome.trip)
            if len(self._running) < AT_ONCE:
                task = asyncio.create_task(self._work(), name="comparing trips")
                self._running.add(task)
                task.add_done_callback(self._running.discard)

    def _note(self, probe: Probe, outcome: Outcome) -> bool:
        """Remembers how a trip went. True if it is worth comparing."""
        if outcome.failure:
            ours = Trait.OURS in outcome.failure.reason.traits
            return not ours and probe.way.note_failure(outcome)
        is_new = probe.way.note_good_trip(outcome.facts)
        return is_new and self._clock.monotonic() >= probe.way.quiet_until

    async def _work(self) -> None:
        while self._waiting:
            probe, outcome = self._waiting.popleft()
            with contained(outcome.trip, probe.key):
                await self._explain(probe, outcome)
            probe.compared.discard(outcome.trip)

    async def _explain(self, probe: Probe, outcome: Outcome) -> None:
        try:
            before = await self._records.good_trips(probe.key, outcome.trip)
        except StateUnusable as error:
            log.warning("trip %s is not compared: %s", outcome.trip, error)
            return
        lists = not probe.way.lists_asked
        found = await self.compare(outcome, before, lists=lists, signed_by=probe.signed_by)
        if found is None or (outcome.success and not found.changes):
            probe.way.quiet_until = self._clock.monotonic() + QUIET
            return
        if outcome.failure:
            probe.way.lists_asked = True
            probe.way.explain(outcome, found)
        self._records.keep_changes(outcome.trip, probe.key, found)
        probe.learn(outcome.trip, found)
        if words := sentence(found):
            log.log(
                logging.WARNING if outcome.failure else logging.INFO,
                "trip %s of %s: %s",
                outcome.trip,
                probe.key,
                words,
                extra=about(outcome.trip, probe.key),
            )

    async def compare(
        self,
        outcome: Outcome,
        before: Sequence[GoodTrip],
        *,
        lists: bool = True,
        signed_by: str = "",
    ) -> Changes | None:
        """What changed since the good trips, of which the newest is first; None if there is none.
        After a failure, what the trip did not come to see is queried; with `lists`, also the
        blocklists, as after a change of the leaving address. `signed_by` is the name of our own
        key."""
        if not before:
            return None
        now: Circumstances = circumstances_of(outcome.facts)
        if outcome.failure:
            now = {**_own_selector(signed_by, before), **now}
            now = await self._spot.complete(now, before[0].circumstances)
        found = compare(now, before)
        if found is None:
            return None
        moved = any(one.what == What.LEFT_FROM for one in found.changes)
        address = _leaving_address(now, before[0].circumstances)
        if address and (moved or (lists and outcome.failure)):
            listed, others = await self._spot.listings(address, found.good_trip_at)
            found = replace(found, changes=(*listed, *found.changes), listed=tuple(others))
        return found

    async def close(self) -> None:
        """Ends those in progress."""
        self._waiting.clear()
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)


def _leaving_address(now: Circumstances, before: Circumstances) -> str:
    """The address that the mail leaves from. A trip that failed early shows it only if we are the
    ones who leave from it."""
    left = Aspect(What.LEFT_FROM)
    known = before.get(left, frozenset())
    seen = [(values, before.get(one)) for one, values in now.items() if one.what is What.SEEN_AS]
    ours = [values for values, earlier in seen if not known or earlier == known]
    found = now.get(left) or next(iter(ours), None) or known
    return min(found, default="")


def _own_selector(signed_by: str, before: Sequence[GoodTrip]) -> Circumstances:
    """The selector of our own key, if it is a new one: a message that was refused was not seen with
    its signature. Others may sign for the same domain, too, and do not count here."""
    selector, _, domain = signed_by.lower().partition("._domainkey.")
    aspect = Aspect(What.SELECTOR, domain)
    known = frozenset[str]().union(*(one.circumstances.get(aspect, ()) for one in before))
    return {aspect: frozenset({selector})} if len(known) == 1 and selector not in known else {}
