"""A window of planned maintenance: which probes it is for, and when it lasts. Times in seconds
since the epoch.

Clocks change. A time that comes twice is the first one where a window begins, and the last one
where it ends; one that does not come is the moment of the change plus the rest (RFC 5545, 3.3.5).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from fnmatch import translate
from functools import lru_cache

MINUTES_OF_A_DAY = 24 * 60
# Days around now in which the earliest occurrence that is not over begins: up to six days may be
# one. A weekly one may be empty when a clock changes: then it is that of the week after.
_BEFORE, _AFTER = 9, 16


@dataclass(frozen=True, slots=True, order=True)
class Occurrence:
    """One time that a window lasts, without its `end`."""

    start: float
    end: float

    def lasts(self, now: float) -> bool:
        return self.start <= now < self.end


@dataclass(frozen=True, slots=True)
class Once:
    """A window that lasts once."""

    start: float
    end: float

    def occurrence(self, now: float) -> Occurrence | None:
        """The one that lasts, or the next; None if there is none any more."""
        return Occurrence(self.start, self.end) if now < self.end else None


@dataclass(frozen=True, slots=True)
class Weekly:
    """A window on some `days` of each week (0 is Monday), by the local time of a zone. `begin` and
    `end` are minutes after midnight; if `end` is not later, it is on the next day."""

    days: frozenset[int]
    begin: int
    end: int
    zone: tzinfo

    def occurrence(self, now: float) -> Occurrence | None:
        """The one that lasts, or the next. Two that meet are one. One that never ends lasts from
        some days before until some weeks after."""
        found: Occurrence | None = None
        for one in self._around(now):
            if found and one.start <= found.end:
                found = Occurrence(found.start, max(one.end, found.end))
            elif found and found.end > now:
                break
            else:
                found = one
        return found if found and found.end > now else None

    def _around(self, now: float) -> Iterator[Occurrence]:
        """Those near now, in their order."""
        today = datetime.fromtimestamp(now, UTC).date()
        for distance in range(-_BEFORE, _AFTER):
            day = today + timedelta(distance)
            if day.weekday() not in self.days:
                continue
            start, later = self._moments(day, self.begin)[0], self.end <= self.begin
            end = max(self._moments(day + timedelta(later), self.end))
            if start < end:
                yield Occurrence(start, end)

    def _moments(self, day: date, minutes: int) -> tuple[float, float]:
        """When it is so many minutes after midnight, by the offset from before a change of the
        clock, and by the one after it; the same if the clock does not change then."""
        days, minutes = divmod(minutes, MINUTES_OF_A_DAY)
        local = datetime.combine(day + timedelta(days), time(*divmod(minutes, 60)), self.zone)
        return local.timestamp(), local.replace(fold=1).timestamp()


@dataclass(frozen=True, slots=True)
class Window:
    """Planned maintenance of the probes that a pattern in `probes` matches."""

    name: str
    probes: tuple[str, ...]
    schedule: Once | Weekly

    def names(self, probe: str) -> bool:
        """Whether it is for the probe of this name, or for a pair with this target. Upper and lower
        case are the same."""
        return bool(_compiled(self.probes).fullmatch(probe.lower()))


def matches(pattern: str, probe: str) -> bool:
    """Whether a pattern with `*`, `?` and `[...]` matches the name of a probe, or the target of a
    pair."""
    return bool(_compiled((pattern,)).fullmatch(probe.lower()))


@lru_cache(1000)
def _compiled(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """All of them at once, since there may be many for ten thousand probes. Each also matches
    itself: the brackets of an address literal are no wildcard."""
    lower = [pattern.lower() for pattern in patterns]
    return re.compile("|".join(form for one in lower for form in (re.escape(one), translate(one))))
