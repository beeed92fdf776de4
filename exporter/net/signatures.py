"""Public keys of senders and their signatures (RFC 6376 section 3.3, RFC 8463), through
cryptography."""

from hashlib import sha256

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

LEAST_BITS, MOST_BITS = 1024, 4096  # of RSA: what receivers accept (RFC 8301 section 3.2)
LONGEST_KEY = 4096  # bytes; an RSA key of 16384 bits has half of that

_UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm)


class RsaKey:
    """An RSA key, of any size."""

    algorithm = "rsa"

    def __init__(self, key: RSAPublicKey) -> None:
        self._key = key
        self.bits = key.key_size
        self.exponent_bits = key.public_numbers().e.bit_length()

    def verifies(self, signature: bytes, data: bytes) -> bool:
        """Whether this is the key's signature of this data (rsa-sha256)."""
        try:
            self._key.verify(signature, data, PKCS1v15(), SHA256())
        except InvalidSignature:
            return False
        return True


class Ed25519Key:
    """An Ed25519 key."""

    algorithm = "ed25519"
    bits = 256
    exponent_bits = 0

    def __init__(self, key: Ed25519PublicKey) -> None:
        self._key = key

    def verifies(self, signature: bytes, data: bytes) -> bool:
        """Whether this is the key's signature of the digest of this data (ed25519-sha256)."""
        digest = sha256(data).digest()
        try:
            self._key.verify(signature, digest)
        except InvalidSignature:
            return False
        return True


PublicKey = RsaKey | Ed25519Key


def public_key(algorithm: str, encoded: bytes) -> PublicKey | None:
    """The key in these bytes; None if they are no key of this algorithm.

    An RSA key is a SubjectPublicKeyInfo, as usual, or an RSAPublicKey, as RFC 6376 section
    3.6.1 says.
    """
    try:
        if algorithm == "ed25519":
            return Ed25519Key(Ed25519PublicKey.from_public_bytes(encoded))
        key = load_der_public_key(encoded) if len(encoded) <= LONGEST_KEY else None
    except _UNREADABLE:
        return None
    return RsaKey(key) if isinstance(key, RSAPublicKey) else None
