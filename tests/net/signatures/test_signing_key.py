"""The private keys that sign messages."""

from base64 import b64decode

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as new_ec_key
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPrivateNumbers,
    RSAPublicNumbers,
    generate_private_key,
    rsa_crt_dmp1,
    rsa_crt_dmq1,
    rsa_crt_iqmp,
)
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from exporter.net.signatures.public_key import public_key
from exporter.net.signatures.signing_key import Kind, new_signing_key, read_signing_key

RSA = generate_private_key(65537, 2048)


def short_key() -> RSAPrivateKey:
    """cryptography makes none that is so short, but reads it."""
    p, q, e = 2**255 - 19, 2**256 - 189, 65537  # primes
    d = pow(e, -1, (p - 1) * (q - 1))
    public = RSAPublicNumbers(e, p * q)
    exponents = rsa_crt_dmp1(d, p), rsa_crt_dmq1(d, q), rsa_crt_iqmp(p, q)
    return RSAPrivateNumbers(p, q, d, *exponents, public).private_key()


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_a_new_key_signs_what_its_published_part_verifies(kind: Kind) -> None:
    made = new_signing_key(kind, 2048)
    read = read_signing_key(made.pem)
    assert read.published == made.published
    assert read.algorithm == f"{kind}-sha256"
    public = public_key(kind, b64decode(made.published))
    assert public is not None
    assert public.verifies(read.sign(b"words"), b"words")
    assert not public.verifies(read.sign(b"words"), b"other words")


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_a_key_of_openssl_is_read(form: PrivateFormat) -> None:
    pem = RSA.private_bytes(Encoding.PEM, form, NoEncryption()).decode()
    assert read_signing_key(pem).kind == "rsa"


@pytest.mark.parametrize(
    ("pem", "problem"),
    [
        (b"hello", "is not a private key in PEM format, or has a password"),
        (
            RSA.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"pw")),
            "is not a private key in PEM format, or has a password",
        ),
        (
            new_ec_key(SECP256R1()).private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
            ),
            "is neither an RSA nor an Ed25519 key",
        ),
        (
            short_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
            r"has 511 bits; receivers accept 1024 to 4096 \(RFC 8301\)",
        ),
    ],
    ids=["no key", "with a password", "of another kind", "short"],
)
def test_a_key_that_no_receiver_accepts_is_refused(pem: bytes, problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{problem}$"):
        read_signing_key(pem.decode())
