"""Composes the probe message, and checks whether the text of an arrived one is complete.

The token is in the Message-ID, in a separate header, in the Subject and in the body, because any of
them may get lost: forwarding strips headers, gateways rewrite subjects, replies keep only
References.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.header import Header
from email.utils import formatdate
from hashlib import sha256
from itertools import islice

from exporter.config.header import TOKEN_PLACE
from exporter.core.home import Home
from exporter.mail.own_content import LONGEST_LINE as LONGEST_LINE
from exporter.mail.own_content import OwnContent, OwnMessage
from exporter.mail.payloads import attachment_of, line_of
from exporter.mail.seal import squeezed
from exporter.mail.tokens import Token

TOKEN_HEADER = "X-Mailtrip-Token"  # noqa: S105
_SEAL = "mailtrip digest"
_MOST_TRIES = 3  # places where the text may begin, and where it may end


@dataclass(frozen=True, slots=True)
class ProbeMessage:
    """A message ready to be sent."""

    sender: str  # of the envelope
    recipient: str
    raw: bytes  # with CRLF line ends
    # The name under which a server is to report its delivery (ENVID); empty: only failures.
    envelope_id: str = ""

    @property
    def needs_utf8(self) -> bool:
        """Whether its addresses need SMTPUTF8 (RFC 6531)."""
        return not (self.sender.isascii() and self.recipient.isascii())


@dataclass(frozen=True, slots=True)
class Content:
    """The options of a module for its messages."""

    # The token is added at the end if there is no place for it.
    subject: str = f"mailtrip {TOKEN_PLACE}"
    headers: tuple[tuple[str, str], ...] = ()  # on top of ours
    size: int = 0  # bytes that the message has at least; without filler it has about one thousand
    payload: str = ""  # what a filter must react to, see payloads.py
    home: Home = Home.MESSAGE  # what is to come of it
    own: OwnContent | None = None  # instead of our text, and beside it


_AUTOMATIC = {"Auto-Submitted": "auto-generated"}
_SUPPRESSING: dict[Home, dict[str, str]] = {
    Home.MESSAGE: {**_AUTOMATIC, "X-Auto-Response-Suppress": "All"},
    Home.REPLY: {},
    Home.DELIVERY_STATUS: {**_AUTOMATIC, "X-Auto-Response-Suppress": "RN, NRN, OOF, AutoReply"},
}
"""The headers that keep automatic answers away."""
_BODY = """\
{token}

This is a test message of mailtrip, the e-mail round-trip exporter for
Prometheus. It proves that the path from its sender to its recipient
works, and is deleted on arrival by the program that sent it. If you
read this in your mailbox, it may be deleted too.

{sender}
{recipient}
"""
OPENING = "This is a test message of mailtrip, the e-mail round-trip exporter for Prometheus."
_PURPOSE = """\

It also tests a filter, with the harmless payload {payload}.
"""
_DIGEST = re.compile(rf"{_SEAL.replace(' ', '')}([0-9a-f]{{32}})(?![0-9a-f])")


def compose(
    token: Token, sender: str, recipient: str, sent_at: float, content: Content = Content()
) -> ProbeMessage:
    """The probe message with its envelope; `sent_at` in seconds since the epoch.

    Auto-Submitted (RFC 3834) and X-Auto-Response-Suppress (Exchange) keep vacation replies away,
    unless one is to come home. A responder may not answer to a message that says that a program
    made it (RFC 3834 section 2), and Exchange reports no delivery of one that has `All`.
    """
    payload, attachment = content.payload, attachment_of(content.payload)
    ascii_only = sender.isascii() and recipient.isascii()
    kind = {
        "Content-Type": f"text/plain; charset={'us-ascii' if ascii_only else 'utf-8'}",
        "Content-Transfer-Encoding": "7bit" if ascii_only else "8bit",
    }
    headers = {
        # A forged sender is the recipient, so that no reply and no report goes to anybody else.
        "From": f"<{recipient if payload == 'forged_from' else sender}>",
        "To": f"<{recipient}>",
        "Subject": _subject(content.subject, token),
        "Date": formatdate(sent_at),
        "Message-ID": f"<{token.word}@{_ascii_domain(sender)}>",
        TOKEN_HEADER: token.word,
        **_SUPPRESSING[content.home],
        **{name: _encoded(name, value) for name, value in content.headers},
        "MIME-Version": "1.0",
    }
    ends = (f"From: {sender}"[:LONGEST_LINE], f"To: {recipient}"[:LONGEST_LINE])
    text = _BODY.format(token=token.word, sender=ends[0], recipient=ends[1])
    if content.own and content.own.body:
        text = content.own.body
    if payload:
        text += _PURPOSE.format(payload=payload)
    if line := line_of(payload):
        text += f"\n{line}\n"
    envelope_id = token.word if content.home is Home.DELIVERY_STATUS else ""
    if content.own:
        others = (attachment,) if attachment else ()
        own = OwnMessage(content.own, text, token.word, boundary(token), others)
        raw = _with_own(headers, own, content.size)
        return ProbeMessage(sender, recipient, raw, envelope_id)
    before, after = "", ""
    if attachment:
        limit = boundary(token)
        before = f"--{limit}\n{_lines(kind)}\n"
        after = f"\n--{limit}\n{attachment.part()}\n--{limit}--\n"
        kind = {"Content-Type": f'multipart/mixed; boundary="{limit}"'}
    head = _lines(headers | kind)
    last_line = len(_seal(text)) + 3
    around = f"{head}\n{before}{text}{after}"
    bare = len(around.replace("\n", "\r\n").encode()) + last_line
    text += "".join(_filler(content.size - bare))
    whole = f"{head}\n{before}{text}{_seal(text)}\n{after}"
    return ProbeMessage(sender, recipient, whole.replace("\n", "\r\n").encode(), envelope_id)


def _with_own(headers: Mapping[str, str], own: OwnMessage, size: int) -> bytes:
    """The message with own content, and at least so many bytes."""

    def made(filler: str) -> bytes:
        described, content = own.written(filler)
        return f"{_lines({**headers, **described})}\n{content}".replace("\n", "\r\n").encode()

    raw = made("")
    return raw if len(raw) >= size else made("".join(_filler(size - len(raw))))


def boundary(token: Token) -> str:
    """Between the parts of a message that has an attachment (RFC 2046 section 5.1.1)."""
    return f"mailtrip-{token.trip}"


def _lines(headers: Mapping[str, str]) -> str:
    return "".join(f"{name}: {value}\n" for name, value in headers.items())


def _subject(wanted: str, token: Token) -> str:
    """The subject, with the token outside of encoded words, so that a search finds it."""
    before, place, after = wanted.partition(TOKEN_PLACE)
    parts = (
        _encoded("Subject", before.strip()),
        token.word,
        _encoded("Subject", after.strip() if place else ""),
    )
    return " ".join(filter(None, parts))


def _encoded(name: str, value: str) -> str:
    """The text unchanged, or in encoded words (RFC 2047), folded."""
    return value if value.isascii() else Header(value, "utf-8", header_name=name).encode()


def _ascii_domain(address: str) -> str:
    domain = address.rpartition("@")[2]
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:
        return "localhost"


def _filler(size: int) -> Iterator[str]:
    """Filler lines of so many bytes with their CRLF, or a few more. None begins with a dot."""
    if size > 0:
        yield "\n"
    for number in range(1, -(-(size - 2) // (LONGEST_LINE + 2)) + 1):
        yield (
            f"This line, number {number}, only gives the message its size".ljust(LONGEST_LINE, "~")
            + "\n"
        )


def _seal(text: str) -> str:
    """The last line: a digest of the text above it, starting at the line with the token."""
    return f"{_SEAL} {_digest(squeezed(text))}"


def _digest(text: str) -> str:
    return sha256(text.strip("\n").encode()).hexdigest()[:32]


def is_sealed(body: str, token: Token) -> bool:
    """Whether our complete text is in a body. Ignores text above or below, and line breaks, since
    servers rewrap lines (RFC 3676, and without it).

    The digest is in the message, so the original text is not needed.
    """
    text = squeezed(body)
    starts = list(islice(_places_of(token.word, text), _MOST_TRIES))
    ends = list(islice(_DIGEST.finditer(text), _MOST_TRIES))
    found = (
        _digest(text[start : end.start()]) == end[1]
        for start in starts
        for end in ends
        if start < end.start()
    )
    return any(found) or _is_sealed_as_before(body, token)


def _places_of(word: str, text: str) -> Iterator[int]:
    place = text.find(word)
    while place >= 0:
        yield place
        place = text.find(word, place + len(word))


def _is_sealed_as_before(body: str, token: Token) -> bool:
    """Like `is_sealed`, for a late message of mailtrip 0.1, whose last line had 87 characters."""
    lines = [line.rstrip() for line in body.strip().splitlines()]
    try:
        first = lines.index(token.word)
        last = next(
            n for n in range(first + 1, len(lines)) if lines[n].startswith(f"{token.word} ")
        )
    except (ValueError, StopIteration):
        return False
    digest = sha256("\n".join(lines[first:last]).strip().encode()).hexdigest()[:32]
    return lines[last] == f"{token.word} {digest}"


def dot_stuffed(message: bytes) -> bytes:
    """The message, with CRLF line ends, doubled leading dots and the final dot."""
    return re.sub(rb"(?m)^\.", b"..", message) + b".\r\n"
