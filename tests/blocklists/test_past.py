"""What the checks of a week tell: since when, until when, and how often a list was usable."""

import random

from exporter.blocklists.past import MOST_PERIODS, Past, PastAnswer, Period, past
from exporter.core.model import ListState

_STATES = {"L": ListState.LISTED, ".": ListState.CLEAN, "?": ListState.UNKNOWN}


def of(word: str) -> Past:
    """The past of checks at 0, 1, 2 …, in any order: L is listed, . clean, ? unknown."""
    answers = [
        PastAnswer(at, _STATES[letter], f"why {at}" if letter == "?" else "")
        for at, letter in enumerate(word)
    ]
    random.Random(word).shuffle(answers)
    return past(answers)


def test_a_listing_begins_with_the_first_check_that_finds_it_and_may_last() -> None:
    assert of("..LLL") == Past(5, 5, (Period(2, 4, after=1),))


def test_a_listing_ends_with_the_first_check_that_finds_it_no_longer() -> None:
    assert of(".LL..") == Past(5, 5, (Period(1, 2, after=0, until=3),))


def test_what_was_listed_at_the_first_check_began_some_time_before() -> None:
    assert of("LL.").periods == (Period(0, 1, after=None, until=2),)


def test_a_check_without_an_answer_neither_begins_nor_ends_a_listing() -> None:
    assert of("?.?L??L?.?") == Past(10, 4, (Period(3, 6, after=1, until=8),), "why 9")


def test_a_list_that_never_answered_says_nothing() -> None:
    assert of("???") == Past(3, 0, (), "why 2")
    assert of("") == Past(0, 0)


def test_of_many_periods_the_newest_are_kept() -> None:
    found = of("L." * 10).periods
    assert len(found) == MOST_PERIODS
    assert found[-1] == Period(18, 18, after=17, until=19)
