"""When a certificate expires: `cryptography` is the referee."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from exporter.net.tls.expiry import expiry_of

FIRST = datetime(1950, 1, 1, tzinfo=UTC)
LAST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


@cache
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def certificate(end: datetime, names: int = 1) -> bytes:
    name = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, f"unit {n}") for n in range(names)]
    )
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key().public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(FIRST)
        .not_valid_after(end)
        .sign(key(), hashes.SHA256())
    )
    return made.public_bytes(Encoding.DER)


@given(
    st.integers(0, int((LAST - FIRST).total_seconds())).map(lambda s: FIRST + timedelta(seconds=s)),
    st.sampled_from([0, 1, 5, 500]),
)
def test_it_is_what_the_library_reads(end: datetime, names: int) -> None:
    assert expiry_of(certificate(end, names)) == end.timestamp()


@pytest.mark.parametrize("end", [FIRST, datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC), LAST])
def test_the_first_and_the_last_of_each_form(end: datetime) -> None:
    assert expiry_of(certificate(end)) == end.timestamp()


GOOD = certificate(datetime(2030, 1, 1, tzinfo=UTC))


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_a_broken_certificate_is_never_an_error(place: int, byte: int) -> None:
    expiry_of(GOOD[:place] + bytes([byte]) + GOOD[place + 1 :])
    assert expiry_of(GOOD[: min(place, 90)]) is None


@given(st.binary())
def test_any_bytes_are_never_an_error(content: bytes) -> None:
    expiry_of(content)


@pytest.mark.slow
def test_a_program_that_reads_it_does_not_load_the_library() -> None:
    """Nor what only some configurations need: `serve` must stay small."""
    program = """
import sys
import exporter.commands.serve
from exporter.net.tls.expiry import expiry_of
expiry_of(b"")
print([name for name in ("aiosmtpd", "bcrypt", "cryptography", "ctypes", "rich") if name in sys.modules])
"""  # noqa: E501
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert told.stdout.decode().strip() == "[]"
