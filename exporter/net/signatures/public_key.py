"""Public keys of senders, which verify their signatures (RFC 6376 section 3.3, RFC 8463)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.net.signatures.rsa import RsaKey, rsa_key

if TYPE_CHECKING:
    from exporter.net.signatures.ed25519 import Ed25519Key

    PublicKey = RsaKey | Ed25519Key

LEAST_BITS, MOST_BITS = 1024, 4096  # of RSA: what receivers accept (RFC 8301 section 3.2)
LONGEST_KEY = 4096  # bytes; an RSA key of 16384 bits has half of that


def public_key(algorithm: str, encoded: bytes) -> PublicKey | None:
    """The key in these bytes; None if they are no key of this algorithm.

    An RSA key is a SubjectPublicKeyInfo, as usual, or an RSAPublicKey, as RFC 6376 section
    3.6.1 says.
    """
    if len(encoded) > LONGEST_KEY:
        return None
    if algorithm != "ed25519":
        return rsa_key(encoded)
    from exporter.net.signatures.ed25519 import Ed25519Key  # it imports cryptography: 12 MiB

    try:
        return Ed25519Key(encoded)
    except ValueError:
        return None
