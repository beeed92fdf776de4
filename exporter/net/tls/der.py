"""The encoding of certificates (DER), read without a library: that for certificates takes 11
MiB."""

SEQUENCE = 0x30
_VERSION = 0xA0
_UNKNOWN = 0x80  # a length that other encodings may have


def begin_of(der: bytes, at: int) -> int:
    """Where the content of the element that begins there begins."""
    size = der[at + 1]
    return at + 2 + (size & 0x7F if size & 0x80 else 0)


def end_of(der: bytes, at: int) -> int:
    """Where the element that begins there ends. Raises ValueError if it is cut or indefinite."""
    begin = begin_of(der, at)
    size = der[at + 1]
    if size == _UNKNOWN:
        raise ValueError("no DER")
    if size & 0x80:
        size = int.from_bytes(der[at + 2 : begin])
    if begin + size > len(der):
        raise ValueError("cut")
    return begin + size


def is_whole(der: bytes) -> bool:
    """Whether this is one element with others in it, and nothing after it."""
    try:
        return der[0] == SEQUENCE and end_of(der, 0) == len(der)
    except (IndexError, ValueError):
        return False


def validity_of(certificate: bytes) -> int:
    """Where its validity begins (RFC 5280 section 4.1). Raises IndexError and ValueError."""
    at = begin_of(certificate, begin_of(certificate, 0))  # in the certificate, in its signed part
    if certificate[at] == _VERSION:
        at = end_of(certificate, at)
    for _ in ("serial number", "signature algorithm", "issuer"):
        at = end_of(certificate, at)
    return at


def public_key_of(certificate: bytes) -> bytes:
    """Its SubjectPublicKeyInfo. Raises IndexError and ValueError."""
    at = validity_of(certificate)
    for _ in ("validity", "subject"):
        at = end_of(certificate, at)
    return certificate[at : end_of(certificate, at)]


def elements_of(der: bytes) -> list[tuple[int, bytes]]:
    """The elements that follow each other there: the tag and the content of each. Raises IndexError
    and ValueError."""
    elements, at = [], 0
    while at < len(der):
        end = end_of(der, at)
        elements.append((der[at], der[begin_of(der, at) : end]))
        at = end
    return elements
