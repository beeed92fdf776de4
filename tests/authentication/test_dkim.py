from pathlib import Path

import pytest

from exporter.authentication.dkim import MOST_SIGNATURES, DkimVerdicts, check_dkim
from exporter.authentication.lookups import Lookups
from exporter.authentication.signature import SignedMessage
from exporter.authentication.verdict import Result, Verdict
from exporter.authentication.wire import wire_message
from exporter.core.timing.fairness import Slices
from exporter.net.dns.answer import DnsResult
from tests.support.signing import KEY, MESSAGE, ed25519, published, rsa, signed, with_tags
from tests.support.zone import Records, Zone

MESSAGES = Path(__file__).with_name("messages")
"""Signed by dkimpy 1.1.8, and the example of RFC 8463 appendix A; keys.txt has the records."""

NOW = 1_770_091_506.0


async def verdicts(raw: bytes, records: Records | None = None) -> DkimVerdicts:
    zone = Zone({KEY: {"TXT": [published(rsa())]}} if records is None else records)
    message = SignedMessage(wire_message(raw))
    return await check_dkim(message, Lookups(zone), NOW, Slices(lambda: 0.0))


async def verdict(raw: bytes, record: str | DnsResult | None = None) -> Verdict:
    """The verdict on a message with one signature."""
    if record is None:
        record = published(rsa())
    found = await verdicts(
        raw, {KEY: {"TXT": record if isinstance(record, DnsResult) else [record]}}
    )
    (only,) = found.each
    return only


def foreign_keys() -> Records:
    lines = (MESSAGES / "keys.txt").read_text().splitlines()
    return {name: {"TXT": [record]} for name, _, record in (line.partition(" ") for line in lines)}


@pytest.mark.parametrize("name", sorted(file.stem for file in MESSAGES.glob("*.eml")))
async def test_signatures_of_another_program_are_valid(name: str) -> None:
    raw = (MESSAGES / f"{name}.eml").read_bytes()
    found = await verdicts(raw, foreign_keys())
    assert found.each
    assert found.passed == list(found.each)
    as_a_file = await verdicts(raw.replace(b"\r\n", b"\n"), foreign_keys())
    assert as_a_file == found
    changed = await verdicts(raw.replace(b"\nFrom:", b"\nFrom: x"), foreign_keys())
    assert not changed.passed


async def test_the_verdict_names_the_signer_and_the_key() -> None:
    assert await verdict(signed()) == Verdict(
        Result.PASS, "signed by example.org (rsa, 2048 bits)", "example.org", KEY
    )
    with_ed25519 = await verdict(signed(key=ed25519()), published(ed25519()))
    assert with_ed25519.why == "signed by example.org (ed25519)"


async def test_a_message_without_a_signature_has_none() -> None:
    found = await verdicts(MESSAGE)
    assert found.each == ()
    assert found.best("example.org").result == "none"


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        (b"first line", b"first lime", "the body has changed"),
        (b"second  line.\r\n", b"second  line.\r\nmore\r\n", "the body has changed"),
        (b"Subject: a", b"Subject: another", "a signed header field has changed"),
        (b"From: Probe <probe@", b"From: Probe <rob@", "a signed header field has changed"),
    ],
)
async def test_a_changed_message_fails(before: bytes, after: bytes, why: str) -> None:
    raw = signed().replace(before, after)
    found = await verdict(raw)
    assert found.result == "fail"
    assert found.why.startswith(why)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"Subject: a message", b"subject :  a \r\n\tmessage "),
        (b"second  line.\r\n", b"second \t line. \t\r\n\r\n\r\n"),
        (b"Message-ID: <1@", b"Message-ID: <2@"),
    ],
)
async def test_relaxed_forms_allow_blanks_and_whatever_is_not_signed(
    before: bytes, after: bytes
) -> None:
    assert (await verdict(signed().replace(before, after))).result == "pass"


@pytest.mark.parametrize(
    ("before", "after", "result"),
    [
        (b"Subject: a message", b"subject: a message", "fail"),
        (b"second  line.", b"second line.", "fail"),
        (b"second  line.\r\n", b"second  line.\r\n\r\n", "pass"),
    ],
)
async def test_simple_forms_allow_only_empty_lines_at_the_end(
    before: bytes, after: bytes, result: str
) -> None:
    raw = signed(c="simple/simple")
    assert (await verdict(raw)).result == "pass"
    assert (await verdict(raw.replace(before, after))).result == result


@pytest.mark.parametrize(
    ("changed", "result", "why"),
    [
        ({"v": "2"}, "neutral", "version"),
        ({"a": "rsa-md5"}, "neutral", "unknown algorithm"),
        ({"a": "rsa-sha1"}, "permerror", "rsa-sha1 is not secure"),
        ({"h": "to:subject"}, "permerror", "does not cover From"),
        ({"i": "someone@example.net"}, "permerror", "not in the domain"),
        ({"q": "http"}, "neutral", "not in DNS"),
        ({"d": "exam ple"}, "neutral", "invalid d="),
        ({"s": None}, "neutral", "lacks s="),
        ({"bh": "%"}, "neutral", "base64"),
        ({"t": "x"}, "neutral", "not a number"),
        ({"l": "99999999999999999"}, "neutral", "not a number"),
        ({"t": "200", "x": "100"}, "neutral", "expired before"),
        ({"x": "1770000000"}, "permerror", "has expired"),
        ({"x": "1770091600"}, "pass", "signed by"),
        ({"x": "1770091300"}, "pass", "signed by"),
        ({"t": "1770000000", "x": "1780000000"}, "pass", "signed by"),
        ({"i": "@news.example.org"}, "pass", "signed by"),
        ({"h": "from : to : subject : from : x-absent"}, "pass", "signed by"),
        ({"D": "x"}, "pass", "signed by"),
    ],
)
async def test_tags(changed: dict[str, str | None], result: str, why: str) -> None:
    raw = (
        with_tags(changed)
        if changed.get("l") is None
        else signed().replace(b"; h=", b"; l=99999999999999999; h=")
    )
    found = await verdict(raw)
    assert found.result == result, found
    assert why in found.why


async def test_an_unknown_canonicalization_and_a_malformed_signature_are_neutral() -> None:
    for before, after in ((b"c=relaxed/relaxed", b"c=loose"), (b"v=1", b"v=1; v=1"), (b"d=", b"d")):
        assert (await verdict(signed().replace(before, after))).result == "neutral"


async def test_a_second_field_that_was_signed_as_absent_breaks_the_signature() -> None:
    raw = signed(h="from:from:subject")
    assert (await verdict(raw)).result == "pass"
    assert (await verdict(b"From: other@example.net\r\n" + raw)).result == "fail"
    # The lowest fields are signed.
    assert (await verdict(b"Subject: other\r\n" + raw)).result == "pass"


async def test_a_length_leaves_the_rest_unsigned() -> None:
    raw = signed(l="10")
    found = await verdict(raw + b"more")
    assert found.result == "pass"
    assert "the last 31 bytes are not signed" in found.why
    assert (await verdict(raw.replace(b"The first", b"A fir"))).result == "fail"
    assert (await verdict(signed(l="2000"))).result == "fail"


async def test_one_valid_signature_is_enough() -> None:
    other = signed(d="example.net", s="x")
    found = await verdicts(signed(other), {KEY: {"TXT": [published(rsa())]}})
    assert [one.result for one in found.each] == ["pass", "permerror"]
    assert found.best("example.net").domain == "example.org"
    assert found.best(None).why.endswith("1 other signature")


async def test_of_two_valid_signatures_the_author_s_is_reported() -> None:
    records = {
        KEY: {"TXT": [published(rsa())]},
        "s1._domainkey.example.net": {"TXT": [published(rsa())]},
    }
    found = await verdicts(signed(signed(d="example.net")), records)
    assert len(found.passed) == 2
    assert found.best("example.net").domain == "example.net"
    assert found.best("example.org").domain == "example.org"


async def test_without_an_answer_it_is_unknown_whether_any_signature_is_valid() -> None:
    records: Records = {
        KEY: {"TXT": ["v=DKIM1; p="]},
        "s1._domainkey.example.net": {"TXT": DnsResult.TIMEOUT},
    }
    found = await verdicts(signed(signed(d="example.net")), records)
    assert found.best(None).result == "temperror"
    assert found.failed_lookups


async def test_signatures_are_limited() -> None:
    raw = MESSAGE
    for _ in range(MOST_SIGNATURES + 3):
        raw = signed(raw)
    zone = Zone({KEY: {"TXT": [published(rsa())]}})
    message = SignedMessage(wire_message(raw))
    found = await check_dkim(message, Lookups(zone), NOW, Slices(lambda: 0.0))
    assert len(found.each) == MOST_SIGNATURES
    assert len(zone.queries) == 1
