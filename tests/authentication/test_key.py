"""The public keys of signatures, in DNS."""

from base64 import b64encode

import pytest

from exporter.net.dns.answer import DnsResult
from tests.authentication.test_dkim import verdict, verdicts
from tests.support.signing import KEY, ed25519, published, rsa, signed


@pytest.mark.parametrize(
    ("record", "result", "why"),
    [
        ("v=DKIM1; p=", "permerror", "has been revoked"),
        ("v=DKIM1; k=rsa; p=AAAA", "permerror", "cannot be read"),
        ("v=DKIM1; k=rsa; p=?", "permerror", "cannot be read"),
        ("v=DKIM2; p=AAAA", "permerror", "unknown version"),
        ("v=spf1 -all", "permerror", "there is no key"),
        pytest.param(
            published(ed25519()),
            "permerror",
            "not of the kind that the signature names",
            id="of another kind",
        ),
        (published(rsa(), h="sha1"), "permerror", "does not allow sha256"),
        (published(rsa(), s="tlsrpt"), "permerror", "is not for mail"),
        (published(rsa(1024)), "fail", "the key in DNS is another one"),
        (DnsResult.NXDOMAIN, "permerror", "there is no key at s1._domainkey.example.org"),
        (DnsResult.NODATA, "permerror", "there is no key"),
        (DnsResult.SERVFAIL, "temperror", "the resolver failed"),
        (DnsResult.TIMEOUT, "temperror", "no answer in time"),
    ],
)
async def test_a_key_that_cannot_be_used(record: str | DnsResult, result: str, why: str) -> None:
    found = await verdict(signed(), record)
    assert found.result == result
    assert why in found.why
    assert found.record == KEY


@pytest.mark.parametrize("bits", [1024, 2048, 3072])
async def test_sizes_of_keys(bits: int) -> None:
    found = await verdict(signed(key=rsa(bits)), published(rsa(bits)))
    assert (found.result, f"{bits} bits" in found.why) == ("pass", True)


def key_of(modulus: int, exponent: int = 65537) -> str:
    """The record of an RSA key with these numbers (RFC 8017 appendix A.1.1), which libraries may
    not make any more."""

    def integer(number: int) -> bytes:
        return field(2, number.to_bytes(number.bit_length() // 8 + 1))

    def field(kind: int, content: bytes) -> bytes:
        size = len(content)
        length = size.to_bytes((size.bit_length() + 7) // 8)
        return (
            bytes([kind]) + (b"" if size < 128 else bytes([0x80 + len(length)])) + length + content
        )

    encoded = field(0x30, integer(modulus) + integer(exponent))
    return f"v=DKIM1; p={b64encode(encoded).decode()}"


@pytest.mark.parametrize("bits", [512, 1016, 4104, 16384])
async def test_a_key_that_is_too_short_or_too_long_is_not_accepted(bits: int) -> None:
    found = await verdict(signed(), key_of(1 << (bits - 1) | 1))
    assert (found.result, f"{bits} bits" in found.why) == ("policy", True), found


async def test_an_exponent_is_limited_since_it_costs_time() -> None:
    modulus = rsa().public_key().public_numbers().n
    assert (await verdict(signed(), key_of(modulus))).result == "pass"
    found = await verdict(signed(), key_of(modulus, 1 << 2047 | 1))
    assert (found.result, "exponent" in found.why) == ("policy", True)


async def test_a_key_only_for_its_own_domain() -> None:
    key = published(rsa(), t="s")
    assert (await verdict(signed(), key)).result == "pass"
    assert (await verdict(signed(i="@news.example.org"), key)).result == "permerror"


async def test_a_key_in_test_mode_is_told() -> None:
    found = await verdict(signed(), published(rsa(), t="y:s"))
    assert (found.result, "test mode" in found.why) == ("pass", True)


async def test_a_record_that_is_split_or_beside_others_is_found() -> None:
    found = await verdicts(signed(), {KEY: {"TXT": ["unrelated", published(rsa())]}})
    assert found.passed
