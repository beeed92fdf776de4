"""What holds for every request."""

import pytest

from tests.support.http_site import site


async def test_a_bug_is_a_500_that_tells_nothing_and_a_traceback_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with site() as here:
        here.rig.metrics.everything = lambda form: 1 // 0  # type: ignore[assignment,misc,method-assign]
        status, text = await here.get("/metrics")
        assert status == 500
        assert "ZeroDivisionError" not in text
        assert "ZeroDivisionError" in caplog.text
