"""Reads an arrived message: which tokens does it carry, where, and what has become of ours."""

import re
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.parser import Parser
from email.policy import compat32
from enum import StrEnum
from functools import lru_cache
from itertools import count
from quopri import decodestring
from typing import Any

from exporter.bounces import Bounce, bounce_in
from exporter.composition import TOKEN_HEADER, is_sealed
from exporter.tokens import Token, candidates

MAX_PARTS = 100  # of a MIME tree; what comes after them is not read
MAX_DEPTH = 20
MAX_SUBJECT = 4096

_REPLY_PREFIX = re.compile(r"\s*(re|aw|antw|sv|vs|odp|rif|rép|ynt|回复|回覆|ответ)\s*(\[\d+\])?\s*[:：]", re.IGNORECASE)
_ENCODED_WORD_GAP = re.compile(r"\?=\s+=\?")


class Kind(StrEnum):
    """What a message of ours has become."""

    MESSAGE = "message"  # itself, or forwarded in whatever wrapping
    REPLY = "reply"  # somebody's or something's answer to it
    BOUNCE = "bounce"  # a delivery status notification about it


class FoundIn(StrEnum):
    """Where in an arrived message the token was found; the first of these that has it is told."""

    HEADER = "header"
    SUBJECT = "subject"
    BODY = "body"
    ATTACHMENT = "attachment"
    REFERENCES = "references"


@dataclass(frozen=True, slots=True)
class Reading:
    """What an arrived message says. The words still have to be verified."""

    tokens: dict[str, FoundIn]
    kind: Kind
    bounce: Bounce | None = None


def read(raw: bytes) -> Reading:
    """What a message says that arrived; `raw` may be cut anywhere. Never raises."""
    message = _parsed(raw)
    tokens: dict[str, FoundIn] = {}
    for text, place in _texts(message):
        for word in candidates(text):
            tokens.setdefault(word, place)
    bounce = bounce_in(message)
    if bounce:
        return Reading(tokens, Kind.BOUNCE if bounce.final else Kind.REPLY, bounce)
    return Reading(tokens, Kind.REPLY if _is_reply(message) else Kind.MESSAGE)


def tokens_in(raw: bytes) -> dict[str, FoundIn]:
    """Every word in a message that has the shape of a token, with the best place it was found in."""
    return read(raw).tokens


def received(raw: bytes, word: str) -> list[str]:
    """The `Received` headers on the whole way of the message with this token, oldest first.

    When it was forwarded as an attachment, the first half of the way is told inside it and the second outside.
    """
    message = _parsed(raw)
    wrappings = _wrappings(message, word, 0, [MAX_PARTS]) or [message]
    return [str(value) for part in reversed(wrappings) for value in reversed(part.get_all("Received", []))]


def headers(raw: bytes, word: str) -> list[list[tuple[str, str]]]:
    """Those of the outermost message, and of each part around the one that was sent with this token, and its own.

    Each list has the newest first: what the servers wrote that had it last.
    """
    message = _parsed(raw)
    parts = _wrappings(message, word, 0, [MAX_PARTS]) or [message]
    return [[(name, str(value)) for name, value in part.items()] for part in parts]


def _wrappings(message: Message, word: str, depth: int, left: list[int]) -> list[Message]:
    """From the outermost message to the one that was sent with this token; empty when it is not inside."""
    if depth > MAX_DEPTH or left[0] <= 0:
        return []
    left[0] -= 1
    if word in f"{_header(message, 'Message-ID')} {_header(message, TOKEN_HEADER)}".lower():
        return [message]
    payload = message.get_payload()
    for part in payload if isinstance(payload, list) else ():
        if isinstance(part, Message) and (inside := _wrappings(part, word, depth + 1, left)):
            return [message, *inside]
    return []


@lru_cache(maxsize=4)
def _parsed(raw: bytes) -> Message:
    """One character for each byte, so that nothing is lost before its charset is known.

    Parsed once, though several things are asked of the same message, one after the other; nobody changes it.
    """
    return _parser().parsestr(raw.decode("latin-1"))


class _Part(Message):
    """The standard library's, without what it raises over parameters that make no sense, such as `a*=1; a*0*=2`.

    They are as good as absent. The parser asks for the boundary in this way, and so does everybody else.
    """

    def get_param(self, param: str, failobj: Any = None, header: str = "content-type", unquote: bool = True) -> Any:
        try:
            return super().get_param(param, failobj, header, unquote)
        except TypeError:
            return failobj

    def get_boundary(self, failobj: Any = None) -> Any:
        try:
            return super().get_boundary(failobj)
        except ValueError:  # a zero byte in the name of a charset, a number of 5,000 digits
            return failobj


class _Leaf(_Part):
    """A part that the parser looks for no parts in, whatever its header says."""

    def get_content_type(self) -> str:
        return "text/plain"


def _parser() -> "Parser[Message]":
    """The standard library's recurses, and compares each line with the boundary of every multipart that it is in.

    Of parts that nobody reads it makes leaves, so that its work grows with the size of a message alone.
    """
    made = count()

    def part(policy: Any = compat32) -> Message:
        return (_Part if next(made) <= MAX_PARTS else _Leaf)(policy)  # the first one is made to try this function

    return Parser(part, policy=compat32)


def _is_reply(message: Message) -> bool:
    """Vacation notices say so (RFC 3834). Others name our Message-ID; but so does Outlook when it forwards."""
    if _header(message, "Auto-Submitted").strip().lower().startswith("auto-replied"):
        return True
    if not candidates(_header(message, "In-Reply-To")):
        return False
    subject = _decoded(_header(message, "Subject")[:MAX_SUBJECT])
    return _REPLY_PREFIX.match(subject) is not None or not candidates(subject)


def is_whole(raw: bytes, token: Token) -> bool:
    """Whether our text is there as a whole, in a plain message that nothing wrapped; True where nobody can say."""
    message = _parsed(raw)
    if message.get_content_type() != "text/plain" or token.word not in _header(message, "Message-ID").lower():
        return True
    body = _content(message).encode("latin-1")
    try:
        return is_sealed(body.decode(message.get_content_charset("utf-8"), "replace"), token)
    except (LookupError, ValueError):  # a charset that nobody knows, or a name that is none
        return is_sealed(body.decode("utf-8", "replace"), token)


def _texts(message: Message) -> Iterator[tuple[str, FoundIn]]:
    """What to look through, in the order of FoundIn."""
    yield f"{_header(message, 'Message-ID')} {_header(message, TOKEN_HEADER)}", FoundIn.HEADER
    yield _decoded(_header(message, "Subject")[:MAX_SUBJECT]), FoundIn.SUBJECT
    for part, attached in _parts(message, 0, [MAX_PARTS]):
        yield from _texts_of_part(part, attached)
    yield f"{_header(message, 'In-Reply-To')} {_header(message, 'References')}", FoundIn.REFERENCES


def _texts_of_part(part: Message, attached: bool) -> Iterator[tuple[str, FoundIn]]:
    place = FoundIn.ATTACHMENT if attached else FoundIn.BODY
    if attached:
        for name in ("Message-ID", TOKEN_HEADER, "Subject"):
            yield _decoded(_header(part, name)[:MAX_SUBJECT]), place
    if not part.is_multipart():
        yield _content(part), place


def _parts(message: Message, depth: int, left: list[int], attached: bool = False) -> Iterator[tuple[Message, bool]]:
    """The message and the parts below it; `attached` from the first message/rfc822 or message/delivery-status on."""
    if depth > MAX_DEPTH or left[0] <= 0:
        return
    left[0] -= 1
    yield message, attached
    payload = message.get_payload()
    if message.is_multipart() and isinstance(payload, list):
        inside = attached or message.get_content_maintype() == "message"
        for part in payload:
            if isinstance(part, Message):
                yield from _parts(part, depth + 1, left, inside or part.get_content_disposition() == "attachment")


def _header(message: Message, name: str) -> str:
    """All headers of that name, unfolded: a fold in front of a long word is white space, never part of it."""
    return " ".join(str(value) for value in message.get_all(name, []))


def _decoded(text: str) -> str:
    """Encoded words (RFC 2047) decoded; adjacent ones are joined, since a long word may have been split over two."""
    if "=?" not in text:
        return text
    try:
        pieces = decode_header(_ENCODED_WORD_GAP.sub("?= =?", text))
        return "".join(p if isinstance(p, str) else p.decode("latin-1") for p, _ in pieces)
    except (ValueError, LookupError, MessageError, AssertionError):
        return text


def _content(part: Message) -> str:
    """The text of a leaf, its transfer encoding undone as far as it goes."""
    payload = part.get_payload()
    if not isinstance(payload, str):
        return ""
    encoding = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
    data = payload.encode("latin-1", "replace")
    if encoding == "quoted-printable":
        data = decodestring(data)
    elif encoding == "base64":
        letters = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
        data = b64decode(letters[: len(letters) // 4 * 4])
    return data.decode("latin-1")
