"""The verdict of several lists about several subjects."""

import pytest

from exporter.blocklists.lookup import Lookup, SubjectAnswers
from exporter.blocklists.names import Subject
from exporter.core.model import Listing, ListState

ADDRESS = Subject.of("192.0.2.1")
LISTED, CLEAN, UNKNOWN = ListState.LISTED, ListState.CLEAN, ListState.UNKNOWN


def about(*states: ListState, informs: tuple[ListState, ...] = ()) -> SubjectAnswers:
    """The answers of lists a, b, …, and of some that only inform: i, j, …"""
    alarming = [Listing("abcdefgh"[n], ADDRESS.text, one) for n, one in enumerate(states)]
    others = [
        Listing("ijkl"[n], ADDRESS.text, one, alarming=False) for n, one in enumerate(informs)
    ]
    return SubjectAnswers(ADDRESS, "", (*alarming, *others))


@pytest.mark.parametrize(
    ("answers", "state", "verdict"),
    [
        (about(CLEAN, LISTED), LISTED, "listed by 1 of 2 lists that answered"),
        (about(CLEAN, CLEAN), CLEAN, "not listed by any of 2 lists that answered"),
        (about(LISTED), LISTED, "listed by the one list that answered"),
        (
            about(CLEAN, UNKNOWN),
            CLEAN,
            "not listed by the one list that answered; 1 of 2 is unknown",
        ),
        (
            about(LISTED, CLEAN, UNKNOWN, UNKNOWN),
            LISTED,
            "listed by 1 of 2 lists that answered; 2 of 4 are unknown",
        ),
        (about(UNKNOWN, UNKNOWN), UNKNOWN, "unknown: no list answered"),
        (about(), UNKNOWN, "unknown: no list is asked about it"),
        (about(CLEAN, informs=(LISTED,)), CLEAN, "not listed by the one list that answered"),
        (about(UNKNOWN, informs=(LISTED,)), UNKNOWN, "unknown: no list answered"),
        (about(informs=(LISTED, CLEAN)), LISTED, "listed by 1 of 2 lists that answered"),
    ],
)
def test_only_lists_that_count_decide_unless_there_are_no_others(
    answers: SubjectAnswers, state: ListState, verdict: str
) -> None:
    assert answers.state is state
    assert answers.verdict == verdict


def test_the_lists_that_count_are_named() -> None:
    assert about(LISTED, CLEAN, LISTED, informs=(LISTED,)).listed_by == "a, c"
    assert about(CLEAN, informs=(LISTED,)).listed_by == ""


@pytest.mark.parametrize(
    ("answers", "problems", "state"),
    [
        ((about(CLEAN), about(LISTED)), (), LISTED),
        ((about(UNKNOWN), about(LISTED)), ("an address was not found",), LISTED),
        ((about(CLEAN), about(CLEAN)), (), CLEAN),
        ((about(CLEAN), about()), (), CLEAN),
        ((about(CLEAN),), ("an address was not found",), UNKNOWN),
        ((about(CLEAN), about(UNKNOWN)), (), UNKNOWN),
        ((about(),), (), UNKNOWN),
        ((), (), UNKNOWN),
    ],
)
def test_clean_is_only_what_was_seen_as_a_whole(
    answers: tuple[SubjectAnswers, ...], problems: tuple[str, ...], state: ListState
) -> None:
    assert Lookup(ADDRESS, answers, problems).state is state


def test_lists_are_counted_over_all_subjects() -> None:
    found = Lookup(ADDRESS, (about(LISTED, UNKNOWN), about(CLEAN, CLEAN, informs=(UNKNOWN,))))
    assert found.listings == ("192.0.2.1 by a",)
    assert found.asked == {"a", "b"}
    assert found.unanswered == {"b"}
