"""The rows of the overview: one for each probe and blocklist."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from exporter.core.availability.downtime import DAY, MONTH, Downtime
from exporter.core.availability.maintenance import Maintenance, Planned
from exporter.core.availability.outage import Outage
from exporter.core.facts import WHY_UNMEASURED, Arrival
from exporter.core.model import Listing, ListState, Outcome, ProbeKey
from exporter.core.timing.durations import duration
from exporter.core.timing.fairness import in_turns
from exporter.probing.probe import Probe
from exporter.web.blocklist_status import BlocklistStatus, blocklist_statuses
from exporter.web.pages.probe_link import probe_query
from exporter.web.pages.sparkline import Sparkline, sparkline
from exporter.web.pages.styles import BAD, GOOD, PLAIN

SPANS = {"24 h": DAY, "30 days": MONTH}
ROWS = 50  # that are read at a time: a millisecond of work
MOST_LISTED = 20  # addresses and domains of a blocklist that are shown


@dataclass(frozen=True, slots=True)
class ProbeRow:
    """A probe, and how its newest trip ended."""

    name: str
    module: str
    target: str
    query: str  # of the page with its trips
    state: str
    word: str
    text: str
    newest: Outcome | None
    flights: tuple[str, ...]
    sparkline: Sparkline | None
    outage: Outage | None  # that lasts
    planned: Planned | None  # a window of maintenance that lasts
    availability: tuple[float | None, ...]  # in each of the SPANS; empty if it is unknown


@dataclass(frozen=True, slots=True)
class BlocklistRow:
    """A blocklist, whether it is usable, and what it lists."""

    name: str
    state: str
    word: str
    since: float | None  # when it became unusable, in seconds since the epoch
    text: str
    listed: tuple[tuple[str, float | None], ...]  # some of them, and since when
    if_none: str  # the text if it lists nothing
    more: int = 0  # others that it lists

    @property
    def is_unusable(self) -> bool:
        return self.state == PLAIN


async def probe_rows(
    probes: Iterable[Probe],
    maintenance: Maintenance,
    downtimes: Mapping[ProbeKey, Sequence[Downtime]],
    now: float,
) -> list[ProbeRow]:
    """The rows at Unix time `now`, in the order of the probes."""
    return [
        _probe_row(probe, maintenance, downtimes.get(probe.key, ()), now)
        async for probe in in_turns(probes, ROWS)
    ]


def _probe_row(
    probe: Probe, maintenance: Maintenance, downtimes: Sequence[Downtime], now: float
) -> ProbeRow:
    module, target = probe.key.module, probe.key.target
    state, word, text = PLAIN, "", "no trip has finished yet"
    if probe.newest and probe.newest.failure:
        state, word, text = BAD, "failed", str(probe.newest.failure)
    elif probe.newest:
        state, word, text = GOOD, "OK", in_words(probe.newest)
    return ProbeRow(
        probe.name or target,
        module,
        target,
        probe_query(probe.key),
        state,
        word,
        text,
        probe.newest,
        tuple(probe.flights),
        sparkline([*probe.history]),
        probe.outages.lasting,
        next(
            (one for one in maintenance.planned(probe.called, now) if one.occurrence.lasts(now)),
            None,
        ),
        tuple(one.availability for one in downtimes),
    )


def in_words(outcome: Outcome) -> str:
    """A success in words: the message is back, or a filter did what was expected, or the target is
    not listed."""
    arrival = next((fact for fact in outcome.facts if isinstance(fact, Arrival)), None)
    test = outcome.filter_test
    if arrival:
        back = _back(arrival)
        return f"{test.met}; {back}" if test and outcome.success else back
    if outcome.heartbeat:
        return str(outcome.heartbeat)
    listings = [fact for fact in outcome.facts if isinstance(fact, Listing)]
    if not listings:
        met = test.met if test else "refused as expected"
        return f"{met}, {duration(outcome.duration)}"
    asked = {
        one.blocklist for one in listings if one.alarming and one.state is not ListState.UNKNOWN
    }
    return f"not listed on any of {len(asked)} blocklists"


def _back(arrival: Arrival) -> str:
    """The two measured durations. The total duration is less useful: it includes mailtrip's own
    waits."""
    if arrival.round_trip is None:
        return f"received; delay unknown: {WHY_UNMEASURED}"
    delay = (
        "delivery delay unknown"
        if arrival.delay is None
        else f"delivery delay {duration(arrival.delay)}"
    )
    return f"round trip {duration(arrival.round_trip)}, {delay}"


async def blocklist_rows(probes: Iterable[Probe]) -> list[BlocklistRow]:
    """The rows, from the newest answers of every probe. An unusable list has no listings."""
    return [_blocklist_row(one) for one in await blocklist_statuses(probes)]


def _blocklist_row(one: BlocklistStatus) -> BlocklistRow:
    shown = tuple(islice(one.listed.items(), MOST_LISTED))
    more = len(one.listed) - len(shown)
    if one.trouble is not None:
        text, if_none = f": {one.trouble}", "unknown"
        return BlocklistRow(one.name, PLAIN, "unusable", one.since, text, shown, if_none, more)
    state = BAD if one.listed and one.alarming else GOOD
    text = "" if one.alarming else "; a listing is not a failure"
    return BlocklistRow(one.name, state, "usable", None, text, shown, "not listed", more)
