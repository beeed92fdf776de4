"""Bugs beside a trip are logged, and change nothing."""

import pytest

from exporter.core.model import ProbeKey
from exporter.probing.bugs import contained


def test_a_bug_beside_a_trip_is_logged_and_goes_no_further(
    caplog: pytest.LogCaptureFixture,
) -> None:
    told: list[str] = []
    with contained("abc", ProbeKey("submission", "a@example.org"), otherwise=told.append):
        raise ZeroDivisionError
    assert told == ["a bug in mailtrip"]
    assert "trip abc of submission → a@example.org: a bug in mailtrip" in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_what_works_is_not_told_of(caplog: pytest.LogCaptureFixture) -> None:
    told: list[str] = []
    with contained("abc", ProbeKey("submission", "a@example.org"), otherwise=told.append):
        pass
    assert (told, caplog.text) == ([], "")
