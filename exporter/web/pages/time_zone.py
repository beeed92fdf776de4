"""Times on the pages: in one time zone, with its abbreviation, and exact for machines."""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from markupsafe import Markup

from exporter.core.facts_in_words import Day, Moment, Words

DAY = 86400.0
FIRST, LAST = -62_135_596_800.0 + DAY, 253_402_300_799.0 - DAY
"""What a date can be in every zone, in seconds since the epoch; other times are shown as these."""


@dataclass(frozen=True, slots=True)
class TimeZone:
    """The zone in which pages write times. They are given in seconds since the epoch."""

    zone: tzinfo = UTC

    @classmethod
    def named(cls, name: str) -> "TimeZone":
        """The zone with this IANA name, which must exist. UTC needs no database."""
        return cls() if name == "UTC" else cls(ZoneInfo(name))

    def __str__(self) -> str:
        return str(self.zone)

    def moment(self, seconds: float) -> Markup:
        """The date and the time of day."""
        return _element(seconds, self.text(seconds))

    def time_of_day(self, seconds: float, now: float) -> Markup:
        """The same, without the date if it is that of `now`."""
        whole = self.text(seconds)
        return _element(seconds, whole[11:] if whole[:10] == self.bare(now)[:10] else whole)

    def date(self, seconds: float) -> Markup:
        return _element(seconds, self.bare(seconds)[:10])

    def parts(self, words: Words) -> tuple[str, ...]:
        """The words of a fact: texts of servers as they are, and times as markup."""
        return tuple(
            self.moment(part.at)
            if isinstance(part, Moment)
            else self.date(part.at)
            if isinstance(part, Day)
            else part
            for part in words
        )

    def text(self, seconds: float) -> str:
        """The moment without markup, for the words of a drawing."""
        there = self._at(seconds)
        name = there.tzname() or ""
        # Many zones have only an offset in its place, such as -03.
        return f"{_bare(there)} {'UTC' if name.startswith(('+', '-')) else ''}{name}"

    def bare(self, seconds: float) -> str:
        """The moment without the zone, for the axis of a drawing."""
        return _bare(self._at(seconds))

    def _at(self, seconds: float) -> datetime:
        return datetime.fromtimestamp(min(max(seconds, FIRST), LAST) // 1, self.zone)


UTC_ZONE = TimeZone()


def _element(seconds: float, text: str) -> Markup:
    exact = UTC_ZONE.bare(seconds).replace(" ", "T")
    return Markup(f'<time datetime="{exact}Z">{text}</time>')  # noqa: S704 - digits and names of zones


def _bare(there: datetime) -> str:
    return there.isoformat(" ", "seconds")[:19]
