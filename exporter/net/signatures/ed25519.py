"""Ed25519 signatures of messages (RFC 8463), through cryptography."""

from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class Ed25519Key:
    """A public key. Raises ValueError if these bytes are none."""

    algorithm = "ed25519"
    bits = 256
    exponent_bits = 0

    def __init__(self, encoded: bytes) -> None:
        self._key = Ed25519PublicKey.from_public_bytes(encoded)

    def verifies(self, signature: bytes, data: bytes) -> bool:
        """Whether this is the key's signature of the digest of this data (ed25519-sha256)."""
        digest = sha256(data).digest()
        try:
            self._key.verify(signature, digest)
        except InvalidSignature:
            return False
        return True
