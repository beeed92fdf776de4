"""What must not leave a session: its passwords and tokens, however a server repeats them.

Servers repeat the command that they do not like, and they cut it, fold it, change its case, decode or escape it (Exim,
sendmail: `500 5.5.1 Command unrecognized: "…"`). So a piece of a secret is hidden, too, in every usual encoding.
"""

import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from html import unescape

HIDDEN = "<secret>"
RUN = 8  # characters of a secret in a row that are hidden
MOST = 1 << 12  # characters of a text that are looked at; the rest is dropped
_LONG = 256  # characters; a token, which nobody encodes but as the word of a login
_SHORT = 4  # characters; a shorter password stands in too many words to be hidden after the login
_NOT_ASCII = re.compile(r"[^\x20-\x7e]+")
_BLANK = r"[\s\\\x00-\x1f\x7f-\x9f\u200b\u2060\ufeff]+"  # with backslashes, so that escaped quotes do not matter
_BLANKS = re.compile(_BLANK)
_DROPPED = re.compile(
    r"(?:^|(?<=\n))(?:[245]\.\d{1,3}\.\d{1,3}[ \t]|(?:\S{1,20} )?(?:ok|no|bad|bye|[+]ok|-err)[ \t])|" + _BLANK
)
"""What may stand between the pieces of a secret: blanks, and what a line of a reply begins with."""

_ESCAPE = re.compile(
    r"[%=+][0-9a-f]{2}|=\r?\n|\\x[0-9a-f]{2}|\\u[0-9a-f]{4}|\\[0-7]{3}|&(?:#\d{1,6}|#x[0-9a-f]{1,5}|[a-z]{2,6});|&-"
)
"""Of URLs, quoted-printable, xtext (RFC 3461), C, JSON, HTML and modified UTF-7, in small letters."""

_Piece = tuple[str, int, int]  # a text, and where in the original it begins and ends


class Redaction:
    """The secrets of one session, from the moment when they are learnt to its end."""

    def __init__(self) -> None:
        self._runs: set[str] = set()
        self._wholes: set[str] = set()
        self._short: list[re.Pattern[str]] = []
        self._until_login: list[re.Pattern[str]] = []
        self._tail = ""  # of what was looked at last: a secret may go on in the next response

    def learn(self, *secrets: str) -> None:
        """Passwords, tokens, proofs. Bytes that are no text stand in them as surrogates."""
        for secret in filter(None, secrets):
            if len(_bare(secret)) < RUN:
                self._learn_short(secret)
            else:
                self.learn_word(b64encode(_bytes(secret)).decode())
            for form in _forms(secret):
                self._learn_form(form)

    def learn_word(self, word: str) -> None:
        """A word in base64 that holds a secret, and perhaps a user name, as it goes over the wire."""
        self._learn_form(word)
        if bare := _bare(word):
            self._wholes.add(bare)

    def logged_in(self) -> None:
        """The server has taken the login: passwords of up to three characters are no longer hidden, but in base64."""
        self._until_login = []

    def clean(self, text: str) -> str:
        """`text` without secrets, at most MOST characters of it. Line ends stay where they are."""
        if len(text) > MOST:
            text = text[: MOST - 1] + "…"
        if not (self._runs or self._wholes or self._short or self._until_login):
            return text
        small = _small(text)
        hidden = bytearray(len(text))
        for pattern in (*self._short, *self._until_login):
            for match in pattern.finditer(text):
                _mark(hidden, match.start(), match.end())
        before, bare = self._tail, _DROPPED.sub("", small)
        self._tail = (before + bare)[-RUN + 1 :]
        if self._is_in(before + bare):
            self._mark(before, _pieces(small, _DROPPED, _nothing), hidden)
        if _ESCAPE.search(small) and self._is_in(_DROPPED.sub("", _small(_ESCAPE.sub(_unescaped, small)))):
            self._mark("", _decoded(small), hidden)
        return _masked(text, hidden) if any(hidden) else text

    def _learn_form(self, form: str) -> None:
        bare = _bare(form)
        self._runs.update(bare[n : n + RUN] for n in range(len(bare) - RUN + 1))

    def _learn_short(self, secret: str) -> None:
        flags = re.IGNORECASE if len(secret) >= _SHORT else re.NOFLAG
        quoted = re.sub(r'(["\\])', r"\\\1", secret)
        alone = re.compile(rf"(?<![^\W_])(?:{re.escape(secret)}|{re.escape(quoted)})(?![^\W_])", flags)
        (self._short if len(secret) >= _SHORT else self._until_login).append(alone)
        encoded = re.escape(b64encode(_bytes(secret)).decode().rstrip("="))
        self._short.append(re.compile(rf"(?<![\w+/]){encoded}(?![\w+/])={{0,2}}"))

    def _is_in(self, bare: str) -> bool:
        """Whether any of it is a secret: quickly, since most often none is."""
        runs = (bare[n : n + RUN] for n in range(len(bare) - RUN + 1))
        return not self._runs.isdisjoint(runs) or any(whole in bare for whole in self._wholes)

    def _mark(self, before: str, pieces: Iterable[_Piece], hidden: bytearray) -> None:
        """Marks what is a secret, alone or together with what came `before`."""
        found = list(pieces)
        bare = before + "".join(piece for piece, _, _ in found)
        places = [(0, 0)] * len(before)
        for piece, start, end in found:
            alike = len(piece) == end - start
            places += [(start + n, start + n + 1) if alike else (start, end) for n in range(len(piece))]
        hits = [(n, n + RUN) for n in range(len(bare) - RUN + 1) if bare[n : n + RUN] in self._runs]
        for whole in self._wholes:
            hits += [match.span() for match in re.finditer(re.escape(whole), bare)]
        for start, end in hits:
            if end > len(before):
                _mark(hidden, places[max(start, len(before))][0], places[end - 1][1])


def _bytes(secret: str) -> bytes:
    return secret.encode("utf-8", "surrogateescape")


def _forms(secret: str) -> Iterator[str]:
    """The secret as it is, and in every encoding whose pieces look different."""
    yield secret
    raw = _bytes(secret)
    yield raw.decode("latin-1")
    if len(secret) > _LONG:
        return
    for coded in (raw, secret.encode("utf-16-le", "surrogatepass"), secret.encode("utf-16-be", "surrogatepass")):
        yield coded.hex()
        for before in range(3):  # the place in a group of three bytes
            yield from _base64_inside(coded, before)
    if not secret.isascii():
        yield _NOT_ASCII.sub(_modified_utf7, secret.replace("&", "&-"))


def _modified_utf7(match: re.Match[str]) -> str:
    """RFC 3501 section 5.1.3."""
    coded = b64encode(match[0].encode("utf-16-be", "surrogatepass")).decode()
    return f"&{coded.rstrip('=').replace('/', ',')}-"


def _base64_inside(raw: bytes, before: int) -> Iterator[str]:
    """What base64 makes of it after so many other bytes, without the characters that others have a part in."""
    first, last = -(-8 * before // 6), 8 * (before + len(raw)) // 6
    padded = bytes(before) + raw
    yield b64encode(padded).decode()[first:last]
    yield urlsafe_b64encode(padded).decode()[first:last]


def _small(text: str) -> str:
    """In small letters, each in its place."""
    if text.isascii():
        return text.lower()
    return "".join(small if len(small := char.lower()) == 1 else char for char in text)


def _bare(form: str) -> str:
    return _BLANKS.sub("", _small(form))


def _nothing(match: re.Match[str]) -> str:
    return ""


def _pieces(text: str, pattern: re.Pattern[str], meaning: Callable[[re.Match[str]], str]) -> Iterator[_Piece]:
    """The text with something else in the place of each match."""
    end = 0
    for match in pattern.finditer(text):
        if match.start() > end:
            yield text[end : match.start()], end, match.start()
        end = match.end()
        if meant := meaning(match):
            yield meant, match.start(), end
    yield text[end:], end, len(text)


def _decoded(text: str) -> Iterator[_Piece]:
    """With escapes decoded, and then without what is dropped."""
    for piece, start, end in _pieces(text, _ESCAPE, _unescaped):
        if len(piece) != end - start or end - start == 1:
            if not _DROPPED.fullmatch(piece):
                yield _small(piece), start, end
            continue
        for part, begins, ends in _pieces(piece, _DROPPED, _nothing):
            yield part, start + begins, start + ends


def _unescaped(match: re.Match[str]) -> str:
    return _meaning(match[0])


@lru_cache(maxsize=1024)
def _meaning(escape: str) -> str:
    if escape[0] == "&":
        return "&" if escape == "&-" else unescape(escape)
    if escape.startswith("=") and escape.endswith("\n"):
        return ""
    digits = escape.lstrip("%=+\\xu")
    return chr(int(digits, 8 if escape[0] == "\\" and len(digits) == 3 else 16))


def _mark(hidden: bytearray, start: int, end: int) -> None:
    hidden[start:end] = b"\1" * (end - start)


def _masked(text: str, hidden: bytearray) -> str:
    parts, end = [], 0
    for match in re.finditer(rb"\x01+", hidden):
        inside = text[match.start() : match.end()].split("\n")
        parts += [text[end : match.start()], "\n".join(HIDDEN if line.strip() else line for line in inside)]
        end = match.end()
    return "".join((*parts, text[end:])).replace(f'"{HIDDEN}"', HIDDEN)
