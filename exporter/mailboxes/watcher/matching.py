"""What a message that was seen in a mailbox means: for which trip it is, and what to do with it.

Nothing here waits, counts or changes anything; `dispatch.py` acts on what is said here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from exporter.mail.message import Kind, Reading
from exporter.mail.tokens import Mint, NotOurs, Rejection, Token
from exporter.mailboxes.completeness import is_complete
from exporter.mailboxes.session import Sighting


class Awaits(StrEnum):
    """What a trip still awaits from a mailbox. A bounce is of interest to all of them."""

    MESSAGE = "message"
    BOUNCES = "bounces"  # another mailbox is to receive the message
    NOTHING_MORE = "nothing more"  # the message, or a bounce, has come


class Meaning(StrEnum):
    """What a message means."""

    FOUND = "found"  # the message of a trip that awaits it
    BOUNCE = "bounce"  # of a trip in progress
    STRAY = "stray"  # ours, and no trip awaits it
    NOT_OURS = "not ours"


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose message it is."""

    token: Token | None  # the proof that it is ours
    rejections: tuple[Rejection, ...] = ()  # why what looks like a token of ours is none


def identify(reading: Reading, mint: Mint) -> Identity:
    """The first token in a message that verifies, and why those before it do not."""
    rejections: list[Rejection] = []
    for word in reading.tokens:
        try:
            return Identity(mint.verify(word), tuple(rejections))
        except NotOurs as error:
            rejections.append(error.why)
    return Identity(None, tuple(rejections))


def meaning_of(reading: Reading, token: Token | None, awaits: Awaits | None) -> Meaning:
    """What a message with this verified token means, if its trip `awaits` that (None: no trip with
    this token is in progress)."""
    if token is None:
        return Meaning.NOT_OURS
    if awaits and reading.bounce and reading.kind is Kind.BOUNCE:
        return Meaning.BOUNCE
    if awaits is Awaits.MESSAGE and reading.kind is Kind.MESSAGE:
        return Meaning.FOUND
    return Meaning.STRAY


def seems_incomplete(
    sighting: Sighting,
    reading: Reading,
    token: Token | None,
    awaited: Iterable[tuple[str, Awaits]],
) -> bool:
    """Whether this may be the beginning of an awaited message that the server is still writing.

    `awaited` are the trips in progress. Servers were seen to show such beginnings.
    """
    waiting = dict(awaited)
    return (
        not sighting.cut
        and any(awaits is not Awaits.NOTHING_MORE for awaits in waiting.values())
        and (token is None or token.trip in waiting)
        and not is_complete(sighting.raw, reading, token)
    )
