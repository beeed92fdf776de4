"""What a bookmark takes in, however much that is, takes no longer than a turn."""

import time
from collections.abc import Callable

import pytest

from exporter.mailboxes.jmap.bookmark import MOST, Arrival, Bookmark
from tests.support.timed_turns import ATTEMPTS, LONGEST

IDS = [str(number) for number in range(2 * MOST)]
NOW = Arrival(0.0, True, 0.0)


@pytest.mark.parametrize(
    "act",
    [
        lambda bookmark: bookmark.arrived(IDS, NOW),
        lambda bookmark: bookmark.moved(IDS, NOW),
        lambda bookmark: bookmark.gone(IDS),
        lambda bookmark: bookmark.look_through(IDS),
    ],
    ids=["arrived", "moved", "gone", "look through"],
)
def test_many_ids_take_no_longer_than_a_turn(act: Callable[[Bookmark], None]) -> None:
    took = []
    for _ in range(ATTEMPTS):
        bookmark = Bookmark(older=[f"older {number}" for number in range(MOST)])
        bookmark.elsewhere = dict.fromkeys(IDS[:MOST])
        began = time.thread_time()
        act(bookmark)
        took.append(time.thread_time() - began)
        assert max(len(bookmark.new), len(bookmark.older)) <= MOST
    assert min(took) < LONGEST


def test_the_oldest_are_forgotten() -> None:
    bookmark = Bookmark()
    bookmark.arrived(IDS, NOW)
    assert [*bookmark.new] == IDS[MOST:]
