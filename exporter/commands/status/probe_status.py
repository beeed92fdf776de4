"""A probe, as a running mailtrip or the outcome of one trip describes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from exporter.core.one_line import one_line

LATEST = 253402300799.0  # the last second of the year 9999
MOST_TEXT = 500  # characters


class NotOurs(ValueError):
    """What was read is nothing that a mailtrip says."""


@dataclass(frozen=True, slots=True)
class Newest:
    """Of its finished trips, the one that started last. Times in seconds (since the epoch)."""

    trip: str
    started_at: float
    duration: float
    phase: str  # of its failure; empty if it succeeded
    step: str
    reason: str
    code: str
    detail: str
    delay: float | None

    @property
    def finished_at(self) -> float:
        return self.started_at + self.duration

    @property
    def cause(self) -> str:
        """Where it failed and why, in the words of metrics."""
        place = f"{self.phase}/{self.step}" if self.step else self.phase
        return f"{place}: {self.reason}{f' {self.code}' if self.code else ''}"

    @classmethod
    def read(cls, trip: object) -> Self:
        """Of a summary of a trip (`core/json_output.py`). Raises NotOurs."""
        fields = _mapping(trip)
        failure = _mapping(fields.get("failure") or {})
        return cls(
            _text(fields.get("trip")),
            _moment(fields.get("started_at")),
            _moment(fields.get("duration")),
            _text(failure.get("phase") or ""),
            _text(failure.get("step") or ""),
            _text(failure.get("reason") or ""),
            _text(failure.get("code") or ""),
            _text(failure.get("detail") or ""),
            _perhaps(fields.get("delay")),
        )


@dataclass(frozen=True, slots=True)
class ProbeStatus:
    """How a probe does. Times in seconds (since the epoch); None is unknown."""

    name: str  # empty if only scrapes make its trips
    module: str
    target: str
    newest: Newest | None
    in_progress: int = 0  # trips
    since: float | None = None  # when its outage began, or the one before ended
    failures: int | None = None  # trips in a row; an older mailtrip does not say
    maintenance: str = ""  # the window that lasts
    maintenance_ends_at: float | None = None
    next_trip_at: float | None = None
    interval: float = 0.0
    interval_after_failure: float = 0.0
    timeout: float = 0.0
    day: float | None = None  # availability of 24 hours, from 0 to 1
    month: float | None = None  # of 30 days

    @property
    def called(self) -> str:
        """Its name, or if it has none, its target: as in windows of maintenance."""
        return self.name or self.target

    @property
    def title(self) -> str:
        """What tells it from all others."""
        return self.name or f"{self.module} → {self.target}"

    @classmethod
    def read(cls, probe: object) -> Self:
        """Of an item of /api/v1/probes. Raises NotOurs."""
        fields = _mapping(probe)
        newest, running = fields.get("newest"), fields.get("in_progress")
        failures, shares = fields.get("failures"), _mapping(fields.get("availability") or {})
        if not isinstance(running, list) or not isinstance(failures, int | None):
            raise NotOurs("in_progress, failures")
        return cls(
            _text(fields.get("name") or ""),
            _text(fields.get("module")),
            _text(fields.get("target")),
            Newest.read(newest) if newest else None,
            len(running),
            _perhaps(fields.get("since")),
            failures,
            _text(fields.get("maintenance") or ""),
            _perhaps(fields.get("maintenance_ends_at")),
            _perhaps(fields.get("next_trip_at")),
            _moment(fields.get("interval")),
            _moment(fields.get("interval_after_failure")),
            _moment(fields.get("timeout")),
            _perhaps(shares.get("day")),
            _perhaps(shares.get("month")),
        )


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise NotOurs(f"no mapping: {type(value)}")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise NotOurs(f"no text: {type(value)}")
    return one_line(value, MOST_TEXT)


def _moment(value: object) -> float:
    """A duration or a moment: no negative, no endless one."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LATEST:
        raise NotOurs(f"no moment: {type(value)}")
    return float(value)


def _perhaps(value: object) -> float | None:
    return None if value is None else _moment(value)
