"""Binds a login to its TLS session (RFC 5929), so that a server in between cannot pass it on.

With TLS 1.3 the type for it is tls-exporter (RFC 9266), for which Python's ssl has no function.
tls-unique is not defined there (RFC 8446 appendix C.5).
"""

import ssl
from dataclasses import dataclass

UNIQUE = "tls-unique"
END_POINT = "tls-server-end-point"


@dataclass(frozen=True, slots=True)
class ChannelBinding:
    """What both sides know of the TLS session."""

    type: str  # tls-unique or tls-server-end-point
    data: bytes


def is_unique(tls: ssl.SSLObject) -> bool:
    """Whether the session can be bound by what is its own alone, as servers expect it."""
    return tls.version() not in (None, "TLSv1.3")


def binding_of(tls: ssl.SSLObject) -> ChannelBinding | None:
    """By the handshake up to TLS 1.2, by the certificate with TLS 1.3. None if the certificate
    does not tell."""
    if is_unique(tls):
        finished = tls.get_channel_binding(UNIQUE)
        return ChannelBinding(UNIQUE, finished) if finished else None
    certificate = tls.getpeercert(binary_form=True)
    return _of_certificate(certificate) if certificate else None


def _of_certificate(certificate: bytes) -> ChannelBinding | None:
    """Its digest, by the hash of its signature (RFC 5929 section 4.1). None if the signature has
    none of its own, as Ed25519."""
    # They take long to import, and hardly any login needs them.
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.hashes import MD5, SHA1, SHA256, Hash

    try:
        digest = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
    except (ValueError, UnsupportedAlgorithm):
        return None
    if digest is None:
        return None
    function = Hash(SHA256() if isinstance(digest, MD5 | SHA1) else digest)
    function.update(certificate)
    return ChannelBinding(END_POINT, function.finalize())
