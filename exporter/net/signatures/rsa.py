"""RSA signatures of messages (RFC 8017 section 8.2.2), verified without a library: that for
signatures takes 12 MiB, and nothing here is secret."""

from hashlib import sha256

from exporter.net.tls.der import elements_of

_SEQUENCE, _INTEGER, _BIT_STRING = 0x30, 0x02, 0x03
_RSA_ENCRYPTION = bytes.fromhex("06092a864886f70d010101")  # its OID: 1.2.840.113549.1.1.1
_KINDS = _RSA_ENCRYPTION, _RSA_ENCRYPTION + b"\x05\x00"  # with NULL, as usual, or without
_SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")  # what stands before the digest
_LEAST_PADDING = 8  # bytes


class RsaKey:
    """A public key, of any size: the caller limits it, since a large one takes long."""

    algorithm = "rsa"

    def __init__(self, modulus: int, exponent: int) -> None:
        self._modulus = modulus
        self._exponent = exponent
        self.bits = modulus.bit_length()
        self.exponent_bits = exponent.bit_length()

    def verifies(self, signature: bytes, data: bytes) -> bool:
        """Whether this is the key's signature of this data (rsa-sha256, RSASSA-PKCS1-v1_5).

        The one padded digest that is valid is made and compared: nothing of a signature is read.
        """
        size = (self.bits + 7) // 8
        digest = _SHA256 + sha256(data).digest()
        padding = size - len(digest) - 3
        number = int.from_bytes(signature)
        if len(signature) != size or number >= self._modulus or padding < _LEAST_PADDING:
            return False
        valid = b"\x00\x01" + b"\xff" * padding + b"\x00" + digest
        return pow(number, self._exponent, self._modulus) == int.from_bytes(valid)


def rsa_key(encoded: bytes) -> RsaKey | None:
    """The key in these bytes; None if they are none.

    It is a SubjectPublicKeyInfo, as usual, or an RSAPublicKey, as RFC 6376 section 3.6.1 says.
    """
    try:
        parts = _sequence(encoded)
        if parts[0][0] == _SEQUENCE:
            (_, kind), (tag, bits) = parts
            if tag != _BIT_STRING or kind not in _KINDS or bits[0] != 0:
                return None
            parts = _sequence(bits[1:])
        modulus, exponent = map(_positive, parts)
    except (IndexError, ValueError):
        return None
    # Of no pair of primes; or every signature would be valid.
    if modulus % 2 == 0 or exponent % 2 == 0 or not 1 < exponent < modulus:
        return None
    return RsaKey(modulus, exponent)


def _sequence(encoded: bytes) -> list[tuple[int, bytes]]:
    ((tag, content),) = elements_of(encoded)
    if tag != _SEQUENCE:
        raise ValueError("no sequence")
    return elements_of(content)


def _positive(element: tuple[int, bytes]) -> int:
    tag, content = element
    if tag != _INTEGER or not content or content[0] & 0x80:
        raise ValueError("no positive number")
    return int.from_bytes(content)
