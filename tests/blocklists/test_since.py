"""Since when a list has listed a subject, or has been unusable."""

from dataclasses import replace
from itertools import accumulate

import pytest

from exporter.blocklists.since import with_since
from exporter.core.model import Fact, Listing, ListState, Outcome, ProbeKey, QueriedList, Reply

LISTED, CLEAN, UNKNOWN = ListState.LISTED, ListState.CLEAN, ListState.UNKNOWN
PROBE = ProbeKey("reputation", "192.0.2.1")


def checks(*facts: tuple[Fact, ...]) -> list[Outcome]:
    """The newest check after each of these, which start at 0, 10, 20, …"""
    made = [
        Outcome(str(number), PROBE, number * 10.0, 1.0, facts=some)
        for number, some in enumerate(facts)
    ]
    first = with_since(made[0], None)
    return [*accumulate(made[1:], lambda before, one: with_since(one, before), initial=first)]


@pytest.mark.parametrize(
    ("states", "since"),
    [
        ([LISTED, LISTED, LISTED], [0, 0, 0]),
        ([CLEAN, LISTED, LISTED], [None, 10, 10]),
        ([LISTED, CLEAN, LISTED], [0, None, 20]),
        ([LISTED, UNKNOWN, UNKNOWN, LISTED, LISTED], [0, 10, 10, 0, 0]),
        ([UNKNOWN, LISTED, UNKNOWN, UNKNOWN], [0, 10, 20, 20]),
        ([LISTED, UNKNOWN, CLEAN, UNKNOWN, LISTED], [0, 10, None, 30, 40]),
    ],
)
def test_a_listing_begins_with_the_first_check_that_finds_it(
    states: list[ListState], since: list[float | None]
) -> None:
    made = checks(*((Listing("bl", "192.0.2.1", state),) for state in states))
    assert [fact.since for one in made for fact in one.facts if isinstance(fact, Listing)] == since


def test_a_list_is_unusable_since_the_first_check_that_finds_it() -> None:
    made = checks(*((QueriedList("bl", usable),) for usable in (True, False, False, True, False)))
    found = [fact.since for one in made for fact in one.facts if isinstance(fact, QueriedList)]
    assert found == [None, 10, 10, None, 40]


def test_each_list_and_subject_has_its_own_time_and_other_facts_stay() -> None:
    reply = Reply(250, "OK")
    (_, newest) = checks(
        (reply, Listing("bl", "192.0.2.1", LISTED), QueriedList("bl", False)),
        (
            Listing("bl", "192.0.2.2", LISTED),
            Listing("dbl", "192.0.2.1", LISTED),
            QueriedList("dbl", False),
            Listing("bl", "192.0.2.1", LISTED),
            reply,
        ),
    )
    assert [getattr(fact, "since", fact) for fact in newest.facts] == [10, 10, 10, 0, reply]


def test_what_an_older_version_found_began_with_its_check_at_the_latest() -> None:
    before = Outcome("a", PROBE, 5.0, 1.0, facts=(Listing("bl", "192.0.2.1", LISTED),))
    (fact,) = with_since(replace(before, trip="b", started_at=9.0), before).facts
    assert isinstance(fact, Listing)
    assert fact.since == 5


def test_a_check_that_ends_after_a_later_one_began_no_later_than_itself() -> None:
    later = Outcome("b", PROBE, 9.0, 1.0, facts=(Listing("bl", "192.0.2.1", LISTED),))
    (fact,) = with_since(replace(later, trip="a", started_at=5.0), later).facts
    assert isinstance(fact, Listing)
    assert fact.since == 5
