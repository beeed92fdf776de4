"""Reads an arrived message: finds tokens, and classifies the message.

It is parsed once. `Reading.message` is what all that want to know more about it share.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from exporter.core.facts import Unclear
from exporter.core.home import Home
from exporter.core.one_line import one_line
from exporter.mail.alterations import alterations
from exporter.mail.bounces import Bounce
from exporter.mail.composition import TOKEN_HEADER
from exporter.mail.mime import MAX_DEPTH as MAX_DEPTH
from exporter.mail.mime import MAX_PARTS as MAX_PARTS
from exporter.mail.mime import MAX_VALUE, Part, decoded, parse
from exporter.mail.notices.judging import Kind as Kind
from exporter.mail.notices.judging import judge
from exporter.mail.notices.leaves import notice, texts
from exporter.mail.notices.proof import proof_of
from exporter.mail.tokens import (
    MAX_CANDIDATES,
    PREFIX,
    Token,
    address_parts,
    candidates,
    without_tokens,
)

_PREFIX = PREFIX.encode()
_MAY_HIDE_A_TOKEN = re.compile(rb"%b|base64|quoted-printable|=\?" % _PREFIX, re.IGNORECASE)
_ESCAPED = re.compile(r"\\+u003[cCeE]")  # < and > in JSON: a letter right before a token hides it
_MUCH = 100  # characters of external text that are shown
_NOTHING = parse(b"")
_RECIPIENTS = (
    *("to", "cc", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to"),
    *("x-delivered-to", "x-rcpt-to", "apparently-to", "received"),
)
"""Headers that name the address to which a message was delivered; `Received` has it after `for`."""
_MOST_RECIPIENTS = 20  # headers of one name that are looked at


class FoundIn(StrEnum):
    """Where in an arrived message the token was found; the first of these places is reported."""

    HEADER = "header"
    SUBJECT = "subject"
    BODY = "body"
    ATTACHMENT = "attachment"
    REFERENCES = "references"
    RECIPIENT = "recipient"  # the address that it came to, and nowhere else


@dataclass(frozen=True, slots=True)
class Reading:
    """The content of an arrived message. Its tokens are not yet verified."""

    tokens: dict[str, FoundIn]
    kind: Kind
    bounce: Bounce | None = None  # of a bounce, and of other notices that were understood
    # Who wrote it and what, unless it is the message itself; for people.
    about: Unclear | None = None
    message: Part = _NOTHING  # as parsed; empty if it has no tokens
    address_parts: tuple[str, ...] = ()  # of the addresses that it came to; not yet verified
    proof: Home | None = None  # what a reply proves

    @property
    def home(self) -> Home | None:
        """For which way home it is the arrival; None for every other notice."""
        return Home.MESSAGE if self.kind is Kind.MESSAGE else self.proof


def read(raw: bytes) -> Reading:
    """Reads an arrived message; `raw` may be cut anywhere. Never raises; thread-safe."""
    if not may_have_tokens(raw):
        return Reading({}, Kind.MESSAGE)
    message = parse(raw)
    tokens: dict[str, FoundIn] = {}
    for text, place in _texts(message):
        for word in candidates(text):
            tokens.setdefault(word, place)
        if len(tokens) >= MAX_CANDIDATES:
            break
    parts = _address_parts(message)
    if not tokens and not parts:
        return Reading({}, Kind.MESSAGE)
    kind, bounce = judge(message)
    about = None if kind is Kind.MESSAGE else _about(message)
    proof = proof_of(message, bounce) if kind is Kind.REPLY else None
    return Reading(tokens, kind, bounce, about, message, parts, proof)


def may_have_tokens(raw: bytes) -> bool:
    """Whether a message may contain tokens. Most mail does not; tokens are plain text unless
    encoded."""
    return _PREFIX in raw or _MAY_HIDE_A_TOKEN.search(raw) is not None


def _address_parts(message: Part) -> tuple[str, ...]:
    values = (value for name in _RECIPIENTS for value in message.all(name)[:_MOST_RECIPIENTS])
    found = (part for value in values for part in address_parts(value[:MAX_VALUE]))
    return tuple(dict.fromkeys(islice(found, MAX_CANDIDATES)))


def _about(message: Part) -> Unclear:
    words = (
        decoded(message.get("from")),
        decoded(message.get("subject")),
        " ".join(notice(message, texts(message)).split()),
    )
    return Unclear(*(one_line(without_tokens(text)[:1000], _MUCH) for text in words))


def received(message: Part, word: str) -> list[str]:
    """All `Received` headers of the message with this token, oldest first.

    If it was forwarded as an attachment, the inner headers show the first part of its way, the
    outer ones the second.
    """
    wrappings = _wrappings(message, word) or [message]
    return [value for part in reversed(wrappings) for value in reversed(part.all("received"))]


def headers(message: Part, word: str) -> list[list[tuple[str, str]]]:
    """The headers of the outermost message, of each enclosing part, and of the message with this
    token.

    Each list has the newest headers first.
    """
    return [part.headers for part in _wrappings(message, word) or [message]]


def _wrappings(message: Part, word: str) -> list[Part]:
    """The parts from the outermost message to the one with this token; empty if it is not
    inside."""
    if word in _ids(message).lower():
        return [message]
    for part in message.parts:
        if inside := _wrappings(part, word):
            return [message, *inside]
    return []


def is_whole(message: Part, token: Token) -> bool:
    """Whether nothing was changed in a message as we composed it, not wrapped or converted; True if
    that is unknown."""
    return not alterations(message, token)


def _texts(message: Part) -> Iterator[tuple[str, FoundIn]]:
    """The texts to search, in the order of FoundIn."""
    yield _ids(message), FoundIn.HEADER
    yield decoded(_all(message, "subject")), FoundIn.SUBJECT
    for part, attached in _parts(message):
        yield from _texts_of_part(part, attached)
    yield f"{_all(message, 'in-reply-to')} {_all(message, 'references')}", FoundIn.REFERENCES


def _texts_of_part(part: Part, attached: bool) -> Iterator[tuple[str, FoundIn]]:
    place = FoundIn.ATTACHMENT if attached else FoundIn.BODY
    if attached:
        yield f"{_ids(part)} {decoded(_all(part, 'subject'))}", place
    if not part.parts:
        # UTF-16, as far as it matters.
        yield (_ESCAPED.sub(" ", part.content).replace("\0", ""), place)


def _parts(part: Part, attached: bool = False) -> Iterator[tuple[Part, bool]]:
    """The message and its parts; `attached` for the first inner message or attachment and all after
    it."""
    yield part, attached or part.content_type.startswith("message/")
    for inner in part.parts:
        apart = inner.get("content-disposition").lower().startswith("attachment")
        yield from _parts(inner, attached or part.is_message or apart)


def _ids(part: Part) -> str:
    return f"{_all(part, 'message-id')} {_all(part, TOKEN_HEADER.lower())}"


def _all(part: Part, name: str) -> str:
    """All headers of that name, unfolded: a fold before a long word is white space, never part of
    it."""
    return " ".join(part.all(name))
