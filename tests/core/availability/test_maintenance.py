"""Which probes are in a window of planned maintenance."""

from datetime import datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from exporter.core.availability.maintenance import Maintenance, Planned
from exporter.core.availability.window import Occurrence, Once, Weekly, Window

NEW_YEAR = datetime.fromisoformat("2026-01-01T00:00Z").timestamp()
WEEK = 7 * 86400

once = st.builds(
    lambda start, seconds: Once(NEW_YEAR + start, NEW_YEAR + start + seconds),
    st.integers(0, 4 * WEEK),
    st.integers(1, WEEK),
)
weekly = st.builds(
    Weekly,
    st.frozensets(st.integers(0, 6), min_size=1),
    st.integers(0, 700) | st.just(0),
    st.integers(701, 1440) | st.just(1440),
    st.sampled_from([ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")]),
)
patterns = st.lists(st.sampled_from(["*", "mx*", "mx-a", "other"]), min_size=1, max_size=2)
windows = st.lists(
    st.builds(Window, st.text("abc", min_size=1), patterns.map(tuple), once | weekly), max_size=4
)
moments = st.lists(st.integers(-WEEK, 6 * WEEK).map(lambda away: NEW_YEAR + away), max_size=20)


@given(windows, moments, st.sampled_from(["mx-a", "mx-b", "other", "none"]))
def test_what_is_remembered_is_what_the_windows_say(
    made: list[Window], asked: list[float], probe: str
) -> None:
    """However the clock is set between two questions."""
    maintenance = Maintenance(made)
    named = [one for one in made if one.names(probe)]
    for now in asked:
        now_or_next = [(one, one.schedule.occurrence(now)) for one in named]
        expected = [Planned(when, one.name, one.probes) for one, when in now_or_next if when]
        assert maintenance.planned(probe, now) == sorted(expected)
        lasts = any(one.occurrence.lasts(now) for one in expected)
        assert maintenance.lasts(probe, now) is (lasts if named else None)


def test_a_reload_replaces_the_windows() -> None:
    maintenance = Maintenance([Window("move", ("mx*",), Once(100, 200))])
    assert maintenance.lasts("mx-a", 150) is True
    move = Planned(Occurrence(100, 200), "move", ("mx*",))
    assert maintenance.planned("mx-a", 50) == maintenance.all_planned(50) == [move]
    assert maintenance.planned("other", 50) == maintenance.all_planned(200) == []
    maintenance.configure([Window("move", ("other",), Once(100, 200))])
    assert maintenance.lasts("mx-a", 150) is None
    assert maintenance.planned("mx-a", 50) == []
