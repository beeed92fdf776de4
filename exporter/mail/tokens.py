"""Creates and verifies tokens: signed words that identify our messages, their instance and trip.

A token is one run of lower-case letters and digits, which survives search engines, line folding and
changes of case: `mtrip1`, then the base32 of instance (4 bytes), time (4), trip (7) and a shortened
HMAC-SHA-256 over those (15). Two exporters may share a mailbox: each has a key, the instance is
derived from the key, and a token of another instance is ignored. Exporters that share the key are
one instance.

The trip's part of an address (`{trip}` in `from`) is shorter, since a local part has at most 64
octets: `mtrip1`, then the base32 of time (4), trip (7) and a shortened HMAC-SHA-256 (9) for this
purpose alone. Without the key it cannot be made from the trip's public name, nor a token from it.
"""

import base64
import hmac
import re
import secrets
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from exporter.config.address import TRIP_PLACE

PREFIX = "mtrip1"
_TRIP = 7  # bytes
_SIGNED = 4 + 4 + _TRIP  # bytes: instance, time, trip
_SIGNATURE = 15  # bytes, 120 bits
_LETTERS = (_SIGNED + _SIGNATURE) * 8 // 5
_TOKEN = re.compile(rf"(?<![a-z0-9]){PREFIX}[a-z2-7]{{{_LETTERS}}}(?![a-z0-9])", re.IGNORECASE)
_ADDRESS_SIGNATURE = 9  # bytes, 72 bits: it can only be guessed by sending us messages
_ADDRESS_LETTERS = (4 + _TRIP + _ADDRESS_SIGNATURE) * 8 // 5
_ADDRESS_PART = re.compile(
    rf"(?<![a-z0-9]){PREFIX}[a-z2-7]{{{_ADDRESS_LETTERS}}}(?![a-z0-9])", re.IGNORECASE
)
# As they may stand in encoded text: probe=2Bmtrip1…, %2Bmtrip1…
_ANY = re.compile(
    rf"{PREFIX}(?:[a-z2-7]{{{_LETTERS}}}|[a-z2-7]{{{_ADDRESS_LETTERS}}})", re.IGNORECASE
)
MAX_CANDIDATES = 50  # a message full of tokens is an attack

KEY_BYTES = 32
_KEY = re.compile(rf"(?:[0-9A-Fa-f]{{2}}){{{KEY_BYTES},}}")


def without_tokens(text: str) -> str:
    """The text without tokens, for readers who must not be able to forge our messages; and without
    the parts of addresses that stand for them. What stands before or after them does not matter."""
    return _ANY.sub("<token>", text)


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
    address_part: str = ""  # what stands for `{trip}` in an address


class Mint:
    """Creates and verifies tokens of one instance. `key` has at least 32 bytes."""

    def __init__(self, key: bytes) -> None:
        if len(key) < KEY_BYTES:
            raise ValueError(f"the token key has {len(key)} bytes; at least {KEY_BYTES} are needed")
        self._key = key
        self._instance = sha256(b"mailtrip instance\0" + key).digest()[:4]

    def mint(self, now: float) -> Token:
        """Creates a token; `now` is in seconds since the epoch."""
        return self._token((int(now) & 0xFFFFFFFF).to_bytes(4, "big") + bytes.fromhex(new_trip()))

    def verify(self, word: str) -> Token:
        """Verifies `word`, in any case, and returns the token. Raises NotOurs."""
        word = word.lower()
        if not _TOKEN.fullmatch(word):
            raise NotOurs(Rejection.MALFORMED)
        decoded = _decoded(word)
        signed, signature = decoded[:_SIGNED], decoded[_SIGNED:]
        if not hmac.compare_digest(signed[:4], self._instance):
            raise NotOurs(Rejection.FOREIGN_INSTANCE)
        if not hmac.compare_digest(signature, self._signature(signed)):
            raise NotOurs(Rejection.BAD_SIGNATURE)
        return self._token(signed[4:], word)

    def verify_address(self, part: str) -> Token:
        """Verifies the trip's part of an address, in any case, and returns the token of that trip.
        Raises NotOurs."""
        part = part.lower()
        if not _ADDRESS_PART.fullmatch(part):
            raise NotOurs(Rejection.MALFORMED)
        decoded = _decoded(part)
        named, signature = decoded[: 4 + _TRIP], decoded[4 + _TRIP :]
        if not hmac.compare_digest(signature, self._address_signature(named)):
            raise NotOurs(Rejection.BAD_SIGNATURE)
        return self._token(named)

    def _token(self, named: bytes, word: str = "") -> Token:
        """The token of this time and trip; `word` if that is known."""
        signed = self._instance + named
        return Token(
            word or _encoded(signed + self._signature(signed)),
            named[4:].hex(),
            int.from_bytes(named[:4], "big"),
            _encoded(named + self._address_signature(named)),
        )

    def _address_signature(self, named: bytes) -> bytes:
        made_for = b"mailtrip address\0" + self._instance + named
        return hmac.digest(self._key, made_for, "sha256")[:_ADDRESS_SIGNATURE]

    def _signature(self, signed: bytes) -> bytes:
        return hmac.digest(self._key, signed, "sha256")[:_SIGNATURE]


def _encoded(content: bytes) -> str:
    return PREFIX + base64.b32encode(content).decode("ascii").lower()


def _decoded(word: str) -> bytes:
    return base64.b32decode(word[len(PREFIX) :].upper())


def candidates(text: str) -> list[str]:
    """All words in `text` with the form of a token, each once, in lower case. Limited."""
    return _words(_TOKEN, text)


def address_parts(text: str) -> list[str]:
    """All words in `text` with the form of the trip's part of an address, as `candidates`."""
    return _words(_ADDRESS_PART, text)


def without_trip(address: str) -> str:
    """The address as in the configuration, with `{trip}` for the part that has the form of a
    trip's."""
    return _ADDRESS_PART.sub(TRIP_PLACE, address)


def _words(form: re.Pattern[str], text: str) -> list[str]:
    if PREFIX not in text and PREFIX not in text.lower():
        return []
    found = (match[0].lower() for match in form.finditer(text))
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
