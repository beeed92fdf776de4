"""The public keys of signatures, in DNS (RFC 6376 section 3.6)."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from exporter.authentication.lookups import Lookups
from exporter.authentication.tag_list import tags_of, without_blanks
from exporter.authentication.verdict import Result
from exporter.net.signatures.public_key import LEAST_BITS, MOST_BITS, public_key

if TYPE_CHECKING:
    from exporter.net.signatures.public_key import PublicKey

_KEPT = 20  # keys that were read: a module's messages have the same few, and a record up to 64 KiB
MOST_EXPONENT_BITS = 64  # as in OpenSSL, for large moduli: a longer one takes milliseconds


class KeyUnusable(Exception):
    """There is no key with which the signature may be checked."""

    def __init__(self, result: Result, why: str) -> None:
        self.result = result
        super().__init__(why)


@dataclass(frozen=True, slots=True)
class SenderKey:
    """A key as it was published."""

    key: PublicKey
    testing: bool  # `t=y`
    exact: bool  # `t=s`: not for addresses in a domain below


async def key_of(lookups: Lookups, name: str, algorithm: str) -> SenderKey:
    """The key under that name. Raises KeyUnusable, and LookupFailed."""
    return _among(await lookups.records(name, "TXT"), name, algorithm)


@lru_cache(_KEPT)
def _among(records: tuple[str, ...], name: str, algorithm: str) -> SenderKey:
    """The first key among these records."""
    keys = [tags for record in records if (tags := tags_of(record)) and "p" in tags]
    if not keys:
        raise KeyUnusable(Result.PERMERROR, f"there is no key at {name}")
    return _read(keys[0], name, algorithm)


def _read(tags: dict[str, str], name: str, algorithm: str) -> SenderKey:
    def unusable(why: str, result: Result = Result.PERMERROR) -> KeyUnusable:
        return KeyUnusable(result, f"the key at {name} {why}")

    if tags.get("v", "DKIM1") != "DKIM1" or ("v" in tags and next(iter(tags)) != "v"):
        raise unusable("has an unknown version")
    if tags.get("k", "rsa") != algorithm:
        raise unusable(f"is not of the kind that the signature names, {algorithm}")
    if "sha256" not in _words(tags.get("h", "sha256")):
        raise unusable("does not allow sha256")
    if not {"*", "email"} & _words(tags.get("s", "*")):
        raise unusable("is not for mail")
    if not tags["p"]:
        raise unusable("has been revoked (p= is empty)")
    try:
        encoded = b64decode(without_blanks(tags["p"]), validate=True)
    except (Error, ValueError):
        encoded = b""
    key = public_key(algorithm, encoded)
    if key is None:
        raise unusable("cannot be read")
    if key.algorithm == "rsa" and not LEAST_BITS <= key.bits <= MOST_BITS:
        raise unusable(
            f"has {key.bits} bits; RFC 8301 allows {LEAST_BITS} to {MOST_BITS}", Result.POLICY
        )
    if key.exponent_bits > MOST_EXPONENT_BITS:
        raise unusable("has too large an exponent", Result.POLICY)
    flags = _words(tags.get("t", ""))
    return SenderKey(key, testing="y" in flags, exact="s" in flags)


def _words(value: str) -> set[str]:
    return {word.strip() for word in value.split(":")}
