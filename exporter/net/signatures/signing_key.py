"""Private keys that sign messages (RFC 6376 section 3.3, RFC 8463), through cryptography."""

from base64 import b64encode
from hashlib import sha256
from typing import Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from exporter.net.signatures.public_key import LEAST_BITS, MOST_BITS

Kind = Literal["rsa", "ed25519"]


class SigningKey:
    """An RSA or Ed25519 key."""

    def __init__(self, key: RSAPrivateKey | Ed25519PrivateKey) -> None:
        self._key = key
        self.kind: Kind = "rsa" if isinstance(key, RSAPrivateKey) else "ed25519"

    @property
    def algorithm(self) -> str:
        """The tag `a` of a signature."""
        return f"{self.kind}-sha256"

    @property
    def published(self) -> str:
        """The tag `p` of its record in DNS."""
        public = self._key.public_key()
        if isinstance(self._key, RSAPrivateKey):
            encoded = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        else:
            encoded = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        return b64encode(encoded).decode()

    @property
    def pem(self) -> str:
        """PKCS #8, unencrypted."""
        encoded = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return encoded.decode()

    def sign(self, data: bytes) -> bytes:
        if isinstance(self._key, RSAPrivateKey):
            return self._key.sign(data, PKCS1v15(), SHA256())
        return self._key.sign(sha256(data).digest())


def read_signing_key(pem: str) -> SigningKey:
    """The key in this text. Raises ValueError with words that follow the name of its file."""
    try:
        key = load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: it has a password
        raise ValueError("is not a private key in PEM format, or has a password") from None
    if isinstance(key, RSAPrivateKey):
        if not LEAST_BITS <= key.key_size <= MOST_BITS:
            limits = f"{LEAST_BITS} to {MOST_BITS}"
            raise ValueError(f"has {key.key_size} bits; receivers accept {limits} (RFC 8301)")
    elif not isinstance(key, Ed25519PrivateKey):
        raise ValueError("is neither an RSA nor an Ed25519 key")
    return SigningKey(key)


def new_signing_key(kind: Kind, bits: int) -> SigningKey:
    """A new key; `bits` are for RSA."""
    if kind == "ed25519":
        return SigningKey(Ed25519PrivateKey.generate())
    return SigningKey(generate_private_key(65537, bits))
