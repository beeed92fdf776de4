"""DER, read without a library."""

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from exporter.net.tls.der import is_whole, public_key_of
from tests.support.chains import issue

ONE = issue("one", hosts=["one.test"])


def test_the_public_key_is_what_the_library_reads() -> None:
    read = ONE.certificate.public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )
    assert public_key_of(ONE.der) == read


def test_a_certificate_is_whole_and_a_part_of_it_is_not() -> None:
    assert is_whole(ONE.der)
    assert not is_whole(ONE.der[:-1])
    assert not is_whole(ONE.der + b"x")
    assert not is_whole(b"")


@given(st.integers(0, len(ONE.der) - 1), st.integers(0, 255))
def test_a_broken_one_is_an_error_of_the_documented_kinds(place: int, byte: int) -> None:
    broken = ONE.der[:place] + bytes([byte]) + ONE.der[place + 1 :]
    is_whole(broken)
    try:
        public_key_of(broken)
    except (IndexError, ValueError):
        return


@pytest.mark.parametrize("der", [b"", b"0", b"0\x80", b"0\xff" + b"\xff" * 200])
def test_rubbish_is_not_whole(der: bytes) -> None:
    assert not is_whole(der)
