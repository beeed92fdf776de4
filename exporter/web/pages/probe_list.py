"""The list of probes: which of them a page of the overview shows, and how many there are of each
state."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self
from urllib.parse import urlencode

from exporter.core.model import ProbeKey
from exporter.core.timing.fairness import in_turns
from exporter.probing.probe import Probe
from exporter.web.pages.probe_order import Order, ordered
from exporter.web.pages.styles import BAD, GOOD, PLAIN
from exporter.web.parameters import page_number, renews

PER_PAGE = 100
AT_A_TIME = 1000  # probes that are looked at before others have their turn: a millisecond of work
LONGEST_SEARCH = 320  # characters
PARAMETERS = ("search", "state", "order", "page", "refresh")


class State(StrEnum):
    """How the newest trip of a probe ended."""

    FAILED = "failed"
    OK = "ok"
    UNKNOWN = "unknown"  # no trip has finished yet

    @property
    def text(self) -> str:
        return _TEXTS[self]

    @property
    def style(self) -> str:
        """Its class in the style sheet."""
        return _STYLES[self]


_TEXTS = {State.FAILED: "failed", State.OK: "OK", State.UNKNOWN: "without a result yet"}
_STYLES = {State.FAILED: BAD, State.OK: GOOD, State.UNKNOWN: PLAIN}


@dataclass(frozen=True, slots=True)
class Query:
    """A part of the list, as in the address of the page, so that a link to it lasts."""

    search: str = ""
    state: State | None = None  # None: all
    page: int = 1
    order: Order = Order.STATE
    refresh: bool = True  # the page renews itself

    @classmethod
    def parse(cls, parameters: Mapping[str, str]) -> Self:
        """The query of an address. Ignores empty parameters, as a form sends them. Raises
        ValueError."""
        search, state, order, page, refresh = (
            parameters.get(name, "").strip() for name in PARAMETERS
        )
        if len(search) > LONGEST_SEARCH:
            raise ValueError(f"search is longer than {LONGEST_SEARCH} characters")
        if state and state not in [*State]:
            raise ValueError(f"unknown state {state!r}; use {', '.join(State)}")
        if order and order not in [*Order]:
            raise ValueError(f"unknown order {order!r}; use {', '.join(Order)}")
        return cls(
            search,
            State(state) if state else None,
            page_number(page),
            Order(order or Order.STATE),
            renews(refresh),
        )

    def of_state(self, state: State | None) -> "Query":
        """The first page of probes of this state, with the same search."""
        return replace(self, state=state, page=1)

    def in_order(self, order: Order) -> "Query":
        """The first page of the same probes in another order."""
        return replace(self, order=order, page=1)

    def at(self, page: int) -> "Query":
        """Another page of the same probes."""
        return replace(self, page=page)

    @property
    def paused(self) -> "Query":
        """The same page, which does not renew itself."""
        return replace(self, refresh=False)

    @property
    def resumed(self) -> "Query":
        """The same page, which renews itself."""
        return replace(self, refresh=True)

    @property
    def everything(self) -> "Query":
        """The first page of all probes, in the usual order."""
        return Query(refresh=self.refresh)

    @property
    def is_filtered(self) -> bool:
        """Whether it leaves out probes."""
        return bool(self.search or self.state)

    @property
    def words(self) -> tuple[str, ...]:
        """What is searched for, each word once."""
        return tuple(dict.fromkeys(self.search.lower().split()))

    @property
    def link(self) -> str:
        """The address, relative to that of the overview."""
        stated = {"search": self.search, "state": self.state or ""}
        stated["order"] = self.order if self.order is not Order.STATE else ""
        stated["page"] = str(self.page) if self.page > 1 else ""
        stated["refresh"] = "" if self.refresh else "off"
        query = urlencode({name: value for name, value in stated.items() if value})
        return f"?{query}" if query else "./"


@dataclass(frozen=True, slots=True)
class ProbePage:
    """One page of the list."""

    query: Query  # with the number of a page that exists
    probes: list[Probe]
    pages: int
    counts: Mapping[State, int]  # of the probes that the search finds
    known: int  # all probes

    @property
    def found(self) -> int:
        """The probes that the search finds, in any state."""
        return sum(self.counts.values())

    @property
    def numbers(self) -> list[int | None]:
        """The pages to link to; None for a gap."""
        return page_numbers(self.query.page, self.pages)


def page_numbers(here: int, pages: int) -> list[int | None]:
    """The pages to link to: the first, the last, and those beside this one; None for a gap."""
    numbers = list[int | None]()
    near = range(max(here - 2, 1), min(here + 2, pages) + 1)
    for number in sorted({1, *near, pages}):
        if numbers and numbers[-1] != number - 1:
            numbers.append(None)
        numbers.append(number)
    return numbers


async def page_of(
    probes: Iterable[Probe],
    query: Query,
    availabilities: Mapping[ProbeKey, float] | None = None,
) -> ProbePage:
    """The page that is asked for, or the last one if there are not as many. `availabilities` are
    those of the probes with outages, for the order."""
    words = query.words
    counts: dict[State, int] = dict.fromkeys(State, 0)
    found: list[Probe] = []
    known = 0
    async for probe in in_turns(probes, AT_A_TIME):
        known += 1
        if words and not matches(probe, words):
            continue
        state = state_of(probe)
        counts[state] += 1
        if query.state in (None, state):
            found.append(probe)
    pages = max(-(-len(found) // PER_PAGE), 1)
    page = min(query.page, pages)
    first = await ordered(found, query.order, page * PER_PAGE, availabilities)
    return ProbePage(query.at(page), first[(page - 1) * PER_PAGE :], pages, counts, known)


def state_of(probe: Probe) -> State:
    if probe.newest is None:
        return State.UNKNOWN
    return State.FAILED if probe.newest.failure else State.OK


def matches(probe: Probe, words: Iterable[str]) -> bool:
    """Whether all words are in the probe's name, module, target or mailbox, or in its failure."""
    failure = str(probe.newest.failure) if probe.newest and probe.newest.failure else ""
    texts = probe.name or "", probe.key.module, probe.key.target, probe.mailbox, failure
    text = "\n".join(texts).lower()
    return all(word in text for word in words)
