"""Matches messages of others by sender and subject. Pure; never raises.

Only headers are read. Who writes a message chooses its `From` and its subject, so a match proves
nothing about who sent it.
"""

import re
from dataclasses import dataclass
from fnmatch import translate
from functools import cached_property
from unicodedata import normalize

from exporter.core.one_line import one_line
from exporter.mail.headers.dates import time_of
from exporter.mail.mime import Part, decoded, headers_of
from exporter.mail.tokens import without_tokens

MOST_BYTES = 32768  # of a header that are looked at
MOST_HEADERS = 200
MOST_FROM = 3  # headers, where there should be one (RFC 5322 section 3.6)
MOST_SENDERS = 20
LONGEST = 1000  # characters of a subject or an address that are compared
SHOWN = 100  # characters of them that are kept
_END = re.compile(rb"\r?\n\r?\n")
# A text that only looks like an address: "a@b.example" <c@d.example>. Comments nest seldom. A quote
# that does not end is read once, to the end of the text, and not again from each quote in it.
_NO_ADDRESS = re.compile(r'"(?:[^"\\]|\\.)*+("?)|\([^()]*+\)')
_IN_BRACKETS = re.compile(r"<([^<>\s]{1,320}+)>")
_BARE = re.compile(r"[^\s<>,;:@]{1,320}@[^\s<>,;:@]{1,320}")


@dataclass(frozen=True)
class Letterhead:
    """What a message says of itself."""

    senders: tuple[str, ...]  # of From; then of the envelope, if the last server has written it
    subject: str
    at: float | None  # when the last server took it, else when it was written; Unix time

    @cached_property
    def compared(self) -> tuple[str, tuple[str, ...]]:
        """The subject and the senders as patterns, of which there may be thousands, compare
        them."""
        return _canonical(self.subject), tuple(map(_canonical, self.senders))

    @property
    def sender(self) -> str:
        """The sender, for people."""
        return one_line(without_tokens(self.senders[0]), SHOWN) if self.senders else "unknown"

    @property
    def title(self) -> str:
        """The subject, for people."""
        return one_line(without_tokens(self.subject), SHOWN)


class Pattern:
    """Which messages are meant: `*` stands for any text, `?` for one character, in any case."""

    def __init__(self, sender: str, subject: str) -> None:
        self._sender, self._subject = _compiled(sender), _compiled(subject)

    def matches(self, head: Letterhead) -> bool:
        """Whether one of the senders and the subject match."""
        subject, senders = head.compared
        return self._subject.match(subject) is not None and any(map(self._sender.match, senders))


def letterhead(raw: bytes) -> Letterhead:
    """Reads the header of a message, which may be cut anywhere."""
    end = _END.search(raw, 0, MOST_BYTES)
    text = raw[: end.end() if end else MOST_BYTES].replace(b"\r\n", b"\n").decode("latin-1")
    part = Part(headers_of(text, MOST_HEADERS)[0], "", "text/plain")
    senders = [one for value in part.all("from")[:MOST_FROM] for one in _addresses(value)]
    senders += _addresses(part.get("return-path"))
    received = part.get("received") or part.get("date")
    at = time_of(received) if received else None
    subject = " ".join(decoded(part.get("subject")).split())
    return Letterhead(tuple(senders[:MOST_SENDERS]), subject, None if at is None else float(at))


def _addresses(value: str) -> list[str]:
    """The addresses in a header. Where there are brackets, only those in them are addresses."""
    bare = _NO_ADDRESS.sub(lambda at: at[0] if at[1] == "" else " ", value[:LONGEST])
    found = _IN_BRACKETS.findall(bare) if "<" in bare else _BARE.findall(bare)
    return [decoded(one) for one in found[:MOST_SENDERS]]


def _compiled(pattern: str) -> re.Pattern[str]:
    # Without backtracking, whatever is compared: see fnmatch.translate. Brackets have no meaning.
    return re.compile(translate(_canonical(pattern).replace("[", "[[]")))


def _canonical(text: str) -> str:
    return normalize("NFC", text[:LONGEST]).casefold()
