"""Planned maintenance: which probes are in a window, and in which."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from math import inf

from exporter.core.availability.window import Occurrence, Window

DAY = 86400.0  # seconds
MOST_KNOWN = 20_000  # probes whose windows are remembered


@dataclass(frozen=True, slots=True, order=True)
class Planned:
    """A time of maintenance that lasts or comes. Ordered by its start."""

    occurrence: Occurrence
    window: str  # its name
    probes: tuple[str, ...]  # the patterns of the window


class Maintenance:
    """The windows of the configuration, and those that were started beside it; and the probes that
    they are for. A probe is known by its name, or if it has none, by its target."""

    def __init__(self, windows: Iterable[Window] = ()) -> None:
        self._configured: tuple[Window, ...] = ()
        self._started: tuple[Window, ...] = ()
        self.configure(windows)

    @property
    def configured(self) -> tuple[Window, ...]:
        return self._configured

    @property
    def started(self) -> tuple[Window, ...]:
        """Those that are not of the configuration."""
        return self._started

    def configure(self, windows: Iterable[Window]) -> None:
        """Replaces the windows of the configuration."""
        self._apply(tuple(windows), self._started)

    def replace_started(self, windows: Iterable[Window]) -> None:
        """Replaces the windows beside the configuration."""
        self._apply(self._configured, tuple(windows))

    def _apply(self, configured: tuple[Window, ...], started: tuple[Window, ...]) -> None:
        self._configured, self._started = configured, started
        self._windows = [_Timed(window) for window in (*configured, *started)]
        self._of = lru_cache(MOST_KNOWN)(self._naming)

    @property
    def is_empty(self) -> bool:
        """Whether there are no windows."""
        return not self._windows

    def _naming(self, probe: str) -> "tuple[_Timed, ...]":
        return tuple(one for one in self._windows if one.window.names(probe))

    def lasts(self, probe: str, now: float) -> bool | None:
        """Whether the probe is in a window at `now` (Unix time); None if no window is for it."""
        windows = self._of(probe)
        return any(one.lasts(now) for one in windows) if windows else None

    def planned(self, probe: str, now: float) -> list[Planned]:
        """For each window of the probe its current or next occurrence, the soonest first. `now`
        is Unix time."""
        return _planned(self._of(probe), now)

    def all_planned(self, now: float) -> list[Planned]:
        """The same for the windows of all probes."""
        return _planned(self._windows, now)


def _planned(windows: "Iterable[_Timed]", now: float) -> list[Planned]:
    found = ((one.occurrence(now), one.window) for one in windows)
    return sorted(Planned(when, one.name, one.probes) for when, one in found if when)


class _Timed:
    """A window that remembers its occurrence, since it is asked for each probe at each scrape."""

    __slots__ = ("_asked", "_known", "window")

    def __init__(self, window: Window) -> None:
        self.window = window
        self._asked = inf  # the occurrence is the same from then until its end, or for a day
        self._known: Occurrence | None = None

    def lasts(self, now: float) -> bool:
        occurrence = self.occurrence(now)
        return occurrence is not None and occurrence.lasts(now)

    def occurrence(self, now: float) -> Occurrence | None:
        """The one that lasts, or the next."""
        known, another_day = self._known, now // DAY != self._asked // DAY
        if now < self._asked or another_day or (known and now >= known.end):
            self._asked, self._known = now, self.window.schedule.occurrence(now)
        return self._known
