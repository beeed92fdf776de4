"""Trips whose senders are checked, in virtual time: the facts, `require`, and the series."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest

from exporter.authentication import LONGEST, Authenticator
from exporter.checks.authentication import unauthenticated
from exporter.core.facts import Arrival, Authentication, Client, Disagreement, SenderCheck
from exporter.core.json_output import described
from exporter.core.model import Fact, Outcome, ProbeError
from exporter.core.phases import Leg, Phase
from exporter.core.reasons import Reason
from exporter.core.trace.starvation import starved
from exporter.net.dns.answer import Answer, DnsResult
from exporter.net.dns.queries import RecordType
from tests.support import virtual_time as virtual
from tests.support.prober_rig import ProberRig
from tests.support.signing import KEY, published, rsa, signed
from tests.support.zone import Records, Zone

RECORDS: Records = {
    "example.org": {"TXT": ["v=spf1 ip4:192.0.2.1 -all"]},
    "_dmarc.example.org": {"TXT": ["v=DMARC1; p=reject"]},
    KEY: {"TXT": [published(rsa())]},
}
CLIENT = Client("192.0.2.1", "mx.example.org", "probe@example.org", "TLSv1.3", "TLS_AES_128")
ELSEWHERE = Client("198.51.100.1", "mx.example.net", "probe@example.org")
HEADERS = (
    b"Return-Path: <probe@example.org>\r\n"
    b"Received: from mail.example.org ([192.0.2.1]) by mx.example.net\r\n"
    b"Authentication-Results: mx.example.net; spf=pass; dkim=fail\r\n"
)


async def trip(
    client: Client | None = None,
    records: Records = RECORDS,
    before: bytes = b"",
    *,
    sign: bool = True,
    read_limit: int | None = None,
    **options: Any,
) -> tuple[Outcome, Mapping[str, float]]:
    """A trip to a receiver that knows this client, and the series that it leaves."""
    authenticator = Authenticator(Zone(records), virtual.clock())
    rig = ProberRig(authenticator=authenticator, **options)
    rig.mailbox.client, rig.mailbox.read_limit = client, read_limit
    rig.sender.on_the_way = lambda raw: before + (signed(raw) if sign else raw)
    try:
        return await rig.trip(), rig.series()
    finally:
        await rig.close()


def own(outcome: Outcome) -> dict[str, str]:
    return {fact.method: fact.result for fact in outcome.facts if isinstance(fact, SenderCheck)}


def test_at_the_receiver_all_is_checked_and_told() -> None:
    outcome, series = virtual.run(trip(CLIENT))
    assert outcome.success
    assert own(outcome) == {
        "spf": "pass",
        "dkim": "pass",
        "dmarc": "pass",
        "arc": "none",
        "iprev": "permerror",
    }
    assert CLIENT in outcome.facts
    assert isinstance(outcome.facts[-1], Arrival)
    name = 'mailtrip_authentication_result{method="dmarc",result="pass",source="local"}'
    assert series[name] == 1
    tls = 'mailtrip_tls_info{cipher="TLS_AES_128",leg="mailbox",version="TLSv1.3"}'
    assert series[tls] == 1


def test_a_connection_without_tls_has_no_version() -> None:
    _, series = virtual.run(trip(ELSEWHERE))
    assert not [name for name in series if "tls_info" in name and 'leg="mailbox"' in name]


def test_without_require_a_failure_is_only_told() -> None:
    outcome, series = virtual.run(trip(ELSEWHERE, sign=False))
    assert outcome.success
    assert own(outcome)["dmarc"] == "fail"
    assert not [name for name in series if "unauthenticated" in name]


def test_in_another_mailbox_the_trusted_receiver_saw_the_client() -> None:
    outcome, _ = virtual.run(trip(before=HEADERS, trusted_authserv_id="mx.example.net"))
    assert own(outcome) == {
        "spf": "pass",
        "dkim": "pass",
        "dmarc": "pass",
        "arc": "none",
        "iprev": "permerror",
    }
    assert Disagreement("dkim", "fail", "pass") in outcome.facts
    assert len([one for one in outcome.facts if isinstance(one, Disagreement)]) == 1
    assert not [one for one in outcome.facts if isinstance(one, Client)]


def test_scripts_read_what_the_receiver_says_as_they_did_before_our_own_check() -> None:
    outcome, _ = virtual.run(trip(before=HEADERS, trusted_authserv_id="mx.example.net"))
    facts = described(outcome)["facts"]
    assert [one for one in facts if one["fact"] == "authentication"] == [
        {"fact": "authentication", "method": "spf", "result": "pass"},
        {"fact": "authentication", "method": "dkim", "result": "fail"},
    ]
    (check,) = (one for one in facts if one["fact"] == "sender_check" and one["method"] == "dkim")
    assert list(check) == ["fact", "method", "domain", "result", "why", "record"]
    assert (check["domain"], check["result"], check["record"]) == ("example.org", "pass", KEY)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.0.0.5", "fd00::1"])
def test_a_relay_of_our_own_is_not_the_client_that_matters(address: str) -> None:
    relay = Client(address, "mx.example.net", "probe@example.org")
    outcome, _ = virtual.run(trip(relay, before=HEADERS))
    assert own(outcome) == {"dkim": "pass", "dmarc": "pass", "arc": "none"}
    trusting = trip(relay, before=HEADERS, trusted_authserv_id="mx.example.net", require=["spf"])
    outcome, _ = virtual.run(trusting)
    assert outcome.success
    assert own(outcome)["spf"] == "pass"


def test_without_a_trusted_receiver_only_signatures_are_checked() -> None:
    outcome, _ = virtual.run(trip(before=HEADERS))
    assert own(outcome) == {"dkim": "pass", "dmarc": "pass", "arc": "none"}
    unsigned, _ = virtual.run(trip(before=HEADERS, sign=False))
    assert own(unsigned) == {"dkim": "none", "arc": "none"}


@pytest.mark.parametrize(
    ("require", "given", "code", "detail"),
    [
        (
            ["spf"],
            {"client": ELSEWHERE},
            "spf=fail",
            "SPF fail: 198.51.100.1 matches -all in the SPF record of example.org; see"
            " example.org in DNS",
        ),
        (
            ["dkim"],
            {"client": CLIENT, "sign": False},
            "dkim=none",
            "DKIM none: the message has no DKIM signature",
        ),
        (
            ["dkim"],
            {"client": CLIENT, "records": {}},
            "dkim=permerror",
            f"DKIM permerror: there is no key at {KEY}; see {KEY} in DNS",
        ),
        (
            ["dmarc"],
            {"client": ELSEWHERE, "sign": False},
            "dmarc=fail",
            "DMARC fail: neither SPF nor DKIM passed for example.org; its policy is reject; see"
            " _dmarc.example.org in DNS",
        ),
        (["spf", "dkim"], {"client": CLIENT, "sign": False}, "dkim=none", "DKIM none"),
        (["spf"], {}, "spf=unknown", "SPF unknown: the message was not read completely"),
        (
            ["dkim"],
            {"client": CLIENT, "read_limit": 900},
            "dkim=unknown",
            "DKIM unknown: the message was not read completely",
        ),
        (
            ["spf"],
            {"client": CLIENT, "records": {"example.org": {"TXT": DnsResult.SERVFAIL}}},
            "spf=temperror",
            "SPF temperror: example.org: the resolver failed",
        ),
    ],
)
def test_what_is_required_and_does_not_pass_fails(
    require: list[str], given: dict[str, object], code: str, detail: str
) -> None:
    options = partial(trip, require=require)
    outcome, series = virtual.run(options(**given))  # type: ignore[arg-type]
    failure = outcome.failure
    assert failure
    assert (failure.phase, failure.step, failure.reason) == (
        Phase.VERIFY,
        None,
        Reason.UNAUTHENTICATED,
    )
    assert failure.code == code
    assert failure.detail.startswith(detail), failure.detail
    assert outcome.legs[Leg.DELIVERY] is False
    assert series['mailtrip_failures_total{phase="verify",reason="unauthenticated"}'] == 1


def test_what_is_required_and_passes_is_no_failure() -> None:
    outcome, _ = virtual.run(trip(CLIENT, require=["spf", "dkim", "dmarc"]))
    assert outcome.success


def test_the_message_is_deleted_all_the_same() -> None:
    async def course() -> None:
        authenticator = Authenticator(Zone({}), virtual.clock())
        rig = ProberRig(authenticator=authenticator, require=["dkim"])
        assert (await rig.trip()).failure
        assert not rig.mailbox.messages
        await rig.close()

    virtual.run(course())


class Starved:
    """We ourselves were too late for every answer."""

    async def query(self, name: str, kind: RecordType) -> Answer:
        raise starved(ProbeError(Reason.DNS, "no answer in time"), 3.0)


@pytest.mark.parametrize(("require", "reason"), [([], None), (["spf"], Reason.STARVED)])
def test_if_we_are_too_late_the_sender_is_not_blamed(
    require: list[str], reason: Reason | None
) -> None:
    async def course() -> Outcome:
        authenticator = Authenticator(Starved(), virtual.clock())
        rig = ProberRig(authenticator=authenticator, require=require)
        rig.mailbox.client = CLIENT
        try:
            return await rig.trip()
        finally:
            await rig.close()

    outcome = virtual.run(course())
    assert (outcome.failure and outcome.failure.reason) == reason
    assert own(outcome) == {}


class SilentAtFirst(Zone):
    """A name server that does not answer while it is `silent`."""

    silent = True

    async def query(self, name: str, kind: RecordType) -> Answer:
        if self.silent:
            await asyncio.sleep(1000)
        return await super().query(name, kind)


def test_a_silent_name_server_keeps_neither_the_deletion_nor_another_trip_waiting() -> None:
    async def course() -> None:
        zone, clock = SilentAtFirst(RECORDS), virtual.clock()
        rig = ProberRig(authenticator=Authenticator(zone, clock))
        rig.mailbox.client = CLIENT
        first = asyncio.ensure_future(rig.trip())
        await asyncio.sleep(8)
        assert len(rig.mailbox.messages) == 1, "it has come, and is being checked"
        zone.silent = False
        other = await rig.trip()
        assert not first.done()
        assert other.success
        assert other.duration < 8
        outcome = await first
        assert outcome.success
        assert own(outcome)["spf"] == "temperror"
        assert outcome.duration < LONGEST + 8
        assert not rig.mailbox.messages
        await rig.close()

    virtual.run(course())


def test_only_our_own_check_counts() -> None:
    facts: list[Fact] = [Authentication("spf", "pass"), SenderCheck("spf", "", "fail", "x", "")]
    error = unauthenticated(["spf"], facts)
    assert error
    assert error.detail == "SPF fail: x"
    assert unauthenticated([], facts) is None
