import pytest

from exporter.core.timing.clock import Clock
from exporter.core.timing.precision import COARSE, FINE, Precision
from exporter.mailboxes.session import Sighting


@pytest.mark.parametrize(
    ("seen_at", "since", "watched", "lag", "precision", "expected"),
    [
        (105.0, 100.0, True, 0.0, FINE, 5.0),
        (105.0, 100.0, False, 0.0, FINE, None),  # nobody watched: the moment of seeing says nothing
        (105.0, None, True, 0.0, FINE, None),  # nobody knows when it was accepted
        (99.9, 100.0, True, 0.0, FINE, 0.0),  # our own receiver sees it before it says 250
        (105.0, 100.0, True, 1.0, FINE, None),  # 1 s is more than 5 % of 5 s
        (120.0, 100.0, True, 1.0, FINE, 20.0),
        (100.1, 100.0, True, 0.1, FINE, pytest.approx(0.1)),
        (
            100.05,
            100.0,
            True,
            9.0,
            FINE,
            pytest.approx(0.05),
        ),  # it came after it was accepted, whenever we looked before
        (105.0, 100.0, True, 1.0, COARSE, 5.0),
        (105.0, 100.0, True, 1.1, COARSE, None),
        (100.9, 100.0, True, 9.0, COARSE, pytest.approx(0.9)),
        (150.0, 100.0, True, 5.0, COARSE, 50.0),
        (150.0, 100.0, True, 5.1, COARSE, None),
    ],
)
def test_a_delay_is_told_only_if_it_is_known_well_enough(
    seen_at: float,
    since: float | None,
    watched: bool,
    lag: float,
    precision: Precision,
    expected: float | None,
) -> None:
    sighting = Sighting("ref", "Junk", b"", seen_at, watched, lag=lag, precision=precision)
    assert sighting.delay_since(since, Clock()) == expected


@pytest.mark.parametrize(
    ("late_from", "late_to", "expected"),
    [
        (99.0, 100.0, None),  # the acceptance was read late
        (104.0, 105.0, None),  # and so the message
        (101.0, 104.0, 5.0),  # in between it does not matter
        (104.9, 105.0, 5.0),
    ],
)
def test_a_delay_is_unknown_if_we_were_late_at_one_of_its_ends(
    late_from: float, late_to: float, expected: float | None
) -> None:
    def late(since: float, until: float) -> float:
        return max(min(until, late_to) - max(since, late_from), 0.0)

    sighting = Sighting("ref", "INBOX", b"", 105.0, watched=True)
    assert sighting.delay_since(100.0, Clock(late=late)) == expected


@pytest.mark.parametrize(
    ("late_to", "sending_since", "expected"),
    [
        (99.9, 99.9, 5.0),  # as the first trip after the start of the program
        (99.9, 99.5, None),
        (99.9, None, None),
        (105.0, 99.9, None),
    ],
)
def test_how_late_we_were_before_the_sending_does_not_matter(
    late_to: float, sending_since: float | None, expected: float | None
) -> None:
    def late(since: float, until: float) -> float:
        return max(min(until, late_to) - max(since, 99.0), 0.0)

    sighting = Sighting("ref", "INBOX", b"", 105.0, watched=True)
    assert sighting.delay_since(100.0, Clock(late=late), sending_since) == expected
