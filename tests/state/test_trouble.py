"""Trouble with the disk is logged when it begins and when it ends."""

import pytest

from exporter.state.trouble import DiskTrouble


async def test_it_is_logged_once_and_whoever_waits_hears_of_each_refusal(
    caplog: pytest.LogCaptureFixture,
) -> None:
    trouble = DiskTrouble()
    assert not trouble
    refusal = trouble.refusal()
    trouble.report_failure("disk full")
    assert refusal.done()
    assert not trouble.refusal().done()
    trouble.report_failure("still full")
    trouble.report_success(5, dropped=2)
    trouble.report_success(1, dropped=0)
    assert not trouble
    first, second = (record.getMessage() for record in caplog.records)
    assert "disk full" in first
    assert second.endswith("delayed changes written: 5; changes dropped: 2")
