"""When Graph wants the next request."""

import pytest

from exporter.core.model import ProbeError
from exporter.net.graph.throttle import LONGEST_WAIT, Throttle, wanted_pause

NOW = 1_790_000_000.0  # 2026-09-21 14:13:20 UTC


@pytest.mark.parametrize(
    ("status", "header", "wait"),
    [
        (200, "5", None),
        (404, "5", None),
        (500, "5", None),
        (429, "5", 5.0),
        (503, "5", 5.0),
        (429, "0", 1.0),
        (429, "", 10.0),
        (503, "", None),
        (429, "soon", 10.0),
        (429, "-7", 10.0),
        (429, "1e9", 10.0),
        (429, "\u0665", 10.0),
        (429, "9" * 400, LONGEST_WAIT),
        (429, "Mon, 21 Sep 2026 14:14:20 GMT", 60.0),
        (503, "Mon, 21 Sep 2026 14:00:00 GMT", 1.0),
        (429, "Mon, 21 Sep 99999999 14:00:00 GMT", 10.0),
    ],
)
def test_the_wait_is_read(status: int, header: str, wait: float | None) -> None:
    assert wanted_pause(status, header, NOW) == wait


def test_a_short_wait_is_waited_and_a_long_one_is_an_error() -> None:
    throttle = Throttle()
    assert throttle.wait_before(0.0) == 0.0
    throttle.postpone(100.0, 4.0)
    throttle.postpone(100.0, 2.0)
    assert throttle.wait_before(101.0) == 3.0
    throttle.postpone(100.0, 60.0)
    with pytest.raises(ProbeError, match="asked to wait 60 s .*in 50 s") as caught:
        throttle.wait_before(110.0)
    assert caught.value.code == "429"
    assert throttle.wait_before(200.0) == 0.0
