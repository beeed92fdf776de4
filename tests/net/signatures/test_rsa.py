"""RSA signatures, against cryptography."""

from functools import cache
from hashlib import sha256

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from exporter.net.signatures.rsa import RsaKey, rsa_key

DATA = b"a message"
KINDS_OF_OTHERS = [
    "",
    "30",
    "3000",
    "300602010302010d00",  # something follows
    "3006020103020101",  # the exponent 1: every signature would be its own message
    "30060201040201 03",  # an even modulus
    "3006020105020107",  # an exponent above the modulus
    "300602018302 0103",  # a negative modulus
    "302a300506032b6570032100" + "11" * 32,  # Ed25519
    "3009020103020103020103",  # three numbers
]


@cache
def private_key(bits: int = 1024, exponent: int = 65537) -> RSAPrivateKey:
    return generate_private_key(exponent, bits)


def encoded(key: RSAPrivateKey, form: PublicFormat = PublicFormat.SubjectPublicKeyInfo) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, form)


def key_of(private: RSAPrivateKey) -> RsaKey:
    key = rsa_key(encoded(private))
    assert key
    return key


@pytest.mark.parametrize("form", [PublicFormat.SubjectPublicKeyInfo, PublicFormat.PKCS1])
@pytest.mark.parametrize(("bits", "exponent"), [(1024, 3), (1032, 65537), (2048, 65537)])
def test_a_signature_of_the_library_is_valid(bits: int, exponent: int, form: PublicFormat) -> None:
    private = private_key(bits, exponent)
    key = rsa_key(encoded(private, form))
    assert key
    assert (key.bits, key.exponent_bits) == (bits, exponent.bit_length())
    signature = private.sign(DATA, PKCS1v15(), SHA256())
    assert key.verifies(signature, DATA)
    assert not key.verifies(signature, DATA + b".")


@pytest.mark.parametrize("digest", [SHA1(), SHA512()], ids=["sha1", "sha512"])
def test_another_digest_or_padding_is_not_valid(digest: SHA1 | SHA512) -> None:
    private = private_key()
    assert not key_of(private).verifies(private.sign(DATA, PKCS1v15(), digest), DATA)
    assert not key_of(private).verifies(private.sign(DATA, PSS(MGF1(SHA256()), 32), SHA256()), DATA)


def test_a_signature_has_the_length_of_the_modulus_and_is_less() -> None:
    private = private_key()
    signature = private.sign(DATA, PKCS1v15(), SHA256())
    modulus = private.public_key().public_numbers().n
    key = key_of(private)
    assert not key.verifies(b"\0" + signature, DATA)
    assert not key.verifies(b"", DATA)
    more = int.from_bytes(signature) + modulus
    assert not key.verifies(more.to_bytes(129), DATA)
    if more < 1 << 1024:
        assert not key.verifies(more.to_bytes(128), DATA)


def test_a_modulus_without_room_for_eight_bytes_of_padding_verifies_nothing() -> None:
    for size in range(1, 62):
        modulus = (1 << (8 * size)) - 1
        key = RsaKey(modulus, 3)
        assert not key.verifies(bytes(size), DATA)


def test_padding_after_which_something_follows_is_not_valid() -> None:
    """A forgery for small exponents (CVE-2006-4339): a short padding, the digest, and rubbish that
    makes it a cube."""
    size = 256
    key = RsaKey((1 << (8 * size)) - 1, 3)
    head = b"\x00\x01" + b"\xff" * 8 + b"\x00"
    head += bytes.fromhex("3031300d060960864801650304020105000420") + sha256(DATA).digest()
    target = int.from_bytes(head + b"\xff" * (size - len(head)))
    low, high = 0, 1 << 700
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**3 <= target else (low, middle - 1)
    assert (low**3).to_bytes(size).startswith(head)
    assert not key.verifies(low.to_bytes(size), DATA)


@given(st.binary(min_size=128, max_size=128))
def test_rubbish_is_judged_as_by_the_library(signature: bytes) -> None:
    private = private_key()
    try:
        private.public_key().verify(signature, DATA, PKCS1v15(), SHA256())
    except InvalidSignature:
        assert not key_of(private).verifies(signature, DATA)


@given(st.data())
def test_a_broken_key_is_none_or_another_key(data: st.DataObject) -> None:
    """It is never an exception."""
    private = private_key()
    whole = encoded(
        private, data.draw(st.sampled_from([PublicFormat.SubjectPublicKeyInfo, PublicFormat.PKCS1]))
    )
    place = data.draw(st.integers(0, len(whole) - 1))
    broken = whole[:place] + bytes([data.draw(st.integers(0, 255))]) + whole[place + 1 :]
    key = rsa_key(broken)
    if key and broken != whole:
        assert not key.verifies(private.sign(DATA, PKCS1v15(), SHA256()), DATA)
    assert rsa_key(whole[:place]) is None
    assert rsa_key(whole + b"\0") is None


def test_a_key_of_another_kind_is_none() -> None:
    for line in KINDS_OF_OTHERS:
        assert rsa_key(bytes.fromhex(line)) is None, line
