"""What fails, at a glance: how many probes, and for which causes."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from exporter.core.availability.maintenance import Maintenance
from exporter.core.comparison.words import failure_in_words
from exporter.core.model import Failure, Outcome
from exporter.core.phases import Leg
from exporter.core.reasons import Reason
from exporter.core.timing.fairness import in_turns
from exporter.probing.probe import Probe
from exporter.web.pages import documentation
from exporter.web.pages.probe_link import ProbeLink
from exporter.web.pages.probe_list import Query, State, state_of

MOST_CAUSES = 5  # that are shown
MOST_NAMES = 3  # of probes that one cause shows
AT_A_TIME = 200  # probes that are looked at before others have their turn: a millisecond of work


class Common(NamedTuple):
    """What probes have in common that fail for one cause."""

    reason: Reason
    leg: Leg | None
    place: str  # the mailbox, or the module


@dataclass(slots=True)
class Cause:
    """Probes that fail for one cause. Moments in seconds since the epoch."""

    common: Common
    mailbox: bool  # whether its place is a mailbox
    newest: Outcome  # of their newest trips, the one that started last
    since: float  # when the first of them began to fail
    probes: int = 0
    named: list[ProbeLink] = field(default_factory=list)  # some of them

    @property
    def failure(self) -> Failure:
        failure = self.newest.failure
        assert failure  # noqa: S101 - else it is no cause
        return failure

    @property
    def words(self) -> str:
        """The failure, and what changed."""
        return failure_in_words(self.newest)

    @property
    def first_step(self) -> str:
        return self.common.reason.first_step

    @property
    def runbook(self) -> str:
        """The place in the documentation that says what to do."""
        return documentation.runbook(self.common.reason)

    @property
    def query(self) -> Query:
        """A list with these probes."""
        return Query(f"{self.common.place} {self.common.reason}", State.FAILED)


@dataclass(slots=True)
class Failing:
    """How many probes there are, and which of them fail."""

    counts: Counter[State] = field(default_factory=Counter)
    planned: int = 0  # failed ones in a window of maintenance: they are not of interest now
    causes: list[Cause] = field(default_factory=list)  # the most important ones
    more: int = 0  # other causes

    @property
    def known(self) -> int:
        return self.counts.total()

    @property
    def unplanned(self) -> int:
        """Probes that fail without being in a window of maintenance."""
        return self.counts[State.FAILED] - self.planned

    @property
    def headline(self) -> str:
        """The state of everything, in one sentence."""
        if not self.known:
            return "There are no probes yet"
        if self.unplanned and self.known == 1:
            return "The probe is failing"
        if self.unplanned:
            verb = "is" if self.unplanned == 1 else "are"
            return f"{self.unplanned:,} of {self.known:,} probes {verb} failing"
        if not self.counts[State.OK]:
            return "No trip has finished yet" if not self.planned else "No probe is OK"
        whole = self.counts[State.OK] == self.known
        if whole:
            return "The probe is OK" if self.known == 1 else f"All {self.known:,} probes are OK"
        return f"No failure; {self.counts[State.OK]:,} of {self.known:,} probes are OK"


async def failing_now(
    probes: Iterable[Probe],
    maintenance: Maintenance,
    now: float,
    troubles: Mapping[str, float] | None = None,
) -> Failing:
    """The state of all probes at Unix time `now`: causes with many probes first. `troubles` are the
    mailboxes that fail, and since when: a probe may have failed before, for another cause."""
    found, causes = Failing(), dict[Common, Cause]()
    async for probe in in_turns(probes, AT_A_TIME):
        found.counts[state_of(probe)] += 1
        if not (probe.newest and probe.newest.failure):
            continue
        if maintenance.lasts(probe.called, now):
            found.planned += 1
        else:
            _add(causes, probe, probe.newest, probe.newest.failure, troubles or {})
    sorted_causes = sorted(causes.values(), key=lambda one: (-one.probes, one.since))
    found.causes, found.more = sorted_causes[:MOST_CAUSES], len(sorted_causes[MOST_CAUSES:])
    return found


def _add(
    causes: dict[Common, Cause],
    probe: Probe,
    newest: Outcome,
    failure: Failure,
    troubles: Mapping[str, float],
) -> None:
    leg = failure.reason.blames(failure.phase)
    at_mailbox = bool(leg is Leg.MAILBOX and probe.mailbox)
    common = Common(failure.reason, leg, probe.mailbox if at_mailbox else probe.key.module)
    lasting = probe.outages.lasting
    since = lasting.start if lasting else newest.started_at
    if at_mailbox:
        since = troubles.get(probe.mailbox, since)
    cause = causes.setdefault(common, Cause(common, at_mailbox, newest, since))
    cause.probes += 1
    cause.since = min(cause.since, since)
    if newest.started_at > cause.newest.started_at:
        cause.newest = newest
    if len(cause.named) < MOST_NAMES:
        cause.named.append(ProbeLink.to(probe))
