"""Which messages of a maildrop are new, since when, and when it is looked into again."""

from collections.abc import Sequence

from exporter.mailboxes.pop3.maildrop import SWEEP, Login, Maildrop, NewMessage
from tests.support.pauses import at_once


def login(began: float) -> Login:
    """One that takes 0.3 s."""
    return Login(began, began + 0.2, began + 0.3)


def listed(maildrop: Maildrop, uids: Sequence[str], login: Login) -> None:
    """A login that lists these."""
    lines = (f"{number} {uid}\r\n" for number, uid in enumerate(uids, 1))
    maildrop.listed(at_once(maildrop.listing.update("".join(lines).encode())), login)


def maildrop(*uids: str) -> Maildrop:
    """After its first login, everything read."""
    maildrop = Maildrop()
    listed(maildrop, uids, login(100))
    maildrop.read(set(uids))
    return maildrop


def test_the_first_login_shows_older_messages_the_newest_first_and_not_too_many() -> None:
    maildrop = Maildrop()
    listed(maildrop, [f"{number}" for number in range(SWEEP + 5)], login(100))
    assert maildrop.news == {}
    assert maildrop.older == [f"{number}" for number in range(SWEEP + 4, 4, -1)]


def test_a_new_message_came_after_the_login_before() -> None:
    here = maildrop("a")
    listed(here, ["a", "b"], login(110))
    assert here.news == {"b": NewMessage(seen_at=110.3, lag=110.3 - 100.2)}
    listed(here, ["a", "b", "c"], login(120))
    assert here.news["b"].seen_at == 110.3  # it waits to be read, and was seen
    listed(here, ["a"], login(130))
    assert here.news == {}


def test_an_id_that_comes_back_is_another_message() -> None:
    here = maildrop("a", "b")
    listed(here, ["a"], login(110))
    listed(here, ["a", "b"], login(120))
    assert list(here.news) == ["b"]
    here.read({"b"})
    here.deleted({"b"})
    listed(here, ["a", "b"], login(130))
    assert list(here.news) == ["b"]


def test_a_login_is_due_so_that_it_ends_within_a_second_and_later_on_twice_the_watchers_gap() -> (
    None
):
    here = maildrop()
    assert here.due_at(gap=0.08, interval=0.5) == 100.2 + 0.9 - (100.3 - 100)
    assert here.due_at(gap=4, interval=0.5) == 100.2 + 8 - (100.3 - 100)
    assert here.due_at(gap=0.08, interval=10) == 110
    here.login_delay = 900
    assert here.due_at(gap=4, interval=10) == 1000


def test_news_that_wait_to_be_read_wait_for_no_gap() -> None:
    here = maildrop("a")
    listed(here, ["a", "b"], login(110))
    assert here.due_at(gap=300, interval=5) == 115
