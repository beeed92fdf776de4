"""IPv4 and IPv6, the address that we connect from, and e-mail addresses in all scripts."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from exporter.core.model import Exchanger, Failure
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.trace.run import Run
from tests.support.fast_forward import fast_forward
from tests.support.left_behind import nothing_left_behind
from tests.support.name_server import Zone, names
from tests.support.ports import free_port
from tests.support.sender_rig import make_sender
from tests.support.sending import PATIENCE, SENDER, new_run, probe_message, send
from tests.support.smtp_witness import (
    OFFERS,
    Act,
    Cut,
    Freeze,
    Received,
    Reply,
    SmtpWitness,
    Stage,
    witness,
)

ZONE: Zone = {
    "both.test": {"MX": ["10 mx.both.test."]},
    "mx.both.test": {"A": ["127.0.0.1"], "AAAA": ["::1"]},
    "four.test": {"MX": ["10 mx.four.test."]},
    "mx.four.test": {"A": ["127.0.0.1"]},
    "six.test": {"MX": ["10 mx.six.test."]},
    "mx.six.test": {"AAAA": ["::1"]},
    "no-mx.test": {"AAAA": ["::1"]},
    "half-dead.test": {"MX": ["10 mx.half-dead.test."]},
    "mx.half-dead.test": {"A": ["127.0.0.1"], "AAAA": ["::ffff:127.0.0.9"]},
    "old-first.test": {"MX": ["10 mx.six.test.", "20 mx.four.test."]},
    "xn--r8jz45g.jp": {"MX": ["10 mx.four.test."]},
}


@dataclass
class Machine:
    """One that has both kinds of addresses, with a witness at each."""

    four: SmtpWitness
    six: SmtpWitness
    patience: float = PATIENCE

    async def send(
        self, kind: str, domain: str, local: str = "x", **options: Any
    ) -> tuple[Run, Failure | None]:
        run = new_run(self.patience)
        given = {"port": self.four.port, **options}
        if kind == "smtp":
            given |= {"host": f"mx.{domain}", "tls": "none"}
        async with names(ZONE) as resolver, nothing_left_behind():
            failure = await send(
                make_sender(kind, given, resolver), probe_message(f"{local}@{domain}"), run
            )
            for one in (self.four, self.six):
                await one.ended()
        return run, failure

    @property
    def who(self) -> str:
        """Who has got a message."""
        return " ".join(
            name for name, one in (("four", self.four), ("six", self.six)) for _ in one.received
        )


@asynccontextmanager
async def running() -> AsyncIterator[Machine]:
    async with AsyncExitStack() as stack:
        four = await stack.enter_async_context(witness(port=free_port()))
        six = await stack.enter_async_context(
            witness("::1", four.port, [o for o in OFFERS if o != "SMTPUTF8"])
        )
        yield Machine(four, six)


@pytest.fixture
async def machine() -> AsyncIterator[Machine]:
    async with running() as one:
        yield one


both_kinds = pytest.mark.parametrize("kind", ["smtp", "mx"])


@both_kinds
@pytest.mark.slow
@pytest.mark.parametrize(
    ("domain", "ip", "who"),
    [
        ("both.test", "any", "six"),
        ("both.test", 4, "four"),
        ("both.test", 6, "six"),
        ("six.test", "any", "six"),
        ("four.test", 4, "four"),
        ("half-dead.test", "any", "four"),
    ],
)
async def test_the_family_can_be_chosen(
    machine: Machine, kind: str, domain: str, ip: object, who: str
) -> None:
    _, failure = await machine.send(kind, domain, ip=ip)
    assert failure is None
    assert machine.who == who


@both_kinds
@pytest.mark.parametrize(
    ("domain", "ip", "words"), [("four.test", 6, "IPv6"), ("six.test", 4, "IPv4")]
)
async def test_a_server_without_an_address_of_the_family_is_named(
    machine: Machine, kind: str, domain: str, ip: int, words: str
) -> None:
    _, failure = await machine.send(kind, domain, ip=ip)
    assert failure is not None
    assert (failure.step, failure.reason) == (Step.RESOLVE, Reason.DNS)
    says = f"mx.{domain} has no {words} address; asked 127.0.0.1:"
    origin = f"mx.{domain} (MX 10 of {domain}): " if kind == "mx" else ""
    assert failure.detail.startswith(f"{origin}{says}")


async def test_a_domain_with_nothing_but_an_ipv6_address_gets_its_mail_there(
    machine: Machine,
) -> None:
    run, failure = await machine.send("mx", "no-mx.test")
    assert failure is None
    assert Exchanger("no-mx.test", 0, "::1") in run.facts
    assert machine.who == "six"


@both_kinds
@pytest.mark.parametrize(
    ("domain", "source", "who"), [("both.test", "127.0.0.8", "four"), ("both.test", "::1", "six")]
)
async def test_the_server_sees_the_source_address(
    machine: Machine, kind: str, domain: str, source: str, who: str
) -> None:
    """Of the server's addresses only those of the same family can be reached from it."""
    _, failure = await machine.send(kind, domain, source_address=source)
    assert failure is None
    assert machine.who == who
    assert {line.client for line in (*machine.four.lines, *machine.six.lines)} == {source}


@both_kinds
async def test_a_source_address_of_another_machine_is_named(machine: Machine, kind: str) -> None:
    _, failure = await machine.send(kind, "four.test", source_address="192.0.2.1")
    assert failure is not None
    assert (failure.step, failure.reason) == (Step.CONNECT, Reason.CONNECT)
    assert failure.detail.endswith(" from 192.0.2.1: cannot assign requested address")


@both_kinds
async def test_a_source_address_of_the_other_family_is_named(machine: Machine, kind: str) -> None:
    _, failure = await machine.send(kind, "six.test", source_address="127.0.0.8")
    assert failure is not None
    assert (failure.step, failure.reason) == (Step.CONNECT, Reason.CONNECT)
    assert failure.detail.endswith(" from 127.0.0.8: one is IPv4, the other is IPv6")


@both_kinds
async def test_an_address_in_another_script_goes_as_smtputf8(machine: Machine, kind: str) -> None:
    """RFC 6531 section 3.4."""
    _, failure = await machine.send(kind, "four.test", local="grüße")
    assert failure is None
    expected = probe_message("grüße@four.test")
    mail = f"MAIL FROM:<{SENDER}> SIZE={len(expected.raw)} BODY=8BITMIME SMTPUTF8"
    assert machine.four.commands[1:3] == [mail, "RCPT TO:<grüße@four.test>"]
    (received,) = machine.four.received
    assert received.recipients == (expected.recipient,)
    assert "\r\nTo: <grüße@four.test>\r\n".encode() in received.raw


async def test_a_domain_in_another_script_is_found(machine: Machine) -> None:
    _, failure = await machine.send("mx", "例え.jp")
    assert failure is None
    assert machine.four.received[0].recipients == ("x@例え.jp",)


@both_kinds
async def test_a_server_that_does_not_know_smtputf8_is_not_asked_in_vain(
    machine: Machine, kind: str
) -> None:
    _, failure = await machine.send(kind, "six.test", local="grüße")
    assert failure is not None
    assert (failure.step, failure.reason, failure.code) == (Step.MAIL, Reason.PROTOCOL, "")
    assert failure.detail == "mx.six.test does not offer SMTPUTF8, which these addresses need"
    assert [command[:4] for command in machine.six.commands] == ["EHLO"]


async def test_another_exchanger_may_know_smtputf8(machine: Machine) -> None:
    _, failure = await machine.send("mx", "old-first.test", local="grüße")
    assert failure is None
    assert machine.who == "four"


@both_kinds
async def test_an_address_in_ascii_asks_for_nothing_special(machine: Machine, kind: str) -> None:
    _, failure = await machine.send(kind, "four.test")
    assert failure is None
    (received,) = machine.four.received
    assert machine.four.commands[1] == f"MAIL FROM:<{SENDER}> SIZE={len(received.raw)}"
    assert [type(one) for one in machine.four.received] == [Received]


TURNED_AWAY = [
    (Stage.GREETING, Reply("554 5.7.25 your address has no name")),
    (Stage.GREETING, Reply("421 4.3.2 too many connections")),
    (Stage.EHLO, Cut()),
    (Stage.RCPT, Reply("450 4.7.25 cannot find your reverse hostname")),
    (Stage.DOT, Reply("451 4.7.1 try again")),
]


@pytest.mark.parametrize(("stage", "act"), TURNED_AWAY, ids=str)
async def test_an_exchanger_that_dislikes_one_of_our_addresses_is_asked_from_the_other(
    machine: Machine, stage: Stage, act: Act
) -> None:
    """RFC 5321 section 5.1: a client tries at least two addresses. Servers that want a name for
    each address refuse IPv6 alone, and mail servers then come by IPv4."""
    machine.six.always(stage, act)
    run, failure = await machine.send("mx", "both.test")
    assert failure is None
    assert Exchanger("mx.both.test", 10, "127.0.0.1") in run.facts
    assert len(machine.four.received) == 1
    assert not [span for span in run.spans if span.step is Step.RETRY]


async def test_an_exchanger_that_refuses_the_message_is_not_asked_at_its_other_address(
    machine: Machine,
) -> None:
    machine.six.always(Stage.RCPT, Reply("550 5.1.1 no such user"))
    _, failure = await machine.send("mx", "both.test")
    assert failure is not None
    assert (failure.reason, failure.code) == (Reason.REJECTED, "550")
    assert not machine.four.lines


async def test_two_addresses_that_turn_us_away_are_enough(machine: Machine) -> None:
    for one in (machine.four, machine.six):
        one.always(Stage.MAIL, Reply("451 4.7.1 try again"))
    _, failure = await machine.send("mx", "both.test", retry_after="1h")
    assert failure is not None
    assert (failure.reason, failure.code) == (Reason.DEFERRED, "451")
    assert (len(machine.six.lines), len(machine.four.lines)) == (1, 1)


@pytest.mark.parametrize(
    ("domain", "stage", "conversations"),
    [
        ("both.test", Stage.GREETING, ["::1", "127.0.0.1"]),
        ("both.test", Stage.RCPT, ["::1", "127.0.0.1"]),
        ("both.test", Stage.DOT, ["::1"]),  # which may have taken the message
        ("four.test", Stage.RCPT, ["127.0.0.1"]),
    ],
)
@fast_forward
async def test_an_exchanger_that_hangs_has_the_time_of_a_conversation_at_each_of_two_addresses(
    domain: str, stage: Stage, conversations: list[str]
) -> None:
    """As Postfix gives each session its own time limits, and has two (smtp_mx_session_limit)."""
    async with running() as machine:
        machine.patience = 5
        for one in (machine.four, machine.six):
            one.always(stage, Freeze())
        run, failure = await machine.send("mx", domain)
    assert failure is not None
    assert (failure.step, failure.reason) == (
        Step.DATA if stage is Stage.DOT else Step[stage.upper()],
        Reason.TIMEOUT,
    )
    connected = [line for line in run.transcript if "-- connected to" in line]
    assert [line.partition("[")[2].partition("]")[0] for line in connected] == conversations


@pytest.mark.parametrize("tls", ["opportunistic", "policy"])
@pytest.mark.parametrize(("literal", "who"), [("[127.0.0.1]", "four"), ("[IPv6:::1]", "six")])
async def test_mail_for_an_address_goes_straight_to_it(
    machine: Machine, literal: str, who: str, tls: str
) -> None:
    """RFC 5321 section 4.1.3. No name server is asked: it knows no such name."""
    run, failure = await machine.send("mx", literal, tls=tls)
    assert failure is None
    assert machine.who == who
    assert not [span for span in run.spans if "MX" in span.note]


async def test_an_address_that_nobody_answers_at_has_no_mx_record() -> None:
    run = new_run()
    async with names(ZONE) as resolver:
        sender = make_sender("mx", {"port": free_port()}, resolver)
        failure = await send(sender, probe_message("x@[127.0.0.1]"), run)
    assert failure is not None
    assert failure.detail.startswith("cannot connect to 127.0.0.1:")
    assert "MX" not in failure.detail
