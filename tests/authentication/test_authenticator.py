"""All methods at once."""

import asyncio
from time import process_time

import pytest

from exporter.authentication import Authenticator
from exporter.authentication.verdict import Result
from exporter.core.facts import Client, SenderCheck
from exporter.core.model import ProbeError
from exporter.core.reasons import Reason
from exporter.core.timing.clock import Clock
from exporter.core.trace.starvation import starved
from exporter.mail.headers.authentication import RESULTS
from exporter.net.dns.answer import Answer
from exporter.net.dns.queries import RecordType
from tests.support import virtual_time as virtual
from tests.support.signing import KEY, MESSAGE, published, rsa, sealed, signed
from tests.support.zone import Records, Zone

CLIENT = Client("192.0.2.1", "mx.example.org", "probe@example.org")
RECORDS: Records = {
    "example.org": {"TXT": ["v=spf1 ip4:192.0.2.1 -all"]},
    KEY: {"TXT": [published(rsa())]},
    "_dmarc.example.org": {"TXT": ["v=DMARC1; p=reject"]},
    "arc._domainkey.one.example": {"TXT": [published(rsa())]},
    "1.2.0.192.in-addr.arpa": {"PTR": ["mx.example.org."]},
    "mx.example.org": {"A": ["192.0.2.1"]},
}


async def results(
    raw: bytes, client: Client | None = CLIENT, records: Records = RECORDS, *, whole: bool = True
) -> dict[str, str]:
    authenticator = Authenticator(Zone(records), Clock())
    facts = await authenticator.authenticate(raw, client, whole=whole)
    return {fact.method: fact.result for fact in facts}


def test_our_results_are_the_words_that_receivers_use() -> None:
    assert frozenset(Result) == RESULTS - {"bestguesspass"}


async def test_a_good_message_passes_by_all_methods() -> None:
    assert await results(sealed(signed(), 1, "one.example")) == dict.fromkeys(
        ("spf", "dkim", "dmarc", "arc", "iprev"), "pass"
    )


async def test_every_fact_tells_why_and_where_to_look() -> None:
    facts = await Authenticator(Zone(RECORDS), Clock()).authenticate(signed(), CLIENT)
    assert facts[0] == SenderCheck(
        "spf",
        "example.org",
        "pass",
        "192.0.2.1 matches ip4:192.0.2.1 in the SPF record of example.org",
        "example.org",
    )
    assert [fact.record for fact in facts[1:3]] == [KEY, "_dmarc.example.org"]


async def test_an_unsigned_message_of_a_stranger() -> None:
    client = Client("198.51.100.1", "evil.example", "rob@evil.example")
    assert await results(MESSAGE, client) == {
        "spf": "none",
        "dkim": "none",
        "dmarc": "fail",
        "arc": "none",
        "iprev": "permerror",
    }


async def test_a_forged_header_changes_nothing() -> None:
    client = Client("198.51.100.1", "evil.example", "rob@evil.example")
    forged = (
        b"Authentication-Results: mx.example.net; spf=pass; dkim=pass; dmarc=pass\r\n"
        b"Received-SPF: pass\r\nReturn-Path: <probe@example.org>\r\n"
        b"Received: from mx.example.org ([192.0.2.1]) by mx.example.net\r\n"
    )
    assert await results(forged + MESSAGE, client) == await results(MESSAGE, client)


async def test_without_a_client_the_signatures_remain() -> None:
    assert await results(signed(), None) == {"dkim": "pass", "dmarc": "pass", "arc": "none"}
    assert await results(MESSAGE, None) == {"dkim": "none", "arc": "none"}
    assert await results(MESSAGE, Client("", "", "")) == {"dkim": "none", "arc": "none"}


async def test_without_its_end_the_client_remains() -> None:
    assert await results(signed(), whole=False) == {"spf": "pass", "dmarc": "pass", "iprev": "pass"}
    stranger = Client("198.51.100.1", "x.example", "a@example.org")
    assert await results(signed(), stranger, whole=False) == {"spf": "fail", "iprev": "permerror"}


async def test_a_bounce_is_judged_by_the_name_in_ehlo() -> None:
    client = Client("192.0.2.1", "mx.example.org", "")
    records = {**RECORDS, "mx.example.org": {"TXT": ["v=spf1 a -all"], "A": ["192.0.2.1"]}}
    assert (await results(MESSAGE, client, records))["spf"] == "pass"


@pytest.mark.parametrize(
    "client",
    [
        Client("192.0.2.1", "", ""),
        Client("192.0.2.1", "[192.0.2.1]", "@"),
        Client("192.0.2.1", "\ud800\0", "a\ud800@\udcff\0.example"),
        Client("2001:db8::1", "x" * 5000, "y" * 5000 + "@" + "z." * 3000),
        Client("::ffff:192.0.2.1", "localhost", "probe@localhost"),
    ],
)
async def test_a_client_may_say_anything(client: Client) -> None:
    records = {**RECORDS, "example.org": {"TXT": ["v=spf1 exists:%{L}.%{H}.%{S}.example ?all"]}}
    found = await results(signed(), client, records)
    assert found["dkim"] == "pass"
    assert found["spf"] in ("none", "neutral")
    local = Client(client.address, client.helo, f"{client.sender.rpartition('@')[0]}@example.org")
    assert (await results(signed(), local, records))["spf"] == "neutral"


class Slow:
    """Name servers that answer after a while."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.zone = Zone(RECORDS)

    async def query(self, name: str, kind: RecordType) -> Answer:
        await asyncio.sleep(self._seconds)
        return await self.zone.query(name, kind)


def test_slow_name_servers_are_asked_at_once_and_not_for_ever() -> None:
    virtual.run(slowly())


async def slowly() -> None:
    clock = virtual.clock()
    slow = Authenticator(Slow(1), clock)
    before = clock.monotonic()
    facts = await slow.authenticate(signed(), CLIENT)
    assert {fact.method: fact.result for fact in facts}["dmarc"] == "pass"
    assert clock.monotonic() - before <= 4
    before = clock.monotonic()
    facts = await Authenticator(Slow(1000), clock).authenticate(signed(), CLIENT, patience=3)
    assert {fact.result for fact in facts} == {"temperror", "none"}
    assert clock.monotonic() - before <= 3.1


async def test_if_we_are_too_late_ourselves_nobody_is_judged() -> None:
    class Starved:
        async def query(self, name: str, kind: RecordType) -> Answer:
            raise starved(ProbeError(Reason.DNS, "no answer in time"), 3.0)

    with pytest.raises(ProbeError) as caught:
        await Authenticator(Starved(), Clock()).authenticate(signed(), CLIENT)
    assert caught.value.reason is Reason.STARVED


async def test_a_message_costs_little() -> None:
    raw = sealed(signed(signed(), d="example.net"), 1, "one.example")
    raw += b"A line of a message that is as long as many.\r\n" * 400
    authenticator = Authenticator(Zone(RECORDS), Clock())
    await authenticator.authenticate(raw, CLIENT)
    started, times = process_time(), 20
    for _ in range(times):
        await authenticator.authenticate(raw, CLIENT)
    assert (process_time() - started) / times < 0.005
