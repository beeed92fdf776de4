"""How many failing probes are checked again at once."""

from math import inf

from exporter.probing.rechecks import SPACING, RecheckSlots


def test_one_probe_is_checked_again_when_it_wants() -> None:
    slots = RecheckSlots()
    assert [slots.take(at, at + 240) for at in (60.0, 120.0, 180.0)] == [60.0, 120.0, 180.0]


def test_of_many_each_gets_another_moment_and_those_whose_interval_ends_before_get_none() -> None:
    slots = RecheckSlots()
    given = [slots.take(60.0, 300.0) for _ in range(1000)]
    assert given[:3] == [60.0, 60.0 + SPACING, 60.0 + 2 * SPACING]
    assert max(one for one in given if one < inf) == 300.0
    assert given.count(inf) == 1000 - 241


def test_after_many_have_failed_the_next_is_not_far_away() -> None:
    slots = RecheckSlots()
    for _ in range(1000):
        slots.take(60.0, 300.0)
    assert slots.take(301.0, 541.0) == 301.0
