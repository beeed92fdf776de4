"""Which TLSA records count."""

import pytest

from exporter.net.tls.tlsa import Tlsa, usable
from tests.support.chains import issue

WHOLE = issue("whole").der
SHORT, LONG = bytes(32), bytes(64)


@pytest.mark.parametrize("usage", [2, 3])
@pytest.mark.parametrize("selector", [0, 1])
@pytest.mark.parametrize(("matching", "data"), [(0, WHOLE), (1, SHORT), (2, LONG)])
def test_a_record_that_makes_sense_is_usable(
    usage: int, selector: int, matching: int, data: bytes
) -> None:
    assert Tlsa(usage, selector, matching, data).is_usable


@pytest.mark.parametrize(
    ("usage", "selector", "matching", "data"),
    [
        (0, 1, 1, SHORT),  # PKIX-TA and PKIX-EE: RFC 7672 section 3.1.3
        (1, 1, 1, SHORT),
        (4, 1, 1, SHORT),
        (255, 1, 1, SHORT),
        (3, 2, 1, SHORT),
        (3, 1, 3, SHORT),
        (3, 1, 1, LONG),
        (3, 1, 2, SHORT),
        (3, 1, 1, b""),
        (3, 0, 0, b""),
        (3, 0, 0, b"0"),
        (3, 0, 0, WHOLE[:-1]),
        (3, 0, 0, WHOLE + b"0"),
        (3, 0, 0, b"no certificate"),
    ],
)
def test_another_is_not(usage: int, selector: int, matching: int, data: bytes) -> None:
    assert not usable([Tlsa(usage, selector, matching, data)])


def test_of_several_digests_of_one_thing_the_strongest_counts() -> None:
    """RFC 7671 section 9."""
    whole, weak, strong, other = (
        Tlsa(3, 1, 0, WHOLE),
        Tlsa(3, 1, 1, SHORT),
        Tlsa(3, 1, 2, LONG),
        Tlsa(2, 1, 1, SHORT),
    )
    assert usable([whole, weak, strong, other]) == [whole, strong, other]
    assert usable([weak, Tlsa(3, 1, 2, SHORT)]) == [weak]
