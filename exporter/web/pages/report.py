"""The account of a month, as a page."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import merge
from itertools import islice
from typing import Self
from urllib.parse import urlencode

from exporter.core.availability.account import Month, ProbeAccount
from exporter.core.availability.account_output import (
    QUANTILES,
    Name,
    Watched,
    called,
    in_words,
    percent,
)
from exporter.core.timing.fairness import in_turns
from exporter.state.outages import KEPT_FOR
from exporter.web.pages.outages import OutageView
from exporter.web.pages.probe_link import probe_query
from exporter.web.pages.probe_list import page_numbers
from exporter.web.parameters import page_number

PER_PAGE = 100  # probes
MOST_OUTAGES = 200  # of these, on one page
AT_A_TIME = 1000  # accounts: a millisecond of work
FORMATS = ("", "csv", "json")
PARAMETERS = ("month", "page", "format")
FIGURES = {"quantiles": QUANTILES, "percent": percent, "in_words": in_words}
"""What the templates need beside the accounts."""


@dataclass(frozen=True, slots=True)
class ReportQuery:
    """A month, and a page of its probes, as in the address."""

    month: Month
    page: int = 1
    format: str = ""  # one of FORMATS; empty for the page

    @classmethod
    def parse(cls, parameters: Mapping[str, str], now: float) -> Self:
        """The query of an address; of the current month by default. Raises ValueError."""
        month, page, wanted = (parameters.get(name, "").strip() for name in PARAMETERS)
        if wanted not in FORMATS:
            raise ValueError(f"unknown format {wanted!r}; use csv or json, or leave it out")
        return cls(Month.asked(month, now), page_number(page), wanted)

    @property
    def link(self) -> str:
        """The address, relative to that of the start page."""
        stated = {"month": str(self.month)} | ({"format": self.format} if self.format else {})
        return "report?" + urlencode(stated | ({"page": self.page} if self.page > 1 else {}))

    def at(self, page: int) -> "ReportQuery":
        """Another page of the same month."""
        return replace(self, page=page)

    def of(self, month: Month) -> "ReportQuery":
        """The first page of another month."""
        return ReportQuery(month)

    def as_file(self, form: str) -> "ReportQuery":
        """The whole month, to download."""
        return ReportQuery(self.month, format=form)


class AccountView:
    """The account of one probe."""

    def __init__(self, account: ProbeAccount, name: Name) -> None:
        self.account = account
        self.name = called(account.probe, name)
        self.query = probe_query(account.probe)


def outages_of(
    accounts: Sequence[ProbeAccount], name: Name, watched: Watched, now: float
) -> Iterator[OutageView]:
    """All outages, the oldest first."""
    oldest = merge(*(one.outages for one in accounts), key=lambda outage: outage.start)
    return (
        OutageView(one, called(one.probe, name), now, watched=watched(one.probe)) for one in oldest
    )


@dataclass(frozen=True, slots=True)
class ReportPage:
    """One page of a month: the probes with the lowest availability come first."""

    query: ReportQuery  # with the number of a page that exists
    views: list[AccountView]
    outages: list[OutageView]  # of these probes, the oldest first
    more_outages: int  # that are not shown
    pages: int
    known: int  # probes in this month
    previous: ReportQuery | None  # months that may have accounts
    next: ReportQuery | None

    @classmethod
    async def of(
        cls,
        query: ReportQuery,
        accounts: Sequence[ProbeAccount],
        name: Name,
        watched: Watched,
        now: float,
    ) -> Self:
        """The page that is asked for, or the last one if there are not as many."""
        order = [
            (1.0 if one.downtime.availability is None else one.downtime.availability, number)
            async for number, one in in_turns(enumerate(accounts), AT_A_TIME)
        ]
        order.sort()
        pages = max(-(-len(order) // PER_PAGE), 1)
        query = query.at(min(query.page, pages))
        start = (query.page - 1) * PER_PAGE
        shown = [accounts[number] for _, number in order[start : start + PER_PAGE]]
        outages = list(islice(outages_of(shown, name, watched, now), MOST_OUTAGES))
        before, after = query.month.previous, query.month.next
        return cls(
            query,
            [AccountView(one, name) for one in shown],
            outages,
            sum(len(one.outages) for one in shown) - len(outages),
            pages,
            len(accounts),
            query.of(before) if before.end > now - KEPT_FOR else None,
            query.of(after) if after.start <= now else None,
        )

    @property
    def numbers(self) -> list[int | None]:
        """The pages to link to; None for a gap."""
        return page_numbers(self.query.page, self.pages)
