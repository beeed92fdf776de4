"""Creates and verifies tokens: signed words that identify our messages, their instance and trip.

A token is one run of lower-case letters and digits, which survives search engines, line folding and
changes of case: `mtrip1`, then the base32 of instance (4 bytes), time (4), trip (7) and a shortened
HMAC-SHA-256 over those (15). Two exporters may share a mailbox: each has a key, the instance is
derived from the key, and a token of another instance is ignored. Exporters that share the key are
one instance.
"""

import base64
import hmac
import os
import re
import secrets
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from pathlib import Path

from exporter.core.private_file import keep_private, open_private

PREFIX = "mtrip1"
_TRIP = 7  # bytes
_SIGNED = 4 + 4 + _TRIP  # bytes: instance, time, trip
_SIGNATURE = 15  # bytes, 120 bits
_LETTERS = (_SIGNED + _SIGNATURE) * 8 // 5
LENGTH = len(PREFIX) + _LETTERS
_TOKEN = re.compile(rf"(?<![a-z0-9]){PREFIX}[a-z2-7]{{{_LETTERS}}}(?![a-z0-9])", re.IGNORECASE)
MAX_CANDIDATES = 50  # a message full of tokens is an attack

KEY_BYTES = 32
_KEY = re.compile(rf"(?:[0-9A-Fa-f]{{2}}){{{KEY_BYTES},}}")


def without_tokens(text: str) -> str:
    """The text without tokens, for readers who must not be able to forge our messages."""
    return _TOKEN.sub("<token>", text)


class Rejection(StrEnum):
    """Why an apparent token is not accepted."""

    BAD_SIGNATURE = "bad_signature"
    FOREIGN_INSTANCE = "foreign_instance"
    MALFORMED = "malformed"


class NotOurs(Exception):
    """A token that does not verify."""

    def __init__(self, why: Rejection) -> None:
        self.why = why
        super().__init__(str(why))


@dataclass(frozen=True, slots=True)
class Token:
    """A token that we created or verified."""

    word: str
    trip: str  # 14 hexadecimal digits; the trip's public name
    minted_at: int  # seconds since the epoch


class Mint:
    """Creates and verifies tokens of one instance. `key` has at least 32 bytes."""

    def __init__(self, key: bytes) -> None:
        if len(key) < KEY_BYTES:
            raise ValueError(f"the token key has {len(key)} bytes; at least {KEY_BYTES} are needed")
        self._key = key
        self._instance = sha256(b"mailtrip instance\0" + key).digest()[:4]

    def mint(self, now: float) -> Token:
        """Creates a token; `now` is in seconds since the epoch."""
        minted_at = int(now)
        trip = bytes.fromhex(new_trip())
        signed = self._instance + (minted_at & 0xFFFFFFFF).to_bytes(4, "big") + trip
        word = PREFIX + base64.b32encode(signed + self._signature(signed)).decode("ascii").lower()
        return Token(word, trip.hex(), minted_at)

    def verify(self, word: str) -> Token:
        """Verifies `word`, in any case, and returns the token. Raises NotOurs."""
        word = word.lower()
        if not _TOKEN.fullmatch(word):
            raise NotOurs(Rejection.MALFORMED)
        decoded = base64.b32decode(word[len(PREFIX) :].upper())
        signed, signature = decoded[:_SIGNED], decoded[_SIGNED:]
        if not hmac.compare_digest(signed[:4], self._instance):
            raise NotOurs(Rejection.FOREIGN_INSTANCE)
        if not hmac.compare_digest(signature, self._signature(signed)):
            raise NotOurs(Rejection.BAD_SIGNATURE)
        return Token(word, signed[8:].hex(), int.from_bytes(signed[4:8], "big"))

    def _signature(self, signed: bytes) -> bytes:
        return hmac.digest(self._key, signed, "sha256")[:_SIGNATURE]


def candidates(text: str) -> list[str]:
    """All words in `text` with the form of a token, each once, in lower case. Limited."""
    if PREFIX not in text and PREFIX not in text.lower():
        return []
    found = (match[0].lower() for match in _TOKEN.finditer(text))
    return list(dict.fromkeys(word for word, _ in zip(found, range(MAX_CANDIDATES), strict=False)))


def new_trip() -> str:
    """A new trip id: 14 hexadecimal digits."""
    return secrets.token_hex(_TRIP)


def new_key() -> bytes:
    return secrets.token_bytes(KEY_BYTES)


def read_key(text: str) -> bytes:
    """Parses a key. Raises ValueError with the cure, without the key."""
    digits = text.strip()
    if not _KEY.fullmatch(digits):
        raise ValueError(
            f"must have {2 * KEY_BYTES} or more hexadecimal digits, two for each byte; "
            f"`openssl rand -hex {KEY_BYTES}` makes one"
        )
    return bytes.fromhex(digits)


def load_key(path: Path) -> bytes:
    """Loads the key in `path`, readable only by us, or creates it. Raises OSError, ValueError."""
    if path.exists():
        keep_private(path)
        return read_key(path.read_text(encoding="ascii", errors="replace"))
    # So that there is never half a key, whenever we are killed.
    key, draft = (new_key(), path.with_suffix(".new"))
    draft.unlink(missing_ok=True)
    with os.fdopen(open_private(draft, os.O_WRONLY | os.O_EXCL), "w", encoding="ascii") as file:
        file.write(key.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    return key
