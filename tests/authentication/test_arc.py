from pathlib import Path

import pytest

from exporter.authentication.arc import MOST_CHECKED, check_arc
from exporter.authentication.lookups import Lookups
from exporter.authentication.signature import SignedMessage
from exporter.authentication.verdict import Result, Verdict
from exporter.authentication.wire import wire_message
from exporter.core.timing.fairness import Slices
from exporter.net.dns.answer import DnsResult
from tests.authentication.test_dkim import MESSAGES, foreign_keys
from tests.support.signing import MESSAGE, published, rsa, sealed, signed
from tests.support.zone import Records, Zone

ONE, TWO = "arc._domainkey.one.example", "arc._domainkey.two.example"
KEYS: Records = {ONE: {"TXT": [published(rsa())]}, TWO: {"TXT": [published(rsa())]}}


async def verdict(raw: bytes, records: Records = KEYS) -> Verdict:
    message = SignedMessage(wire_message(raw))
    return await check_arc(message, Lookups(Zone(records)), Slices(lambda: 0.0))


def once() -> bytes:
    return sealed(signed(), 1, "one.example")


def twice() -> bytes:
    return sealed(once(), 2, "two.example")


@pytest.mark.parametrize("name", ["arc-1", "arc-2"])
async def test_chains_of_another_program_are_intact(name: str) -> None:
    raw = (Path(MESSAGES) / f"{name}.eml").read_bytes()
    assert (await verdict(raw, foreign_keys())).result == "pass"
    changed = await verdict(raw.replace(b"indented", b"idented"), foreign_keys())
    assert changed.result == "fail"


async def test_the_verdict_names_the_forwarders() -> None:
    found = await verdict(twice())
    assert found == Verdict(Result.PASS, "sealed by one.example, two.example", "two.example", TWO)
    assert (await verdict(MESSAGE)).result == "none"


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        (b"first line", b"first lime", "the body has changed since two.example"),
        (b"Subject: a message", b"Subject: b message", "the header has changed since two.example"),
        (b"i=1; one.example; dkim=pass", b"i=1; one.example; dkim=fail", "seal of"),
        (b"i=2; two.example; dkim=pass", b"i=2; two.example; dkim=fail", "seal of two.example"),
        (b"i=1; one.example", b"i=3; one.example", "incomplete"),
        (b"i=1; one.example", b"one.example", "wrong instance"),
        (b"i=2; a=rsa-sha256; d=two", b"i=1; a=rsa-sha256; d=two", "wrong instance"),
        (b"cv=none", b"cv=pass", "already broken"),
        (b"cv=pass", b"cv=fail", "already broken"),
        (b"cv=pass", b"cv=pass; h=from", "malformed"),
    ],
)
async def test_a_change_breaks_the_chain(before: bytes, after: bytes, why: str) -> None:
    raw = twice()
    assert before in raw
    found = await verdict(raw.replace(before, after, 1))
    assert found.result == "fail"
    assert why in found.why


async def test_a_forwarder_may_change_the_message_before_it_signs() -> None:
    changed = once().replace(b"first line", b"first lime")
    assert (await verdict(changed)).result == "fail"
    assert (await verdict(sealed(changed, 2, "two.example"))).result == "pass"


async def test_a_set_that_is_missing_breaks_the_chain() -> None:
    assert (await verdict(sealed(signed(), 2, "two.example"))).result == "fail"


async def test_a_forwarder_that_signs_no_author_breaks_the_chain() -> None:
    found = await verdict(sealed(MESSAGE, 1, "one.example", h="to:subject"))
    assert (found.result, "wrong fields" in found.why) == ("fail", True)


async def test_keys_that_cannot_be_had() -> None:
    gone = await verdict(twice(), {TWO: KEYS[TWO]})
    assert (gone.result, "there is no key" in gone.why) == ("fail", True)
    slow = await verdict(twice(), {TWO: KEYS[TWO], ONE: {"TXT": DnsResult.TIMEOUT}})
    assert (slow.result, slow.record) == ("temperror", ONE)


async def test_a_long_chain_is_not_checked() -> None:
    raw = MESSAGE
    for number in range(1, MOST_CHECKED + 2):
        raw = sealed(raw, number, "one.example")
    zone = Zone(KEYS)
    message = SignedMessage(wire_message(raw))
    found = await check_arc(message, Lookups(zone), Slices(lambda: 0.0))
    assert (found.result, zone.queries) == ("policy", [])
