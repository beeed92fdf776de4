import pytest

from exporter.mailboxes.session import Sighting


@pytest.mark.parametrize(
    ("seen_at", "since", "watched", "lag", "expected"),
    [
        (105.0, 100.0, True, 0.0, 5.0),
        (105.0, 100.0, False, 0.0, None),  # nobody watched: the moment of seeing says nothing
        (105.0, None, True, 0.0, None),  # nobody knows when it was accepted
        (99.9, 100.0, True, 0.0, 0.0),  # our own receiver sees it before it says 250
        (105.0, 100.0, True, 1.0, None),  # 1 s is more than 5 % of 5 s
        (120.0, 100.0, True, 1.0, 20.0),
        (100.1, 100.0, True, 0.1, pytest.approx(0.1)),
    ],
)
def test_a_delay_is_told_only_if_it_is_known_well_enough(
    seen_at: float, since: float | None, watched: bool, lag: float, expected: float | None
) -> None:
    assert Sighting("ref", "Junk", b"", seen_at, watched, lag).delay_since(since) == expected
