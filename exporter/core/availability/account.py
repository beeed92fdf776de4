"""The account of a month: availability, outages and delays of a probe."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from exporter.core.availability.delays import quantile
from exporter.core.availability.downtime import Downtime
from exporter.core.availability.outage import Outage
from exporter.core.model import ProbeKey

_MONTH = re.compile("(20[0-9]{2})-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month in UTC. Bounds in seconds since the epoch."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> "Month":
        """Parses `2026-10`. Raises ValueError."""
        if not (found := _MONTH.fullmatch(text)):
            raise ValueError(f"{text!r} is no month: write for example 2026-10")
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def asked(cls, text: str, now: float) -> "Month":
        """The month that a person asks for; the current one if the text is empty. Raises
        ValueError."""
        month = cls.parse(text) if text else cls.of(now)
        if month.start > now:
            raise ValueError(f"{month} has not begun")
        return month

    @classmethod
    def of(cls, moment: float) -> "Month":
        """The month of a moment."""
        day = datetime.fromtimestamp(moment, UTC)
        return cls(day.year, day.month)

    @property
    def start(self) -> float:
        return datetime(self.year, self.number, 1, tzinfo=UTC).timestamp()

    @property
    def end(self) -> float:
        return self.next.start

    @property
    def next(self) -> "Month":
        return Month(self.year + self.number // 12, self.number % 12 + 1)

    @property
    def previous(self) -> "Month":
        return Month(self.year - (self.number == 1), (self.number - 2) % 12 + 1)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"


@dataclass(frozen=True, slots=True)
class ProbeAccount:
    """The account of one probe. Times in seconds."""

    probe: ProbeKey
    since: float  # from when to when it was watched in this month, in seconds since the epoch
    until: float
    trips: int  # outside of maintenance windows, without rechecks
    failures: int  # of these
    planned_trips: int
    planned_failures: int
    late: int
    lost: int
    outages: tuple[Outage, ...]  # that touch the month, the oldest first
    downtime: Downtime
    delays: tuple[int, ...]  # messages, by the bounds of core/availability/delays.py

    def delay(self, share: float) -> float | None:
        """The delay that this share of messages did not exceed; None without messages."""
        return quantile(share, self.delays) if any(self.delays) else None
