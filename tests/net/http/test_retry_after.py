"""When a server wants the next request."""

from math import inf

import pytest

from exporter.net.http.retry_after import retry_after

NOW = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        ("9" * 400, inf),
        ("Tue, 14 Nov 2023 22:14:20 GMT", 60.0),
        ("Tue, 14 Nov 2023 22:12:20 GMT", 0.0),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("nan", None),
        ("\u0665", None),
        ("9" * 5000, None),
        ("Tue, 14 Nov 99999 22:12:20 GMT", None),
    ],
)
def test_seconds_and_dates_are_read(header: str, seconds: float | None) -> None:
    assert retry_after(header, NOW) == seconds
