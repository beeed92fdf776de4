"""A trip counts on over a restart of the machine."""

import pytest

from exporter.probing.left_over import LEFT_OVER_AFTER
from exporter.state.trip import Moment, State, Trip
from tests.support.prober_rig import KEY

HOUR, DAY = 3600.0, 86400.0
HOUR, DAY = 3600.0, 86400.0


@pytest.mark.parametrize("boot", ["another", ""])
@pytest.mark.parametrize(
    ("away", "left"),
    [
        (HOUR, 23 * HOUR),
        (-10 * DAY, 24 * HOUR),  # the clock was set back, or there is none: 1970
        (2 * DAY, HOUR),  # away for long, or set ahead: there is time to look
    ],
)
def test_over_a_boot_the_clock_is_believed_within_reason(
    boot: str, away: float, left: float
) -> None:
    trip = Trip("t", KEY, "monitor", State.OVERDUE, 1e9, boot, 77.0, 1e9 + DAY, 78.0, 79.0)
    now = Moment("" if not boot else "this", 5.0, 1e9 + away)
    here = trip.in_this_boot(now, LEFT_OVER_AFTER)
    assert here.expires - now.monotonic == left
    assert (here.boot, here.accepted, here.sending_since) == (now.boot, None, None)
    assert (
        here.in_this_boot(Moment("this", 50.0, 0.0), LEFT_OVER_AFTER).expires == here.expires
        or not boot
    )
