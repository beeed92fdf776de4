"""Messages with our token of which we know nothing are left alone for an hour."""

from exporter.core.timing.clock import Clock
from exporter.mail.tokens import Mint
from exporter.probing.left_over import LEFT_OVER_AFTER, MOST_LEFT_ALONE, LeftOvers
from exporter.probing.passed_time import PassedTime

MINT = Mint(b"k" * 32)


class SetClocks:
    def __init__(self) -> None:
        self.wall = 1e9
        self.monotonic = 0.0
        self.clock = Clock(monotonic=lambda: self.monotonic, wall=lambda: self.wall)
        self.left_overs = LeftOvers(self.clock, PassedTime(self.clock))


def test_a_fresh_message_is_left_alone_for_an_hour() -> None:
    clocks, token = SetClocks(), MINT.mint(1e9)
    assert clocks.left_overs.pause(token) == LEFT_OVER_AFTER
    clocks.monotonic, clocks.wall = 600.0, 1e9 + 600
    assert clocks.left_overs.pause(token) == LEFT_OVER_AFTER - 600
    clocks.monotonic, clocks.wall = 3601.0, 1e9 + 3601
    assert clocks.left_overs.pause(token) <= 0


def test_an_old_message_may_be_deleted_at_once() -> None:
    clocks = SetClocks()
    assert clocks.left_overs.pause(MINT.mint(1e9 - LEFT_OVER_AFTER - 1)) <= 0


def test_a_clock_that_is_set_ahead_deletes_nothing_sooner() -> None:
    clocks, token = SetClocks(), MINT.mint(1e9)
    clocks.left_overs.pause(token)
    clocks.wall += 1e6
    assert clocks.left_overs.pause(token) == LEFT_OVER_AFTER


def test_of_too_many_messages_the_oldest_is_forgotten() -> None:
    clocks = SetClocks()
    first = MINT.mint(2e9)  # by a clock that is ahead, so that only our own time counts
    clocks.left_overs.pause(first)
    clocks.monotonic = 1000.0
    for _ in range(MOST_LEFT_ALONE):
        clocks.left_overs.pause(MINT.mint(2e9))
    assert clocks.left_overs.pause(first) == LEFT_OVER_AFTER
