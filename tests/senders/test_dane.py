"""DANE: what `mx` makes of TLSA records, as Postfix does (`smtp_tls_security_level = dane`)."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from exporter.core.model import (
    Exchanger,
    Failure,
    PlaintextFallback,
    ProbeError,
    TlsPolicy,
)
from exporter.core.phases import Phase
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.trace.run import Run
from exporter.senders.mx import MxSender
from tests.support.chains import HOST, CertifiedKey, issue, server_context, tlsa, written
from tests.support.name_server import Zone, names
from tests.support.ports import free_port
from tests.support.sender_rig import make_sender
from tests.support.sending import new_run, probe_message, send, tls_policies, went_with_tls
from tests.support.smtp_witness import (
    OFFERS,
    Act,
    Encrypted,
    Reply,
    SmtpWitness,
    Stage,
    witness,
)

CA = issue("CA", is_ca=True)
LEAF = issue(HOST, CA, hosts=[HOST])
RENEWED = issue(HOST, CA, hosts=[HOST])
WITH_TLS = (*OFFERS, "STARTTLS")
NONE, ENFORCE, ENCRYPT = (
    TlsPolicy("none", "none"),
    TlsPolicy("dane", "enforce"),
    TlsPolicy("dane", "encrypt"),
)


def published(of: CertifiedKey = LEAF, usage: int = 3, selector: int = 1) -> str:
    return written(tlsa(of, usage, selector))


UNUSABLE = f"1 1 1 {'00' * 32}"
SIGNED: dict[str, Sequence[str]] = {"AD": ()}


@dataclass
class Domain:
    """A domain with two exchangers, the second one on another address and without any TLSA."""

    records: Sequence[str] = ()
    chain: tuple[CertifiedKey, ...] = (LEAF, CA)
    offers: Sequence[str] = WITH_TLS
    act: tuple[Stage, Act] | None = None
    zone: dict[str, Any] = field(default_factory=dict)
    second: bool = False

    async def preflight(self) -> Failure | None:
        """What `check --try` fails with."""
        run = new_run()
        async with (
            witness() as one,
            names(self._zone(one.port) | self.zone, tcp=True) as resolver,
        ):
            sender = make_sender("mx", {"port": one.port, "tls": "dane"}, resolver)
            try:
                async with run.phase(Phase.SEND):
                    await sender.preflight(probe_message(), run)
            except ProbeError as error:
                return run.failure(error)
            await one.ended()
        return None

    async def send(self, **options: Any) -> tuple[Run, Failure | None, list[SmtpWitness]]:
        run = new_run()
        async with AsyncExitStack() as stack:
            port = free_port()  # on both addresses
            first = await stack.enter_async_context(witness(port=port, offers=self.offers))
            second = await stack.enter_async_context(witness("127.0.0.2", port))
            first.always(Stage.TLS, Encrypted(context=server_context(*self.chain)))
            if self.act:
                first.always(*self.act)
            zone: Zone = self._zone(port) | self.zone
            resolver = await stack.enter_async_context(names(zone, tcp=True))
            how = {"port": port, "retry_after": "1h", "tls": "dane", **options}
            failure = await send(make_sender("mx", how, resolver), probe_message(), run)
            for one in (first, second):
                await one.ended()
        return run, failure, [first, second]

    def _zone(self, port: int) -> dict[str, Any]:
        exchangers = [f"10 {HOST}.", *(["20 second.test."] if self.second else [])]
        return {
            "example.test": SIGNED | {"MX": exchangers},
            HOST: SIGNED | {"A": ["127.0.0.1"]},
            "second.test": SIGNED | {"A": ["127.0.0.2"]},
            f"_{port}._tcp.{HOST}": SIGNED | ({"TLSA": self.records} if self.records else {}),
            f"_{port}._tcp.second.test": SIGNED,
        }


GOOD = {
    "the key": (published(), (LEAF, CA)),
    "the certificate": (published(selector=0), (LEAF, CA)),
    "the CA": (published(CA, 2, 0), (LEAF, CA)),
    "a certificate of years ago": (
        published(old := issue("nobody", hosts=["nobody.test"], days=(-900, -300))),
        (old,),
    ),
    "a CA, and the name of the recipient's domain": (
        published(CA, 2, 0),
        (issue("x", CA, hosts=["example.test"]), CA),
    ),
}


@pytest.mark.parametrize("way", GOOD)
async def test_a_certificate_that_is_published_is_trusted(way: str) -> None:
    record, chain = GOOD[way]
    run, failure, (first, _) = await Domain([UNUSABLE, record], chain).send()
    assert failure is None
    assert tls_policies(run) == [ENFORCE]
    assert went_with_tls(run)
    assert len(first.received) == 1


async def test_a_certificate_that_was_renewed_without_its_record_is_named() -> None:
    run, failure, (first, _) = await Domain([published()], (RENEWED, CA)).send()
    assert failure is not None
    assert (failure.step, failure.reason) == (Step.TLS, Reason.POLICY)
    assert f"the certificate of {HOST} is not what _" in failure.detail
    assert failure.detail.endswith(f"if it was renewed, publish {published(RENEWED)}")
    assert tls_policies(run) == [ENFORCE]
    assert not first.received
    assert len(first.lines) == 1, "never in plain text"


async def test_then_the_next_exchanger_is_tried() -> None:
    run, failure, (first, second) = await Domain([published()], (RENEWED, CA), second=True).send()
    assert failure is None
    assert (len(first.received), len(second.received)) == (0, 1)
    assert tls_policies(run) == [NONE]
    assert [fact.host for fact in run.facts if isinstance(fact, Exchanger)] == ["second.test"]


@pytest.mark.parametrize(
    ("records", "offers", "act"),
    [
        ([published()], OFFERS, None),
        ([UNUSABLE], OFFERS, None),
        ([published()], WITH_TLS, (Stage.STARTTLS, Reply("454 4.7.0 TLS not available"))),
        ([UNUSABLE], WITH_TLS, (Stage.TLS, Reply("this is no TLS"))),
    ],
)
async def test_tls_is_required_where_there_are_records(
    records: list[str], offers: Sequence[str], act: tuple[Stage, Act] | None
) -> None:
    _, failure, (first, _) = await Domain(records, offers=offers, act=act).send()
    assert failure is not None
    assert (failure.step, failure.reason) == (Step.TLS, Reason.POLICY)
    assert failure.detail.endswith("and the policy (dane) forbids going on")
    assert not first.received


async def test_with_records_that_are_all_unusable_any_certificate_will_do() -> None:
    """RFC 7672 section 2.2."""
    run, failure, (first, _) = await Domain([UNUSABLE]).send(verify=True)
    assert failure is None
    assert tls_policies(run) == [ENCRYPT]
    assert went_with_tls(run)
    assert len(first.received) == 1


MALFORMED = "\\# 03010100ff"  # a digest of two octets, which dnspython does not read


async def test_a_record_that_cannot_be_read_is_only_unusable() -> None:
    run, failure, _ = await Domain([MALFORMED]).send()
    assert failure is None
    assert tls_policies(run) == [ENCRYPT]
    assert went_with_tls(run)
    _, failure, _ = await Domain([MALFORMED], offers=OFFERS).send()
    assert failure is not None
    assert failure.reason is Reason.POLICY
    run, failure, _ = await Domain([MALFORMED, published()]).send()
    assert failure is None
    assert tls_policies(run) == [ENFORCE]
    _, failure, _ = await Domain([MALFORMED, published(RENEWED)]).send()
    assert failure is not None
    assert failure.reason is Reason.POLICY


UNSIGNED = {
    "no record": {},
    "no such name": {"tlsa": {"RCODE": ["NXDOMAIN"]}},
    "a record that is not signed": {"tlsa": {"TLSA": [published(RENEWED)]}},
    "a host that is not signed": {HOST: {"A": ["127.0.0.1"]}},
}


@pytest.mark.parametrize("way", UNSIGNED)
@pytest.mark.parametrize("offers", [OFFERS, WITH_TLS])
async def test_without_signed_records_tls_is_opportunistic(way: str, offers: Sequence[str]) -> None:
    domain = TlsaElsewhere(
        [published(RENEWED)] if HOST in UNSIGNED[way] else (), offers=offers, zone=UNSIGNED[way]
    )
    run, failure, (first, _) = await domain.send()
    assert failure is None
    assert tls_policies(run) == [NONE]
    assert went_with_tls(run) == (offers == WITH_TLS)
    assert len(first.received) == 1


class TlsaElsewhere(Domain):
    """What is said of `tlsa` is said of the name of the records."""

    def _zone(self, port: int) -> dict[str, Any]:
        zone = super()._zone(port)
        if "tlsa" in self.zone:
            zone[f"_{port}._tcp.{HOST}"] = self.zone.pop("tlsa")
        return zone


async def test_addresses_that_are_not_used_are_not_looked_up() -> None:
    only_4: dict[str, Any] = {HOST: SIGNED | {"A": ["127.0.0.1"], "AAAA": ["no address"]}}
    _, failure, _ = await Domain([published()], zone=only_4).send(ip="4")
    assert failure is None


@pytest.mark.parametrize(
    ("zone", "validates"),
    [
        ({HOST: {"A": ["127.0.0.1"]}, ".": {"NS": ["ns.test."]}}, False),
        ({HOST: {"A": ["127.0.0.1"]}, ".": SIGNED | {"NS": ["ns.test."]}}, True),
        ({".": {"NS": ["ns.test."]}}, True),  # our zone, though not the root
    ],
)
async def test_check_says_that_the_name_server_does_not_validate(
    zone: dict[str, Any], validates: bool
) -> None:
    failure = await Domain(zone=zone).preflight()
    if validates:
        assert failure is None
    else:
        assert failure is not None
        assert "does not validate answers (DNSSEC), which DANE needs; asked" in failure.detail


async def test_a_broken_handshake_falls_back_where_there_is_no_record() -> None:
    run, failure, _ = await Domain(act=(Stage.TLS, Reply("this is no TLS"))).send()
    assert failure is None
    assert any(isinstance(fact, PlaintextFallback) for fact in run.facts)


@pytest.mark.parametrize("name", ["tlsa", HOST])
async def test_an_answer_that_is_bogus_keeps_the_message_back(name: str) -> None:
    domain = TlsaElsewhere([published()], zone={name: {"RCODE": ["SERVFAIL"]}})
    _, failure, (first, _) = await domain.send()
    assert failure is not None
    assert (failure.step, failure.reason, failure.code) == (Step.RESOLVE, Reason.DNS, "SERVFAIL")
    assert not first.lines
    domain = TlsaElsewhere([published()], zone={name: {"RCODE": ["SERVFAIL"]}}, second=True)
    _, failure, (_, second) = await domain.send()
    assert failure is None
    assert len(second.received) == 1


async def test_records_count_although_the_mx_record_is_not_signed() -> None:
    """As with Postfix: `smtp_tls_dane_insecure_mx_policy`."""
    mx = {"example.test": {"MX": [f"10 {HOST}."]}}
    run, failure, _ = await Domain([published()], zone=mx).send()
    assert failure is None
    assert tls_policies(run) == [ENFORCE]
    _, failure, _ = await Domain([published(RENEWED)], zone=mx).send()
    assert failure is not None
    assert failure.reason is Reason.POLICY


@pytest.mark.parametrize("own", [False, True])
async def test_an_alias_is_followed_to_the_name_with_records(own: bool) -> None:
    """RFC 7672 section 2.2.3; if that has none, those of the alias count."""

    class Alias(Domain):
        def _zone(self, port: int) -> dict[str, Any]:
            zone = super()._zone(port)
            alias = SIGNED | {"MX": ["10 alias.test."]}
            records = zone.pop(f"_{port}._tcp.{HOST}")
            place = "alias.test" if own else HOST
            return zone | {
                "example.test": alias,
                "alias.test": SIGNED | {"CNAME": [f"{HOST}."]},
                f"_{port}._tcp.{place}": records,
            }

    name = "alias.test" if own else HOST
    heard: list[str | None] = []
    context = server_context(issue("x", CA, hosts=[name]), CA)
    context.sni_callback = lambda _, asked, __: heard.append(asked)
    encrypted = (Stage.TLS, Encrypted(context=context))
    run, failure, _ = await Alias([published(CA, 2, 0)], act=encrypted).send()
    assert failure is None
    assert tls_policies(run) == [ENFORCE]
    assert heard == [name]


async def test_each_address_of_an_exchanger_has_to_have_what_its_records_say() -> None:
    """One of two was renewed without its TLSA record."""
    port, failures = free_port(), dict[str, Failure | None]()
    zone = Domain([published()])._zone(port)
    zone[HOST] = SIGNED | {"A": ["127.0.0.1", "127.0.0.2"]}
    async with (
        witness(port=port, offers=WITH_TLS) as good,
        witness("127.0.0.2", port, offers=WITH_TLS) as renewed,
        names(zone, tcp=True) as resolver,
    ):
        good.always(Stage.TLS, Encrypted(context=server_context(LEAF, CA)))
        renewed.always(Stage.TLS, Encrypted(context=server_context(RENEWED, CA)))
        options = {"port": port, "tls": "dane", "each": True}
        sender = make_sender("mx", options, resolver)
        assert isinstance(sender, MxSender)
        for exchanger in await sender.each(probe_message(), new_run()):
            run = new_run()
            failures[exchanger.address] = await send(
                sender.through(exchanger), probe_message(), run
            )
            assert tls_policies(run) == [ENFORCE]
    assert failures["127.0.0.1"] is None
    why = failures["127.0.0.2"]
    assert why
    assert (why.step, why.reason) == (Step.TLS, Reason.POLICY)
    assert (len(good.received), len(renewed.received)) == (1, 0)
