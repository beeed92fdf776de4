"""Removes a session's passwords and tokens from text, however a server repeats them.

Servers repeat rejected commands, and cut, fold, decode or escape them, or change their case (Exim,
sendmail: `500 5.5.1 Command unrecognized: "…"`). So parts of a secret are hidden, too, in every
usual encoding.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from html import unescape

from exporter.core.model import ProbeError
from exporter.net.encodings import (
    BLANK,
    PIECE,
    STRIDE,
    bare,
    letter,
    letters,
    pieces_of,
    runs_in,
    runs_of,
    small,
    to_bytes,
    without_blanks,
)
from exporter.net.encodings import RUN as RUN

HIDDEN = "<secret>"
MOST = 1 << 12  # characters of a text that are looked at; the rest is dropped
_SHORT = 4  # characters; a shorter password is in too many words to be hidden after the login
_BEGINNING = r"(?:[245]\.\d{1,3}\.\d{1,3}[ \t]|(?:\S{1,20} )?(?:ok|no|bad|bye|[+]ok|-err)[ \t])"
_BEGINS = re.compile(_BEGINNING)
_DROPPED = re.compile(rf"(?:^|(?<=\n)){_BEGINNING}|{BLANK}")
"""What may stand between the pieces of a secret: blanks, and what a line of a reply begins with."""

_ESCAPE = re.compile(
    r"[%=+][0-9a-f]{2}|%u[0-9a-f]{4}|=\r?\n|\\x[0-9a-f]{2}|\\u[0-9a-f]{4}|\\[ux]\{[0-9a-f]{1,5}\}|\\[0-7]{3}"
    r"|&(?:#\d{1,6};?|#x[0-9a-f]{1,5};?|[a-z]{2,24}\d{0,2};)|&-"
)
"""Of URLs, quoted-printable, xtext (RFC 3461), C, JSON, HTML and modified UTF-7, in small
letters."""
_MAY_ESCAPE = re.compile(r"[%=+\\&]")  # what an escape begins with

_Piece = tuple[str, int, int]  # a text, and where in the original it begins and ends


class Redaction:
    """The secrets of one session, hidden from the moment they are known."""

    def __init__(self) -> None:
        self._known: set[str] = set()  # what was learned
        self._runs: set[str] = set()
        self._pieces: set[str] = set()  # of the runs
        self._wholes: set[str] = set()
        self._short: list[re.Pattern[str]] = []
        self._until_login: list[re.Pattern[str]] = []
        # Of what was looked at last, as it is and its letters: a secret may go on in the next
        # response.
        self._tail, self._tail_of_letters = "", ""

    def learn(self, *secrets: str) -> None:
        """Adds passwords, tokens or proofs. Surrogates stand for undecodable bytes."""
        for secret in {*filter(None, secrets)} - self._known:
            self._known.add(secret)
            if len(bare(secret)) < RUN:
                self._learn_short(secret)
            else:
                self.learn_word(b64encode(to_bytes(secret)).decode())
            self._runs.update(runs_of(secret))
            self._pieces.update(pieces_of(secret))

    def learn_login(self, user: str, password: str) -> None:
        """Adds a password, and the response of PLAIN (RFC 4616), also for a short password."""
        self.learn(password)
        if password:
            self.learn_word(b64encode(to_bytes(f"\0{user}\0{password}")).decode())

    def learn_word(self, word: str) -> None:
        """Adds a base64 word that contains a secret, and perhaps a username, as it is sent."""
        self._runs.update(runs_in(word))
        self._pieces.update(runs_in(word, PIECE))
        if whole := bare(word):
            self._wholes.add(whole)

    def logged_in(self) -> None:
        """Notes a successful login: from now on, passwords of up to three characters are hidden
        only in base64."""
        self._until_login = []

    def clean(self, text: str) -> str:
        """`text` without secrets, at most MOST characters. Line ends are kept."""
        if len(text) > MOST:
            text = text[: MOST - 1] + "…"
        if not (self._runs or self._wholes or self._short or self._until_login):
            return text
        low = small(text)
        hidden = bytearray(len(text))
        for pattern in (*self._short, *self._until_login):
            for match in pattern.finditer(text):
                _mark(hidden, match.start(), match.end())
        before, kept = self._tail, _without_dropped(low)
        self._tail = (before + kept)[-RUN + 1 :]
        before_letters, kept_letters = self._tail_of_letters, letters(kept)
        self._tail_of_letters = (before_letters + kept_letters)[-RUN + 1 :]
        if self._is_in(before + kept) or self._is_in(before_letters + kept_letters):
            found = list(_pieces(low, _DROPPED, _nothing))
            self._mark(before, found, hidden)
            self._mark(before_letters, _letters_of(found), hidden)
        if _MAY_ESCAPE.search(low) and _ESCAPE.search(low):
            decoded = _without_dropped(small(_ESCAPE.sub(_unescaped, low)))
            if self._is_in(decoded) or self._is_in(letters(decoded)):
                found = list(_decoded(low))
                self._mark("", found, hidden)
                self._mark("", _letters_of(found), hidden)
        return _masked(text, hidden) if any(hidden) else text

    @contextmanager
    def of_errors(self) -> Iterator[None]:
        """Cleans a ProbeError that leaves its block: it may contain text of a server."""
        try:
            yield
        except ProbeError as error:
            error.detail = self.clean(error.detail)
            error.args = (f"{error.reason}: {error.detail}",)
            raise

    def _learn_short(self, secret: str) -> None:
        flags = re.IGNORECASE if len(secret) >= _SHORT else re.NOFLAG
        quoted = re.sub(r'(["\\])', r"\\\1", secret)
        spaced = (
            r"[\W_]?".join(map(re.escape, secret)) if len(secret) >= _SHORT else re.escape(secret)
        )
        alone = re.compile(rf"(?<![^\W_])(?:{spaced}|{re.escape(quoted)})(?![^\W_])", flags)
        (self._short if len(secret) >= _SHORT else self._until_login).append(alone)
        encoded = re.escape(b64encode(to_bytes(secret)).decode().rstrip("="))
        self._short.append(re.compile(rf"(?<![\w+/]){encoded}(?![\w+/])={{0,2}}"))

    def _is_in(self, text: str) -> bool:
        """Whether the text contains a secret; fast, since usually it does not."""
        if any(whole in text for whole in self._wholes):
            return True
        places = range(0, len(text) - PIECE + 1, STRIDE)
        if self._pieces.isdisjoint([text[n : n + PIECE] for n in places]):
            return False
        return not self._runs.isdisjoint(text[n : n + RUN] for n in range(len(text) - RUN + 1))

    def _mark(self, before: str, pieces: Iterable[_Piece], hidden: bytearray) -> None:
        """Marks secrets in the text, alone or together with the text `before`."""
        found = list(pieces)
        text = before + "".join(piece for piece, _, _ in found)
        places = [(0, 0)] * len(before)
        for piece, start, end in found:
            alike = len(piece) == end - start
            places += [
                (start + n, start + n + 1) if alike else (start, end) for n in range(len(piece))
            ]
        hits = [(n, n + RUN) for n in range(len(text) - RUN + 1) if text[n : n + RUN] in self._runs]
        for whole in self._wholes:
            hits += [match.span() for match in re.finditer(re.escape(whole), text)]
        for start, end in hits:
            if end > len(before):
                _mark(hidden, places[max(start, len(before))][0], places[end - 1][1])


def _without_dropped(low: str) -> str:
    if "\n" in low:
        return _DROPPED.sub("", low)
    beginning = _BEGINS.match(low)
    return without_blanks(low[beginning.end() :] if beginning else low)


def _nothing(match: re.Match[str]) -> str:
    return ""


def _pieces(
    text: str, pattern: re.Pattern[str], meaning: Callable[[re.Match[str]], str]
) -> Iterator[_Piece]:
    """The text with each match replaced."""
    end = 0
    for match in pattern.finditer(text):
        if match.start() > end:
            yield text[end : match.start()], end, match.start()
        end = match.end()
        if meant := meaning(match):
            yield meant, match.start(), end
    yield text[end:], end, len(text)


def _decoded(text: str) -> Iterator[_Piece]:
    """The text with escapes decoded, and then without the characters to drop."""
    for piece, start, end in _pieces(text, _ESCAPE, _unescaped):
        if len(piece) != end - start or end - start == 1:
            if not _DROPPED.fullmatch(piece):
                yield small(piece), start, end
            continue
        for part, begins, ends in _pieces(piece, _DROPPED, _nothing):
            yield part, start + begins, start + ends


def _letters_of(pieces: Iterable[_Piece]) -> Iterator[_Piece]:
    """The letters and digits with their positions."""
    for piece, start, end in pieces:
        alike = len(piece) == end - start
        for n, char in enumerate(piece):
            if kept := letter(char):
                yield kept, start + n if alike else start, start + n + 1 if alike else end


def _unescaped(match: re.Match[str]) -> str:
    return _meaning(match[0])


@lru_cache(maxsize=1024)
def _meaning(escape: str) -> str:
    if escape[0] == "&":
        return "&" if escape == "&-" else unescape(escape)
    if escape.startswith("=") and escape.endswith("\n"):
        return ""
    digits = escape.strip("%=+\\xu{}")
    return chr(int(digits, 8 if escape[0] == "\\" and len(digits) == 3 else 16))


def _mark(hidden: bytearray, start: int, end: int) -> None:
    hidden[start:end] = b"\1" * (end - start)


def _masked(text: str, hidden: bytearray) -> str:
    parts, end = [], 0
    for match in re.finditer(rb"\x01+", hidden):
        inside = text[match.start() : match.end()].split("\n")
        parts += [
            text[end : match.start()],
            "\n".join(HIDDEN if line.strip() else line for line in inside),
        ]
        end = match.end()
    return "".join((*parts, text[end:])).replace(f'"{HIDDEN}"', HIDDEN)
