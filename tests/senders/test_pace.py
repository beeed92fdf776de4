"""The gap between messages to one destination."""

from exporter.senders.pace import Pace


def test_turns_are_taken_for_each_destination_on_its_own_and_forgotten_in_time() -> None:
    pace = Pace()
    assert [pace.turn("a", 5, 100, 60) for _ in range(3)] == [0, 5, 10]
    assert pace.turn("b", 5, 100, 60) == 0
    assert pace.turn("a", 5, 100, 12) == 15  # too late: not taken
    assert pace.turn("a", 5, 100, 60) == 15
    assert pace.turn("a", 5, 130, 60) == 0
    assert pace.turn("c", 0, 130, 60) == pace.turn("c", 0, 130, 60) == 0
