"""When something happened, for people."""

from exporter.core.timing.when import ago


def test_how_long_ago_reads_well() -> None:
    words = ["before the clock was set back", "now", "now", "59 s ago", "1 h 1 min ago"]
    assert [ago(seconds) for seconds in (-5, -0.4, 0.4, 59, 3700)] == words
