"""TLSA records (RFC 6698), and which of them count in SMTP (RFC 7672). Pure."""

import hashlib
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from exporter.net.tls.der import is_whole, public_key_of

TRUST_ANCHOR, END_ENTITY = 2, 3  # the usages of SMTP (RFC 7672 section 3.1)
CERTIFICATE, PUBLIC_KEY = 0, 1  # selectors: what a record is about
FULL = 0  # matching types: that itself, or a digest of it
_DIGESTS = {1: hashlib.sha256, 2: hashlib.sha512}


@dataclass(frozen=True, slots=True)
class Tlsa:
    """A record."""

    usage: int
    selector: int
    matching: int
    data: bytes

    @property
    def is_usable(self) -> bool:
        """Whether it makes sense, and in SMTP: there the usages 0 and 1, which need the CAs that a
        client knows, do not (RFC 7672 section 3.1.3)."""
        if self.usage not in (TRUST_ANCHOR, END_ENTITY) or self.selector not in (0, 1):
            return False
        if self.matching == FULL:
            return is_whole(self.data)
        digest = _DIGESTS.get(self.matching)
        return digest is not None and len(self.data) == digest().digest_size


SENSELESS = Tlsa(255, 255, 255, b"")
"""A record that cannot be read."""


def matcher(records: Iterable[Tlsa]) -> Callable[[bytes], bool]:
    """A function that says whether a certificate is what one of these usable records says. It
    makes each digest once, however many records there are."""
    published: dict[tuple[int, int], set[bytes]] = {}
    for one in records:
        published.setdefault((one.selector, one.matching), set()).add(one.data)

    def matches(certificate: bytes) -> bool:
        try:
            parts = {CERTIFICATE: certificate, PUBLIC_KEY: public_key_of(certificate)}
        except (IndexError, ValueError):
            parts = {CERTIFICATE: certificate}
        return any(
            selector in parts and matched(parts[selector], matching) in data
            for (selector, matching), data in published.items()
        )

    return matches


def matched(part: bytes, matching: int) -> bytes:
    """What a record with this matching type has of a certificate or key."""
    return _DIGESTS[matching](part).digest() if matching else part


def usable(records: Collection[Tlsa]) -> list[Tlsa]:
    """Those that count: of several digests of one thing, the strongest (RFC 7671 section 9)."""
    possible = [one for one in records if one.is_usable]
    strongest: dict[tuple[int, int], int] = {}
    for one in possible:
        kind = one.usage, one.selector
        strongest[kind] = max(one.matching, strongest.get(kind, FULL))
    return [one for one in possible if one.matching in (FULL, strongest[one.usage, one.selector])]
