"""Matches a message in a mailbox: finds its trip, and decides what to do with it.

Pure; `dispatch.py` acts on the result.
"""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from enum import StrEnum

from exporter.core.home import Home
from exporter.mail.message import FoundIn, Kind, Reading
from exporter.mail.tokens import Mint, NotOurs, Rejection, Token
from exporter.mailboxes.completeness import is_complete
from exporter.mailboxes.session import Sighting


class Awaits(StrEnum):
    """What a trip expects from a mailbox. Bounces concern every trip."""

    MESSAGE = "message"  # or what proves its arrival
    BOUNCES = "bounces"  # another mailbox is to receive the message
    NOTHING_MORE = "nothing more"  # the message, or a bounce, has come


class Meaning(StrEnum):
    """The meaning of a message."""

    FOUND = "found"  # the message of a trip that awaits it
    BOUNCE = "bounce"  # of a trip in progress
    STRAY = "stray"  # ours, and no trip awaits it
    NOT_OURS = "not ours"


@dataclass(frozen=True, slots=True)
class Identity:
    """The owner of a message."""

    token: Token | None  # the proof that it is ours
    rejections: tuple[Rejection, ...] = ()  # why apparent tokens are invalid
    found_in: FoundIn | None = None  # where the token is


def identify(reading: Reading, mint: Mint) -> Identity:
    """The first token in a message that verifies, and why those before it do not. Without one, a
    notice or an answer is of the trip to whose address it came: the address alone never proves that
    our message is in it."""
    rejections: list[Rejection] = []
    for word, found_in in reading.tokens.items():
        try:
            return Identity(mint.verify(word), tuple(rejections), found_in)
        except NotOurs as error:
            rejections.append(error.why)
    for part in reading.address_parts if reading.kind in (Kind.BOUNCE, Kind.REPLY) else ():
        try:
            token = mint.verify_address(part)
        except NotOurs as error:
            rejections.append(error.why)
        else:
            return Identity(token, tuple(rejections), FoundIn.RECIPIENT)
    return Identity(None, tuple(rejections))


def meaning_of(
    reading: Reading, token: Token | None, awaits: Awaits | None, home: Home = Home.MESSAGE
) -> Meaning:
    """The meaning of a message with this verified token, if its trip `awaits` that (None: no trip
    with this token is in progress), by this way home."""
    if token is None:
        return Meaning.NOT_OURS
    if awaits and reading.bounce and reading.kind is Kind.BOUNCE:
        return Meaning.BOUNCE
    if awaits is Awaits.MESSAGE and reading.home is home:
        return Meaning.FOUND
    return Meaning.STRAY


def seems_incomplete(
    sighting: Sighting,
    reading: Reading,
    token: Token | None,
    trips: Container[str],
    awaited: Iterable[Awaits],
    *,
    whole: bool | None = None,
) -> bool:
    """Whether this may be an incomplete message that the server is still writing.

    `awaited` is what each of the `trips` in progress awaits. There may be thousands of them, so it
    is read only as far as necessary. Some servers do show incomplete messages.
    """
    return (
        not sighting.cut
        and (token is None or token.trip in trips)
        and any(awaits is not Awaits.NOTHING_MORE for awaits in awaited)
        and not is_complete(sighting.raw, reading, token, whole=whole)
    )
