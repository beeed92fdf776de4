"""The forms in which a server may repeat a secret: encodings, and text with separators."""

import re
import unicodedata
from base64 import b32encode, b64encode, urlsafe_b64encode
from codecs import encode
from collections.abc import Iterator
from functools import lru_cache

RUN = 8  # characters of a secret in a row that are hidden
STRIDE = 4  # characters between two places where a text is searched for a piece of a run
PIECE = RUN - STRIDE + 1  # characters: every run has a piece that begins at such a place
# with backslashes, so that escaped quotes do not matter
BLANK = r"[\s\\\x00-\x1f\x7f-\x9f\u200b\u2060\ufeff]+"
_BLANKS = re.compile(BLANK)
_ASCII = [chr(code) for code in range(128)]
_NO_BLANKS = dict.fromkeys(map(ord, filter(_BLANKS.match, _ASCII)))
_ONLY_LETTERS = {ord(char): char.lower() if char.isalnum() else None for char in _ASCII}
_LONG = 256  # characters; a token, which is encoded in base64 only


def to_bytes(secret: str) -> bytes:
    """The bytes of a secret, in which surrogates stand for undecodable ones."""
    return secret.encode("utf-8", "surrogateescape")


def small(text: str) -> str:
    """The text in lower case, with the same length."""
    if text.isascii():
        return text.lower()
    return "".join(low if len(low := char.lower()) == 1 else char for char in text)


def without_blanks(text: str) -> str:
    return text.translate(_NO_BLANKS) if text.isascii() else _BLANKS.sub("", text)


def bare(text: str) -> str:
    """The text in lower case without blanks."""
    return without_blanks(small(text))


def letters(text: str) -> str:
    """Only the letters and digits: in lower case, without accents, full-width ones as ASCII."""
    if text.isascii():
        return text.translate(_ONLY_LETTERS)
    return "".join(map(letter, text))


@lru_cache(maxsize=1024)
def letter(char: str) -> str:
    """One character as in `letters`; may be empty."""
    base = unicodedata.normalize("NFKD", char)[:1]
    return small(base) if base.isalnum() else ""


@lru_cache(maxsize=256)
def runs_of(secret: str) -> frozenset[str]:
    """Every substring of fixed length of a secret in every form, to be searched in `bare` text, or
    in `letters`."""
    return frozenset(run for form in _forms(secret) for run in runs_in(form))


def runs_in(form: str, size: int = RUN) -> Iterator[str]:
    """The substrings of one form, unchanged and of its letters only. None if it is shorter than a
    run."""
    for text in (bare(form), letters(form)):
        if len(text) >= RUN:
            yield from (text[n : n + size] for n in range(len(text) - size + 1))


@lru_cache(maxsize=256)
def pieces_of(secret: str) -> frozenset[str]:
    """The pieces of `runs_of`."""
    return frozenset(piece for form in _forms(secret) for piece in runs_in(form, PIECE))


def _forms(secret: str) -> Iterator[str]:
    """The secret unchanged, and in every encoding that changes its pieces."""
    yield secret
    raw = to_bytes(secret)
    yield raw.decode("latin-1")
    for before in range(3):  # the place in a group of three bytes
        yield from _base64_inside(raw, before)
    if len(secret) > _LONG:
        return
    yield from (secret[::-1], encode(secret, "rot13"))
    yield from _numbers(raw)
    for coded in (
        raw,
        secret.encode("utf-16-le", "surrogatepass"),
        secret.encode("utf-16-be", "surrogatepass"),
    ):
        yield coded.hex()
        for before in range(5):
            yield _base32_inside(coded, before)
        for before in range(3):
            yield from _base64_inside(coded, before)
    yield from _utf7(secret)


def _numbers(raw: bytes) -> Iterator[str]:
    """The numbers of each byte, with any separator."""
    yield "".join(map(str, raw))
    for form in ("03d", "o", "03o", "#04x", "04x"):
        yield "".join(format(byte, form) for byte in raw)
    yield "".join(f"u+{byte:04x}" for byte in raw)


def _utf7(secret: str) -> Iterator[str]:
    """UTF-7 (RFC 2152), and IMAP's modification for names of folders (RFC 3501 section 5.1.3)."""
    text = secret.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    coded = text.encode("utf-7").decode()
    yield coded
    if not text.isascii():
        modified, other = "", ""
        for char in text.replace("&", "&-") + "\0":
            if not char.isascii():
                other += char
                continue
            if other:
                base64 = b64encode(other.encode("utf-16-be")).decode().rstrip("=").replace("/", ",")
                modified, other = f"{modified}&{base64}-", ""
            modified += char
        yield modified[:-1]


def _base64_inside(raw: bytes, before: int) -> Iterator[str]:
    """The base64 text after so many other bytes, without the characters that depend on others."""
    first, last = -(-8 * before // 6), 8 * (before + len(raw)) // 6
    padded = bytes(before) + raw
    yield b64encode(padded).decode()[first:last]
    yield urlsafe_b64encode(padded).decode()[first:last]


def _base32_inside(raw: bytes, before: int) -> str:
    first, last = -(-8 * before // 5), 8 * (before + len(raw)) // 5
    return b32encode(bytes(before) + raw).decode()[first:last]
