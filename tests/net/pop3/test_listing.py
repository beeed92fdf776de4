"""Of a listing of many messages, only what has changed is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.net.pop3.listing import AT_A_TIME, Changes, Listing, TooMany
from tests.support.pauses import at_once, with_pauses

MANY = 100_000
IDS = st.lists(st.sampled_from([f"u{n}" for n in range(8)]), max_size=8)


def answer(*uids: str) -> bytes:
    return "".join(f"{number} {uid}\r\n" for number, uid in enumerate(uids, 1)).encode()


def updated(listing: Listing, *uids: str) -> Changes:
    return at_once(listing.update(answer(*uids)))


def many(count: int = MANY) -> list[str]:
    return [f"unique{number}" for number in range(count)]


@pytest.mark.parametrize(
    "change",
    [
        lambda uids: uids,
        lambda uids: [*uids, "new"],
        lambda uids: uids[:-1],
        lambda uids: [*uids[:-2], uids[-1]],
        lambda uids: [*uids[:-3], uids[-1], "new", "newer"],
    ],
)
@pytest.mark.slow
def test_what_changes_at_the_end_is_read_in_one_turn_however_much_stands_before_it(
    change: object,
) -> None:
    listing, uids = Listing(), many()
    _, pauses = with_pauses(listing.update(answer(*uids)))
    assert pauses == 2 * MANY // AT_A_TIME
    wanted = change(uids)  # type: ignore[operator]
    changes, pauses = with_pauses(listing.update(answer(*wanted)))
    assert pauses == 0
    assert [*listing.numbers] == wanted
    assert set(changes.added) == set(wanted) - set(uids)
    assert changes.removed == set(uids) - set(wanted)


def test_what_is_numbered_again_is_read_in_turns() -> None:
    listing, uids = Listing(), many()
    updated(listing, *uids)
    changes, pauses = with_pauses(listing.update(answer(*uids[1:])))
    assert pauses >= 2 * (MANY - 1) // AT_A_TIME
    assert changes == Changes([], {"unique0"}, MANY)
    assert listing.numbers["unique99999"] == MANY - 1


@given(st.lists(IDS, max_size=5))
def test_whatever_changes_the_listing_is_as_if_it_were_read_as_a_whole(
    answers: list[list[str]],
) -> None:
    listing = Listing()
    for uids in answers:
        before, whole = set(listing.numbers), Listing()
        changes = updated(listing, *uids)
        updated(whole, *uids)
        assert (listing.numbers, listing.repeated) == (whole.numbers, whole.repeated)
        assert [*listing.numbers] == [*whole.numbers]
        assert (changes.before, len(listing)) == (len(before), len(uids))
        assert set(changes.added) == set(uids) - before
        assert changes.removed == before - set(uids)


def test_all_messages_with_an_id_are_known() -> None:
    listing = Listing()
    updated(listing, "a", "b", "a")
    assert (listing.all_of("a"), listing.all_of("b"), listing.all_of("c")) == ([1, 3], [2], [])


@pytest.mark.parametrize(
    "odd", [b"3 a\r\n", b"2 b\r\n", b"4 c\r\n", b"x\r\n", b"3 c d\r\n", b"03 c\r\n", b"\r\n"]
)
def test_a_line_that_is_not_plain_is_read_with_all_others(odd: bytes) -> None:
    listing, whole = Listing(), Listing()
    updated(listing, "a", "b")
    at_once(listing.update(answer("a", "b") + odd))
    at_once(whole.update(answer("a", "b") + odd))
    assert (listing.numbers, listing.repeated) == (whole.numbers, whole.repeated)
    updated(listing, "a", "b", "c")
    assert listing.numbers == {"a": 1, "b": 2, "c": 3}


@pytest.mark.parametrize(
    ("raw", "error"), [(b"1 x\r\n" * 300_000, TooMany), (b"nothing\r\n", ValueError)]
)
def test_an_answer_that_is_refused_changes_nothing(raw: bytes, error: type[Exception]) -> None:
    listing = Listing()
    updated(listing, "a", "b")
    with pytest.raises(error):
        at_once(listing.update(raw))
    assert updated(listing, "a", "b", "c").added == ["c"]


async def test_an_update_that_is_cancelled_changes_nothing() -> None:
    listing, uids = Listing(), many(5 * AT_A_TIME)
    updated(listing, *uids)
    update = listing.update(answer(*uids[1:]))
    update.send(None)
    update.close()
    assert updated(listing, *uids, "new") == Changes(["new"], set(), len(uids))
