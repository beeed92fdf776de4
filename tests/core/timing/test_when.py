"""When something happened, for people."""

from exporter.core.timing.when import ago, utc, utc_day, utc_minute


def test_how_long_ago_reads_well() -> None:
    words = ["before the clock was set back", "now", "now", "59 s ago", "1 h 1 min ago"]
    assert [ago(seconds) for seconds in (-5, -0.4, 0.4, 59, 3700)] == words


def test_a_moment_beyond_the_calendar_is_written_all_the_same() -> None:
    """As a `Date` of the year 9999 in a zone behind UTC."""
    assert utc(1_700_000_000.9) == "2023-11-14 22:13:20 UTC"
    assert utc_minute(1_700_000_000.9) == "2023-11-14 22:13 UTC"
    assert utc_day(1_700_000_000.9) == "2023-11-14"
    assert utc_day(253_402_300_800.0) == "10000-01-01"
