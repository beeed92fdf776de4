"""The data of the pages about outages."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import urlencode

from exporter.core.availability.account_output import NOT_WATCHED
from exporter.core.availability.outage import Outage, reason_of
from exporter.core.model import Failure, ProbeKey
from exporter.core.reasons import Trait
from exporter.web.pages.probe_link import probe_query
from exporter.web.pages.styles import BAD, PLAIN
from exporter.web.parameters import page_number

PER_PAGE = 50
PARAMETERS = ("lasting", "page")


@dataclass(frozen=True, slots=True)
class OutageQuery:
    """A part of the list, as in the address of the page."""

    probe: ProbeKey | None = None  # None: all
    lasting: bool = False  # only those that last
    page: int = 1

    @classmethod
    def parse(cls, probe: ProbeKey | None, parameters: Mapping[str, str]) -> Self:
        """The query of an address. Ignores empty parameters. Raises ValueError."""
        lasting, page = (parameters.get(name, "").strip() for name in PARAMETERS)
        if lasting not in ("", "true"):
            raise ValueError(f"unknown value {lasting!r} of lasting; use true, or leave it out")
        return cls(probe, bool(lasting), page_number(page))

    @property
    def link(self) -> str:
        """The address, relative to that of the start page."""
        stated = {"module": self.probe.module, "target": self.probe.target} if self.probe else {}
        stated |= {"lasting": "true"} if self.lasting else {}
        stated |= {"page": str(self.page)} if self.page > 1 else {}
        return f"outages?{urlencode(stated)}" if stated else "outages"

    def at(self, page: int) -> "OutageQuery":
        """Another page of the same outages."""
        return replace(self, page=page)

    def of(self, *, lasting: bool) -> "OutageQuery":
        """The first page of all outages of the same probe, or only of those that last."""
        return replace(self, lasting=lasting, page=1)


class OutageView:
    """One outage at the moment `now`, in seconds since the epoch.

    Without `watched`, its probe makes no more trips: whether the outage lasts is unknown since the
    last one.
    """

    def __init__(
        self, outage: Outage, name: str | None, now: float, *, watched: bool = True
    ) -> None:
        self.outage = outage
        self.name = name or outage.probe.target
        self.lasts = outage.lasts and watched
        self.unknown = outage.lasts and not watched
        self.seconds = outage.seconds(outage.last_start if self.unknown else now)
        self.query = probe_query(outage.probe)

    @property
    def state(self) -> str:
        return BAD if self.lasts else PLAIN

    @property
    def word(self) -> str:
        if self.unknown:
            return NOT_WATCHED
        return "lasts" if self.lasts else "over"

    def first_step(self, newest: Failure | None) -> str:
        """What to do first about the newest failure that is known; empty if another version wrote
        it. `newest` is that of the last trip if it is still kept."""
        reason = newest.reason if newest else reason_of("".join(self.outage.reasons[-1:]))
        return reason.first_step if reason else ""

    @property
    def leg(self) -> str:
        """The leg to blame, in a word. Checks of blocklists have none."""
        reasons = {reason_of(word) for word in self.outage.reasons}
        of_lists = reasons and all(one and Trait.OF_LISTS in one.traits for one in reasons)
        return self.outage.leg or ("none" if of_lists else "unknown")

    @property
    def planned(self) -> str:
        """How much of it was in maintenance windows: all, a part, or nothing."""
        if self.outage.planned:
            return "planned"
        return "in part planned" if self.outage.planned_seconds else "not planned"
