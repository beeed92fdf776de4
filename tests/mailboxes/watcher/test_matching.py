"""What a message means, told from values alone: no loop, no session, no trip."""

import pytest

from exporter.core.home import Home
from exporter.mail.bounces import Bounce
from exporter.mail.composition import compose
from exporter.mail.message import FoundIn, Kind, Reading, read
from exporter.mail.tokens import Mint, Rejection, Token
from exporter.mailboxes.session import Sighting
from exporter.mailboxes.watcher.matching import (
    Awaits,
    Meaning,
    identify,
    meaning_of,
    seems_incomplete,
)

MINT = Mint(b"k" * 32)
TOKEN = MINT.mint(0)
BOUNCE = Bounce("failed", "5.1.1", "mx.example", "no such user")


def raw(token: Token) -> bytes:
    return compose(token, "a@example.org", "b@example.org", 0).raw


def message(kind: Kind = Kind.MESSAGE, bounce: Bounce | None = None) -> Reading:
    return Reading(read(raw(TOKEN)).tokens, kind, bounce)


def seen(what: bytes, *, cut: bool = False) -> Sighting:
    return Sighting(1, "INBOX", what, 0.0, watched=True, cut=cut)


@pytest.mark.parametrize(
    ("kind", "bounce", "awaits", "meaning"),
    [
        (Kind.MESSAGE, None, Awaits.MESSAGE, Meaning.FOUND),
        (Kind.MESSAGE, None, Awaits.NOTHING_MORE, Meaning.STRAY),  # a second copy
        (Kind.MESSAGE, None, Awaits.BOUNCES, Meaning.STRAY),  # it came to the wrong mailbox
        (Kind.MESSAGE, None, None, Meaning.STRAY),  # late
        (Kind.BOUNCE, BOUNCE, Awaits.MESSAGE, Meaning.BOUNCE),
        (Kind.BOUNCE, BOUNCE, Awaits.BOUNCES, Meaning.BOUNCE),
        (Kind.BOUNCE, BOUNCE, Awaits.NOTHING_MORE, Meaning.BOUNCE),
        (Kind.BOUNCE, BOUNCE, None, Meaning.STRAY),
        (Kind.BOUNCE, None, Awaits.MESSAGE, Meaning.STRAY),  # and nobody knows what it says
        (Kind.UNCLEAR, None, Awaits.MESSAGE, Meaning.STRAY),
        (Kind.REPLY, None, Awaits.MESSAGE, Meaning.STRAY),
    ],
)
def test_what_a_message_of_ours_means(
    kind: Kind, bounce: Bounce | None, awaits: Awaits | None, meaning: Meaning
) -> None:
    assert meaning_of(message(kind, bounce), TOKEN, awaits) is meaning


@pytest.mark.parametrize("kind", Kind)
def test_nothing_is_ours_without_a_token(kind: Kind) -> None:
    assert meaning_of(message(kind, BOUNCE), None, None) is Meaning.NOT_OURS


def test_a_message_is_ours_by_the_first_token_that_verifies() -> None:
    foreign = Mint(b"x" * 32).mint(0)
    reading = read(raw(foreign))
    assert identify(reading, MINT).token is None
    assert identify(reading, MINT).rejections == (Rejection.FOREIGN_INSTANCE,) * len(reading.tokens)
    both = Reading({**reading.tokens, **read(raw(TOKEN)).tokens}, Kind.MESSAGE)
    identity = identify(both, MINT)
    assert identity.token == TOKEN
    assert Rejection.FOREIGN_INSTANCE in identity.rejections


def test_a_message_without_a_token_is_nobodys_and_nothing_is_rejected() -> None:
    identity = identify(Reading({}, Kind.MESSAGE), MINT)
    assert (identity.token, identity.rejections) == (None, ())


@pytest.mark.parametrize(
    ("awaited", "incomplete"),
    [
        ({TOKEN.trip: Awaits.MESSAGE}, True),
        ({TOKEN.trip: Awaits.BOUNCES}, True),
        ({TOKEN.trip: Awaits.NOTHING_MORE}, False),
        ({TOKEN.trip: Awaits.NOTHING_MORE, "another": Awaits.MESSAGE}, True),
        ({"another": Awaits.MESSAGE}, False),
        ({}, False),
    ],
)
def test_half_a_message_is_read_again_only_while_somebody_waits(
    awaited: dict[str, Awaits], incomplete: bool
) -> None:
    whole = raw(TOKEN)
    half = whole[: len(whole) * 9 // 10]
    told = seems_incomplete(seen(half), read(half), TOKEN, awaited, awaited.values())
    assert told == incomplete


def test_a_whole_message_or_one_that_we_cut_is_not_read_again() -> None:
    whole = raw(TOKEN)
    awaited = {TOKEN.trip}, [Awaits.MESSAGE]
    assert not seems_incomplete(seen(whole), read(whole), TOKEN, *awaited)
    half = whole[: len(whole) * 9 // 10]
    assert not seems_incomplete(seen(half, cut=True), read(half), TOKEN, *awaited)


def test_what_shows_no_token_yet_may_be_the_beginning_of_an_awaited_message() -> None:
    assert seems_incomplete(
        seen(b"From: a@example"), Reading({}, Kind.MESSAGE), None, {"a"}, [Awaits.MESSAGE]
    )


def test_only_as_many_trips_are_asked_as_needed() -> None:
    whole = raw(TOKEN)
    awaited = iter([Awaits.NOTHING_MORE, Awaits.MESSAGE, Awaits.MESSAGE])
    assert not seems_incomplete(seen(whole), read(whole), TOKEN, {TOKEN.trip}, awaited)
    assert list(awaited) == [Awaits.MESSAGE]


@pytest.mark.parametrize("home", Home)
@pytest.mark.parametrize("came", [*Home, None])
def test_what_comes_home_is_what_was_asked_for(home: Home, came: Home | None) -> None:
    kind = Kind.MESSAGE if came is Home.MESSAGE else Kind.REPLY
    reading = Reading(read(raw(TOKEN)).tokens, kind, proof=came)
    wanted = Meaning.FOUND if home is came else Meaning.STRAY
    assert meaning_of(reading, TOKEN, Awaits.MESSAGE, home) is wanted
    for awaits in (Awaits.BOUNCES, Awaits.NOTHING_MORE, None):
        assert meaning_of(reading, TOKEN, awaits, home) is Meaning.STRAY


@pytest.mark.parametrize("kind", Kind)
def test_an_address_identifies_a_notice_or_an_answer_and_nothing_else(kind: Kind) -> None:
    """It never proves that our message is in the mailbox."""
    reading = Reading({}, kind, BOUNCE, address_parts=(TOKEN.address_part,))
    identity = identify(reading, MINT)
    if kind in (Kind.BOUNCE, Kind.REPLY):
        assert (identity.token, identity.found_in) == (TOKEN, FoundIn.RECIPIENT)
    else:
        assert identity.token is None


def test_an_address_of_another_key_identifies_nothing() -> None:
    foreign = Mint(b"x" * 32).mint(0).address_part
    identity = identify(Reading({}, Kind.BOUNCE, BOUNCE, address_parts=(foreign,)), MINT)
    assert (identity.token, identity.rejections) == (None, (Rejection.BAD_SIGNATURE,))
