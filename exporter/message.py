"""Composes the probe message, and reads an arrived one: which tokens does it carry, and where.

The token stands in the Message-ID, in a header of its own, in the Subject and in the body, because every one of them
gets lost somewhere: forwarding strips headers, gateways rewrite subjects, replies keep only References.
"""

import re
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from email.utils import formatdate
from enum import StrEnum
from quopri import decodestring

from exporter.bounces import Bounce, bounce_in
from exporter.tokens import Token, candidates

TOKEN_HEADER = "X-Mailtrip-Token"  # noqa: S105
MAX_PARTS = 100  # of a MIME tree; what comes after them is not read
MAX_DEPTH = 20
MAX_SUBJECT = 4096

_REPLY_PREFIX = re.compile(r"\s*(re|aw|antw|sv|vs|odp|rif|rép|ynt|回复|回覆|ответ)\s*(\[\d+\])?\s*[:：]", re.IGNORECASE)
_ENCODED_WORD_GAP = re.compile(r"\?=\s+=\?")


@dataclass(frozen=True, slots=True)
class ProbeMessage:
    """A message ready to leave."""

    sender: str  # of the envelope
    recipient: str
    raw: bytes  # with CRLF line ends


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


_BODY = """\
{token}

This is a test message of mailtrip, the e-mail round-trip exporter for
Prometheus. It travels from {sender} to {recipient},
proves that this path works, and is deleted on arrival by the program
that sent it. If you read this in your mailbox, it may be deleted too.
"""


def compose(token: Token, sender: str, recipient: str, sent_at: float) -> ProbeMessage:
    """The probe message with its envelope; `sent_at` in seconds since the epoch.

    Auto-Submitted (RFC 3834) and X-Auto-Response-Suppress (Exchange) keep vacation replies away.
    """
    domain = _ascii_domain(sender)
    ascii_only = sender.isascii() and recipient.isascii()
    headers = {
        "From": f"<{sender}>",
        "To": f"<{recipient}>",
        "Subject": f"mailtrip {token.word}",
        "Date": formatdate(sent_at),
        "Message-ID": f"<{token.word}@{domain}>",
        TOKEN_HEADER: token.word,
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "MIME-Version": "1.0",
        "Content-Type": f"text/plain; charset={'us-ascii' if ascii_only else 'utf-8'}",
        "Content-Transfer-Encoding": "7bit" if ascii_only else "8bit",
    }
    head = "".join(f"{name}: {value}\n" for name, value in headers.items())
    text = _text(token, sender, recipient)
    return ProbeMessage(sender, recipient, f"{head}\n{text}".replace("\n", "\r\n").encode())


def _ascii_domain(address: str) -> str:
    domain = address.rpartition("@")[2]
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:
        return "localhost"


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


def _parsed(raw: bytes) -> Message:
    """The standard library's parser recurses; what is nested a thousand deep is read as if it were plain."""
    try:
        return BytesParser(policy=compat32).parsebytes(raw)
    except RecursionError:
        return BytesParser(policy=compat32).parsebytes(raw, headersonly=True)


def _is_reply(message: Message) -> bool:
    """Vacation notices say so (RFC 3834). Others name our Message-ID; but so does Outlook when it forwards."""
    if _header(message, "Auto-Submitted").strip().lower().startswith("auto-replied"):
        return True
    if not candidates(_header(message, "In-Reply-To")):
        return False
    subject = _decoded(_header(message, "Subject")[:MAX_SUBJECT])
    return _REPLY_PREFIX.match(subject) is not None or not candidates(subject)


def is_whole(raw: bytes, token: Token, sender: str, recipient: str) -> bool:
    """Whether our text is there, as a whole, in a plain message that nothing wrapped; True where that cannot be said.

    What others write above or below, and spaces at line ends, do not count.
    """
    message = _parsed(raw)
    if message.get_content_type() != "text/plain" or token.word not in _header(message, "Message-ID").lower():
        return True
    body = _content(message).encode("latin-1").decode("utf-8", "replace")
    return _squeezed(_text(token, sender, recipient)) in _squeezed(body)


def _text(token: Token, sender: str, recipient: str) -> str:
    return _BODY.format(token=token.word, sender=sender, recipient=recipient)


def _squeezed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


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
    data = payload.encode("utf-8", "surrogateescape")
    if encoding == "quoted-printable":
        data = decodestring(data)
    elif encoding == "base64":
        letters = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
        data = b64decode(letters[: len(letters) // 4 * 4])
    return data.decode("latin-1")
