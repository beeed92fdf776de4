"""Months, and what an account says."""

import pytest

from exporter.core.availability.account import Month

DAY = 86400.0


def test_months_follow_each_other() -> None:
    december = Month.parse("2026-12")
    assert str(december.next) == "2027-01"
    assert december.next.previous == december
    assert Month.of(december.end - 1) == december
    assert december.end - december.start == 31 * DAY
    with pytest.raises(ValueError, match="2026-13"):
        Month.parse("2026-13")
