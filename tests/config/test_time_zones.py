"""The names of time zones."""

import subprocess
import sys

import pytest

from exporter.config.time_zones import time_zone


def test_a_name_of_a_zone_is_taken_as_it_is() -> None:
    assert [time_zone(name) for name in ("Europe/Berlin", "UTC")] == ["Europe/Berlin", "UTC"]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("Europe/Berln", "not a time zone (IANA); did you mean Europe/Berlin?"),
        ("europe/london", "not a time zone (IANA); did you mean Europe/London?"),
        ("xyzzy", "not a time zone (IANA); write one such as Europe/Berlin or UTC"),
        ("../../etc/passwd", "not a time zone (IANA); write one such as Europe/Berlin or UTC"),
    ],
)
def test_another_name_is_refused_with_what_is_similar(name: str, line: str) -> None:
    with pytest.raises(ValueError, match="not a time zone") as refused:
        time_zone(name)
    assert str(refused.value) == line


def test_utc_needs_no_database_on_the_command_line() -> None:
    code = (
        "import zoneinfo; zoneinfo.reset_tzpath(['/nowhere'])\n"
        "import sys; sys.modules['tzdata'] = None\n"
        "from exporter.commands.flags import read\n"
        "from exporter.web.pages.time_zone import TimeZone\n"
        "name = read(['serve', '--web.time-zone', 'UTC']).web_time_zone\n"
        "print(TimeZone.named(name).text(0.0))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1970-01-01 00:00:00 UTC\n"
