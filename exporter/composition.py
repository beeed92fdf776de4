"""Composes the probe message, and tells whether one that came back still has its text as a whole.

The token stands in the Message-ID, in a header of its own, in the Subject and in the body, because every one of them
gets lost somewhere: forwarding strips headers, gateways rewrite subjects, replies keep only References.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from email.header import Header
from email.utils import formatdate
from hashlib import sha256

from exporter.config.header import TOKEN_PLACE
from exporter.tokens import Token

TOKEN_HEADER = "X-Mailtrip-Token"  # noqa: S105
_LINE = 76  # characters of a line of filler


@dataclass(frozen=True, slots=True)
class ProbeMessage:
    """A message ready to leave."""

    sender: str  # of the envelope
    recipient: str
    raw: bytes  # with CRLF line ends


@dataclass(frozen=True, slots=True)
class Content:
    """What a module wants its messages to look like."""

    subject: str = f"mailtrip {TOKEN_PLACE}"  # the token is added at the end if there is no place for it
    headers: tuple[tuple[str, str], ...] = ()  # on top of ours
    size: int = 0  # bytes that the message has at least; without filler it has about one thousand


_BODY = """\
{token}

This is a test message of mailtrip, the e-mail round-trip exporter for
Prometheus. It travels from {sender} to {recipient},
proves that this path works, and is deleted on arrival by the program
that sent it. If you read this in your mailbox, it may be deleted too.
"""


def compose(token: Token, sender: str, recipient: str, sent_at: float, content: Content = Content()) -> ProbeMessage:
    """The probe message with its envelope; `sent_at` in seconds since the epoch.

    Auto-Submitted (RFC 3834) and X-Auto-Response-Suppress (Exchange) keep vacation replies away.
    """
    ascii_only = sender.isascii() and recipient.isascii()
    headers = {
        "From": f"<{sender}>",
        "To": f"<{recipient}>",
        "Subject": _subject(content.subject, token),
        "Date": formatdate(sent_at),
        "Message-ID": f"<{token.word}@{_ascii_domain(sender)}>",
        TOKEN_HEADER: token.word,
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        **{name: _encoded(name, value) for name, value in content.headers},
        "MIME-Version": "1.0",
        "Content-Type": f"text/plain; charset={'us-ascii' if ascii_only else 'utf-8'}",
        "Content-Transfer-Encoding": "7bit" if ascii_only else "8bit",
    }
    head = "".join(f"{name}: {value}\n" for name, value in headers.items())
    text = _BODY.format(token=token.word, sender=sender, recipient=recipient)
    last_line = len(_seal(token, text)) + 3
    bare = len(f"{head}\n{text}".replace("\n", "\r\n").encode()) + last_line
    text += "".join(_filler(content.size - bare))
    whole = f"{head}\n{text}{_seal(token, text)}\n"
    return ProbeMessage(sender, recipient, whole.replace("\n", "\r\n").encode())


def _subject(wanted: str, token: Token) -> str:
    """The token stands outside of encoded words, so that whoever searches for it can read it."""
    before, place, after = wanted.partition(TOKEN_PLACE)
    parts = (_encoded("Subject", before.strip()), token.word, _encoded("Subject", after.strip() if place else ""))
    return " ".join(filter(None, parts))


def _encoded(name: str, value: str) -> str:
    """As it stands, or in encoded words (RFC 2047), folded."""
    return value if value.isascii() else Header(value, "utf-8", header_name=name).encode()


def _ascii_domain(address: str) -> str:
    domain = address.rpartition("@")[2]
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:
        return "localhost"


def _filler(size: int) -> Iterator[str]:
    """Lines that make up so many bytes with their CRLF, or a few more."""
    if size > 0:
        yield "\n"
    for number in range(1, -(-(size - 2) // (_LINE + 2)) + 1):
        yield f"This line, number {number}, only gives the message its size. ".ljust(_LINE, ".") + "\n"


def _seal(token: Token, text: str) -> str:
    """The last line: a digest of the lines above it, from the one with the token on."""
    return f"{token.word} {sha256(_squeezed(text).encode()).hexdigest()[:32]}"


def is_sealed(body: str, token: Token) -> bool:
    """Whether our text is in a body as a whole. What others wrote above or below, and trailing spaces, do not count.

    The digest travels in the message, so nothing need be known of how it was composed.
    """
    lines = _squeezed(body).splitlines()
    try:
        first = lines.index(token.word)
        last = next(n for n in range(first + 1, len(lines)) if lines[n].startswith(f"{token.word} "))
    except (ValueError, StopIteration):
        return False
    return lines[last] == _seal(token, "\n".join(lines[first:last]))


def _squeezed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())
