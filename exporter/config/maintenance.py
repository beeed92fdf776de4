"""Planned maintenance in a configuration: windows that last once, or weekly."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from exporter.config.time_zones import time_zone
from exporter.config.types import Duration, Name, OneWord, Options
from exporter.core.availability.window import MINUTES_OF_A_DAY, Once, Weekly, Window

_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?"
    r"(?P<offset>[Zz]|[+-][0-9]{2}:[0-9]{2})?"
)
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]|24:00")
_CLOCK_PATTERN = f"^({_CLOCK.pattern})$"


def _moment(value: object) -> datetime:
    match = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    if not match:
        raise ValueError(
            "not a time (RFC 3339); write date, time and offset, such as 2026-12-24T22:00:00+01:00"
        )
    if not match["offset"]:
        raise ValueError("has no offset from UTC: append Z for UTC, or one such as +01:00")
    try:
        moment = datetime.fromisoformat(match[0].upper())
        moment.timestamp()
    except (ValueError, OverflowError):
        raise ValueError("there is no such date or time") from None
    return moment


def moment_text(moment: datetime) -> str:
    """Formats a time as in a configuration."""
    return moment.isoformat().replace("+00:00", "Z")


def _clock(value: object) -> int:
    if not isinstance(value, str) or not _CLOCK.fullmatch(value):
        raise ValueError('not a time of day; write it from "00:00" to "24:00", such as "02:30"')
    hours, minutes = value.split(":")
    return int(hours) * 60 + int(minutes)


def _clock_text(minutes: int) -> str:
    return "{:02}:{:02}".format(*divmod(minutes, 60))


Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    PlainSerializer(moment_text, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": f"^{_MOMENT.pattern}$", "title": "time"}),
]
"""A time with its offset from UTC, as RFC 3339 writes it."""

ClockTime = Annotated[
    int,
    BeforeValidator(_clock),
    PlainSerializer(_clock_text, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": _CLOCK_PATTERN, "title": "HH:MM"}),
]
"""Minutes after midnight, written as a clock shows them."""

TimeZone = Annotated[
    str, AfterValidator(time_zone), WithJsonSchema({"type": "string", "title": "time zone"})
]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_DAYS: tuple[str, ...] = get_args(Day)


class WeeklyOptions(Options):
    """A time on some days of each week. When clocks change, a time that comes twice is the first
    one for `from` and the last one for `to`; one that does not come is as much later as the clock
    is put forward."""

    days: list[Day] = Field(min_length=1)
    """The days on which it begins."""

    begin: ClockTime = Field(alias="from")
    """When it begins, by the local time of `timezone`."""

    end: ClockTime = Field(alias="to")
    """When it ends: on the next day if it is before `from`. `24:00` is the end of the day."""

    timezone: TimeZone
    """A name of the IANA database, such as `Europe/Berlin` or `UTC`."""

    @field_validator("end")
    @classmethod
    def _is_not_empty(cls, value: int, info: ValidationInfo) -> int:
        if value % MINUTES_OF_A_DAY == info.data.get("begin", -1) and value != MINUTES_OF_A_DAY:
            raise ValueError(
                'is the same as from; for a whole day write from: "00:00", to: "24:00"'
            )
        return value

    @field_validator("begin")
    @classmethod
    def _begins_on_its_day(cls, value: int) -> int:
        if value == MINUTES_OF_A_DAY:
            raise ValueError('is the end of the day: write "00:00", and the next day in days')
        return value


def _pattern(value: str) -> str:
    if not value.isprintable():
        raise ValueError("has a control character, or one that changes the direction of text")
    return value


Pattern = Annotated[OneWord, AfterValidator(_pattern)]
"""Names probes. It is shown on pages and in a terminal."""


class StartedOptions(Options):
    """A window that is started on a running mailtrip, until `end` or for `duration`."""

    name: Name
    probes: list[Pattern] = Field(min_length=1, max_length=20)
    start: Moment | None = None
    end: Moment | None = None
    duration: Duration | None = None

    @classmethod
    def _between(cls, given: Mapping[str, Any]) -> Iterator[str]:
        yield from super()._between(given)
        ends = [name for name in ("end", "duration") if name in given]
        if len(ends) != 1:
            yield "either end or duration is needed"

    def once(self, now: float) -> Once:
        """When it lasts; from `now` if it has no start. Raises ValueError."""
        start = self.start.timestamp() if self.start else now
        end = self.end.timestamp() if self.end else start + (self.duration or 0.0)
        if end <= max(start, now):
            raise ValueError("end: is not after start and now")
        return Once(start, end)


class MaintenanceOptions(Options):
    """A window of planned maintenance: once (`start`, `end`) or `weekly`. Trips go on in it. Those
    that end in it are counted apart, and no alert of its probes fires."""

    name: Name
    """The name of the window, on pages."""

    probes: list[Pattern] = Field(min_length=1)
    """The probes that it is for: names in `probes`, and targets of other pairs that Prometheus
    requests on `/probe`. `*`, `?` and `[...]` are wildcards; upper and lower case are the same."""

    start: Moment | None = None
    """When it begins, with the offset from UTC (RFC 3339), such as `2026-12-24T22:00:00+01:00`."""

    end: Moment | None = None
    """When it ends."""

    weekly: WeeklyOptions | None = None
    """The days and times of a window that recurs, instead of `start` and `end`."""

    @classmethod
    def _between(cls, given: Mapping[str, Any]) -> Iterator[str]:
        yield from super()._between(given)
        once = [name for name in ("start", "end") if name in given]
        if once and "weekly" in given:
            yield f"only one of these can be given: {' and '.join(once)}, or weekly"
        elif len(once) == 1:
            yield f"{'end' if once == ['start'] else 'start'} is missing"
        elif not once and "weekly" not in given:
            yield "one of these is missing: start and end, or weekly"

    @field_validator("end")
    @classmethod
    def _is_later(cls, value: datetime | None, info: ValidationInfo) -> datetime | None:
        start = info.data.get("start")
        if value and start and value <= start:
            raise ValueError(f"is not after start, {moment_text(start)}: exchange or correct them")
        return value

    @property
    def window(self) -> Window:
        if weekly := self.weekly:
            days = frozenset(map(_DAYS.index, weekly.days))
            zone = ZoneInfo(weekly.timezone)
            return Window(
                self.name, tuple(self.probes), Weekly(days, weekly.begin, weekly.end, zone)
            )
        start, end = (one.timestamp() if one else 0.0 for one in (self.start, self.end))
        return Window(self.name, tuple(self.probes), Once(start, end))
