"""Windows of maintenance, against a referee that goes through all minutes."""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from exporter.core.availability.window import Occurrence, Once, Weekly, Window

ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "America/Santiago",  # changes at midnight
    "Australia/Lord_Howe",  # changes by 30 minutes
    "Pacific/Chatham",  # has an offset of 12:45 hours
    "Europe/Dublin",  # is in summer time in winter
    "Africa/Casablanca",  # changes for Ramadan
    "Asia/Kathmandu",
    "UTC",
)
YEARS = (2007, 2024, 2026, 2031)
MINUTE = 60


@cache
def changes(zone: str, year: int) -> tuple[int, ...]:
    """The UTC times, in seconds since the epoch, after which the clock has changed."""
    start = int(datetime(year, 1, 1, tzinfo=UTC).timestamp())
    offsets = [
        (at, datetime.fromtimestamp(at, ZoneInfo(zone)).utcoffset())
        for at in range(start, start + 366 * 86400, 900)
    ]
    return tuple(at for (_, before), (at, after) in pairwise(offsets) if before != after) or (
        start + 100 * 86400,
    )


Wall = tuple[date, int]  # a day, and minutes after midnight


@cache
def walls(zone: str, start: int, end: int) -> list[tuple[int, Wall]]:
    """Each minute, and what the clock on the wall shows then."""
    found = []
    for at in range(start, end, MINUTE):
        local = datetime.fromtimestamp(at, ZoneInfo(zone))
        found.append((at, (local.date(), local.hour * 60 + local.minute)))
    return found


def minutes_between(one: Wall, other: Wall) -> int:
    return (other[0] - one[0]).days * 1440 + other[1] - one[1]


def referee(window: Weekly, seen: list[tuple[int, Wall]]) -> set[int]:
    """The minutes in the window: from the first that shows `begin` to the last that shows `end`.
    One that is skipped comes as much after the change as it is after the time before the change."""
    inside: set[int] = set()
    for day in sorted({day for _, (day, _) in seen}):
        if day.weekday() not in window.days:
            continue
        to = day + timedelta(window.end <= window.begin or window.end == 1440)
        first = moments(seen, (day, window.begin))
        last = moments(seen, (to, window.end % 1440))
        if first and last:
            inside.update(range(first[0], last[-1], MINUTE))
    return inside


def moments(seen: list[tuple[int, Wall]], wall: Wall) -> list[int]:
    shown = [at for at, one in seen if one == wall]
    if shown:
        return shown
    for (_, before), (at, after) in pairwise(seen):
        if before < wall < after:
            return [at + (minutes_between(before, wall) - 1) * MINUTE]
    return []


@st.composite
def weeklies(draw: st.DrawFn) -> tuple[Weekly, str, int]:
    zone, year = draw(st.sampled_from(ZONES)), draw(st.sampled_from(YEARS))
    change = draw(st.sampled_from(changes(zone, year)))
    near = datetime.fromtimestamp(change, ZoneInfo(zone))
    minute = near.hour * 60 + near.minute
    times = st.one_of(
        st.integers(0, 1439), st.integers(-150, 150).map(lambda away: (minute + away) % 1440)
    )
    begin = draw(times)
    end = draw(st.one_of(times, st.just(1440)).filter(lambda end: end != begin))
    days = draw(st.frozensets(st.integers(0, 6), min_size=1))
    return Weekly(days, begin, end, ZoneInfo(zone)), zone, change


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(weeklies())
def test_a_weekly_window_lasts_when_the_clock_on_the_wall_says_so(
    drawn: tuple[Weekly, str, int],
) -> None:
    window, zone, change = drawn
    inside = referee(window, walls(zone, change - 3 * 86400, change + 3 * 86400))
    for at in range(change - 86400, change + 86400, MINUTE):
        found = window.occurrence(at)
        assert found
        assert found.end > at
        assert found.lasts(at) is (at in inside), (at, found)


@settings(deadline=None)
@given(weeklies(), st.integers(-3 * 86400, 3 * 86400))
def test_between_two_bounds_it_says_the_same(drawn: tuple[Weekly, str, int], away: int) -> None:
    window, _, change = drawn
    now = change + away
    found = window.occurrence(now)
    assert found
    if found.start > now:
        assert window.occurrence((now + found.start) / 2) == found
        begun = window.occurrence(found.start)
        assert begun
        assert begun.start == found.start
    else:
        assume(found.end - now < 8 * 86400)  # it does end
        after = window.occurrence(found.end)
        assert after
        assert not after.lasts(found.end), "what overlaps is one"


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def berlin(begin: str, end: str, *days: int) -> Weekly:
    minutes = [int(text[:2]) * 60 + int(text[3:]) for text in (begin, end)]
    return Weekly(frozenset(days or range(7)), minutes[0], minutes[1], ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("window", "now", "start", "end"),
    [
        (
            berlin("02:00", "04:00", 6),
            "2026-07-08T00:00Z",
            "2026-07-12T00:00Z",
            "2026-07-12T02:00Z",
        ),
        (
            berlin("23:00", "01:00", 6),
            "2026-07-12T22:30Z",
            "2026-07-12T21:00Z",
            "2026-07-12T23:00Z",
        ),
        (
            berlin("00:00", "24:00", 5),
            "2026-10-24T12:00Z",
            "2026-10-23T22:00Z",
            "2026-10-24T22:00Z",
        ),
        # 02:00 comes twice, and so does 02:30.
        (berlin("02:00", "02:30"), "2026-10-25T00:00Z", "2026-10-25T00:00Z", "2026-10-25T01:30Z"),
        # 02:30 does not come: it is 03:30.
        (berlin("02:30", "04:00"), "2026-03-29T00:00Z", "2026-03-29T01:30Z", "2026-03-29T02:00Z"),
        (berlin("01:00", "02:30"), "2026-03-29T01:00Z", "2026-03-29T00:00Z", "2026-03-29T01:30Z"),
        # From 03:00 to 03:00: not on this day.
        (
            berlin("02:00", "03:00", 6),
            "2026-03-29T00:00Z",
            "2026-04-05T00:00Z",
            "2026-04-05T01:00Z",
        ),
    ],
)
def test_examples(window: Weekly, now: str, start: str, end: str) -> None:
    assert window.occurrence(at(now)) == Occurrence(at(start), at(end))


def test_days_without_a_gap_are_one_window() -> None:
    weekend = berlin("00:00", "24:00", 5, 6).occurrence(at("2026-07-11T12:00Z"))
    assert weekend == Occurrence(at("2026-07-10T22:00Z"), at("2026-07-12T22:00Z"))


def test_a_window_that_never_ends_says_so_for_weeks() -> None:
    now = at("2026-07-11T12:00Z")
    always = berlin("00:00", "24:00").occurrence(now)
    assert always
    assert always.lasts(now + 14 * 86400)


def test_once() -> None:
    once = Once(100.0, 200.0)
    assert once.occurrence(0) == once.occurrence(199.9) == Occurrence(100.0, 200.0)
    assert once.occurrence(200.0) is None
    assert [Occurrence(100.0, 200.0).lasts(now) for now in (99.9, 100, 199.9, 200)] == [
        False,
        True,
        True,
        False,
    ]


def test_patterns() -> None:
    window = Window("move", ("mx*", "user@[192.0.2.1]", "b?"), Once(0, 1))
    named = ("mx-a", "MX", "user@[192.0.2.1]", "b1")
    assert all(map(window.names, named))
    assert not any(map(window.names, ("a-mx", "b12", "")))
