"""Several exchangers, and the same one again and again: whom `mx` asks, in which order, and when it
must not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path
from typing import Any, cast

import pytest

from exporter.app import App
from exporter.core.model import Exchanger, Failure, PlaintextFallback
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.trace.run import Run
from exporter.mail.composition import ProbeMessage
from exporter.mail.tokens import new_key
from exporter.settings import Settings
from exporter.state.store import Store
from tests.lab.client import Lab, LabUser
from tests.senders.test_smtp import sent
from tests.support.name_server import Zone, name_server, names, searching
from tests.support.ports import free_port
from tests.support.sender_rig import make_sender
from tests.support.sending import RECIPIENT, SENDER, new_run, probe_message, send, steps
from tests.support.smtp_rig import STAGES
from tests.support.smtp_witness import (
    Act,
    Cut,
    Freeze,
    Line,
    Received,
    Reply,
    SmtpWitness,
    Stage,
    witness,
)

ADDRESSES = ("127.0.0.1", "127.0.0.2")
ZONE: Zone = {
    "example.test": {"MX": ["10 first.example.test.", "20 second.example.test."]},
    "first.example.test": {"A": [ADDRESSES[0]]},
    "second.example.test": {"A": [ADDRESSES[1]]},
    "dead.example.test": {"A": ["127.0.0.3"]},
    "nowhere-first.test": {"MX": ["10 nowhere.example.test.", "20 second.example.test."]},
    "dead-first.test": {"MX": ["10 dead.example.test.", "20 second.example.test."]},
    "dead-last.test": {"MX": ["10 first.example.test.", "20 dead.example.test."]},
    "all-dead.test": {"MX": ["10 dead.example.test.", "20 spare.example.test."]},
    "spare.example.test": {"A": ["127.0.0.4"]},
    "alias.test": {"MX": ["10 www.alias.test."]},
    "www.alias.test": {"CNAME": ["first.example.test."]},
    "bogus.test": {"RCODE": ["SERVFAIL"]},
    "short.test": {"MX": ["10 first."]},
}


@dataclass
class Domain:
    """Two witnesses are the exchangers of example.test."""

    first: SmtpWitness
    second: SmtpWitness
    options: dict[str, Any]

    async def send(
        self, message: ProbeMessage, *, patience: float = 20, how: dict[str, Any] | None = None
    ) -> tuple[Run, Failure | None]:
        run = new_run(patience)
        async with names(ZONE) as resolver:
            sender = make_sender("mx", self.options | (how or {}), resolver)
            failure = await send(sender, message, run)
        await self.first.ended()
        await self.second.ended()
        return run, failure


@pytest.fixture
async def domain() -> AsyncIterator[Domain]:
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(witness(ADDRESSES[0], free_port()))
        second = await stack.enter_async_context(witness(ADDRESSES[1], first.port))
        yield Domain(first, second, {"port": first.port, "retry_after": "1h"})


def taker(run: Run) -> list[str]:
    return [fact.host for fact in run.facts if isinstance(fact, Exchanger)]


@pytest.mark.parametrize("recipient", ["x@dead-first.test", "x@nowhere-first.test"])
async def test_an_exchanger_that_cannot_be_reached_is_passed_over(
    domain: Domain, recipient: str
) -> None:
    run, failure = await domain.send(probe_message(recipient))
    assert failure is None
    assert taker(run) == ["second.example.test"]
    assert len(domain.second.received) == 1


AGAIN = [
    *((stage, "421 4.3.2 shutting down") for stage in STAGES),
    (Stage.MAIL, "452 4.3.1 no room on the disk"),
    (Stage.RCPT, "450 4.2.0 greylisted"),
    (Stage.DATA, "451 4.3.0 queue file write error"),
    (Stage.DOT, "451 4.7.1 try again"),
]


@pytest.mark.parametrize(("stage", "words"), AGAIN)
async def test_after_a_4xx_the_next_exchanger_is_asked(
    domain: Domain, stage: Stage, words: str
) -> None:
    """RFC 5321 section 5.1. 421 may come at any time (section 3.8)."""
    domain.first.always(stage, Reply(words))
    message = probe_message()
    run, failure = await domain.send(message)
    assert failure is None
    assert taker(run) == ["second.example.test"]
    assert domain.second.received == [Received(SENDER, (RECIPIENT,), message.raw)]
    assert (len(domain.first.lines), len(domain.second.lines)) == (1, 1)


async def test_an_exchanger_that_turns_us_away_at_the_door_says_nothing_of_the_message(
    domain: Domain,
) -> None:
    """Postfix: smtp_skip_5xx_greeting."""
    domain.first.always(Stage.GREETING, Reply("554 5.7.1 your address is on a list"))
    run, failure = await domain.send(probe_message())
    assert failure is None
    assert taker(run) == ["second.example.test"]
    domain.second.always(Stage.GREETING, Reply("554 5.7.1 your address is on a list"))
    _, failure = await domain.send(probe_message())
    assert failure is not None
    assert (failure.step, failure.reason, failure.code) == (Step.GREETING, Reason.REJECTED, "554")


@pytest.mark.parametrize("act", [Cut(), Cut(reset=True)], ids=["cut", "reset"])
@pytest.mark.parametrize("stage", [Stage.GREETING, Stage.EHLO, Stage.MAIL, Stage.RCPT, Stage.DATA])
async def test_after_a_cut_before_the_message_the_next_exchanger_is_asked(
    domain: Domain, stage: Stage, act: Act
) -> None:
    domain.first.always(stage, act)
    run, failure = await domain.send(probe_message())
    assert failure is None
    assert taker(run) == ["second.example.test"]
    assert not run.uncertain


FOR_EVER = [
    (Stage.MAIL, "550 5.7.1 not you", Reason.REJECTED),
    (Stage.RCPT, "550 5.1.1 no such user", Reason.REJECTED),
    (Stage.RCPT, "552 5.2.2 mailbox full", Reason.MAILBOX_FULL),
    (Stage.DATA, "554 5.5.1 no valid recipients", Reason.REJECTED),
    (Stage.DOT, "554 5.7.1 looks like spam", Reason.REJECTED),
]


@pytest.mark.parametrize(("stage", "words", "reason"), FOR_EVER)
async def test_after_a_5xx_no_second_exchanger_is_asked(
    domain: Domain, stage: Stage, words: str, reason: Reason
) -> None:
    domain.first.always(stage, Reply(words))
    _, failure = await domain.send(probe_message())
    assert failure is not None
    assert (failure.reason, failure.code) == (reason, words[:3])
    assert not domain.second.lines


@pytest.mark.parametrize("recipient", ["x@dead-first.test", "x@dead-last.test"])
async def test_who_answers_tells_more_than_who_is_dead(domain: Domain, recipient: str) -> None:
    for one in (domain.first, domain.second):
        one.always(Stage.RCPT, Reply("450 4.2.0 greylisted"))
    _, failure = await domain.send(probe_message(recipient))
    assert failure is not None
    assert (failure.step, failure.reason, failure.code) == (Step.RCPT, Reason.DEFERRED, "450")


async def test_of_exchangers_that_are_all_dead_the_preferred_one_is_named(domain: Domain) -> None:
    """It takes the mail on all other days. A spare one may have been dead for long."""
    _, failure = await domain.send(probe_message("x@all-dead.test"))
    assert failure is not None
    assert (failure.step, failure.reason) == (Step.CONNECT, Reason.CONNECT)
    assert "dead.example.test [127.0.0.3]" in failure.detail
    assert "MX 10 of all-dead.test" in failure.detail


async def test_an_exchanger_that_is_an_alias_is_found(domain: Domain) -> None:
    """RFC 2181 section 10.3 forbids it, and it is common all the same."""
    assert (await domain.send(probe_message("x@alias.test")))[1] is None
    assert len(domain.first.received) == 1


async def test_an_exchanger_is_never_a_machine_of_our_own_domain_with_a_similar_name(
    domain: Domain, tmp_path: Path
) -> None:
    """Somebody forgot the domain, and ours has a host of that name: the message is not its own."""
    run = new_run()
    async with name_server(ZONE) as address:
        resolver = searching(address, tmp_path, "example.test")
        assert await resolver.addresses("first", "4") == [ADDRESSES[0]]
        sender = make_sender("mx", domain.options, resolver)
        failure = await send(sender, probe_message("x@short.test"), run)
    assert failure is not None
    assert (failure.step, failure.reason, failure.code) == (Step.RESOLVE, Reason.DNS, "NXDOMAIN")
    assert not domain.first.lines


async def test_names_that_cannot_be_trusted_are_no_names(domain: Domain) -> None:
    """A resolver that validates DNSSEC answers SERVFAIL for what is forged; the domain itself is
    not tried instead."""
    _, failure = await domain.send(probe_message("x@bogus.test"))
    assert failure is not None
    assert (failure.step, failure.reason, failure.code) == (Step.RESOLVE, Reason.DNS, "SERVFAIL")


@pytest.mark.parametrize(
    ("act", "reason"),
    [(Cut(), Reason.DISCONNECTED), (Freeze(), Reason.TIMEOUT), (Reply("what?"), Reason.PROTOCOL)],
    ids=["cut", "frozen", "nonsense"],
)
async def test_after_an_uncertain_end_nobody_else_is_asked(
    domain: Domain, act: Act, reason: Reason
) -> None:
    domain.first.always(Stage.DOT, act)
    run, failure = await domain.send(probe_message(), patience=0.5, how={"retry_after": "1ms"})
    assert failure is not None
    assert (failure.step, failure.reason) == (Step.DATA, reason)
    assert run.uncertain
    assert len(domain.first.received) == 1
    assert not domain.second.lines


class NeverReads:
    """Takes no more than what the buffers on the way hold, until the client has gone to somebody
    else."""

    def __init__(self, other: SmtpWitness) -> None:
        self._other = other

    async def on(self, line: Line) -> bool:
        line.say("354 go on")
        cast(asyncio.ReadTransport, line.writer.transport).pause_reading()
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                while not self._other.lines:
                    await asyncio.sleep(0.01)
        return False


@pytest.mark.slow
async def test_a_message_that_has_not_left_as_a_whole_was_not_taken(domain: Domain) -> None:
    message = probe_message()
    large = ProbeMessage(
        message.sender, message.recipient, message.raw + (b"x" * 998 + b"\r\n") * 20_000
    )
    domain.first.always(Stage.DATA, NeverReads(domain.second))
    run, failure = await domain.send(large, patience=2)
    assert failure is None
    assert not run.uncertain
    assert domain.second.received == [Received(SENDER, (RECIPIENT,), large.raw)]


@pytest.mark.parametrize("stage", [Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.DOT])
async def test_a_greylisted_message_comes_again_as_it_was_with_growing_gaps(
    domain: Domain, stage: Stage
) -> None:
    tries = 7
    for one in (domain.first, domain.second):
        one.act(stage, *[Reply("450 4.2.0 greylisted")] * (tries - 1))
    message = probe_message()
    how = {"retry_after": "2ms", "ehlo_name": "probe.example.test", "source_address": "127.0.0.4"}
    run, failure = await domain.send(message, how=how)
    assert failure is None
    waits = [span.note for span in run.spans if span.step is Step.RETRY]
    assert waits == [
        f"450, again in {wait:g} s" for wait in (0.002, 0.004, 0.008, 0.016, 0.02, 0.02)
    ]
    assert taker(run) == ["first.example.test"]
    lines = domain.first.lines
    assert len(lines) == tries
    assert {line.client for line in lines} == {"127.0.0.4"}
    assert {tuple(line.commands[:2]) for line in lines} == {
        ("EHLO probe.example.test", f"MAIL FROM:<{SENDER}> SIZE={len(message.raw)}")
    }
    assert {raw.raw for raw in domain.first.received} == {message.raw}
    assert message_from_bytes(domain.first.received[-1].raw)["Message-ID"] is not None


@pytest.mark.parametrize("stage", STAGES)
async def test_an_exchanger_that_cannot_work_for_a_moment_is_asked_again(
    domain: Domain, stage: Stage
) -> None:
    """RFC 5321 section 4.2.1: 421 is transient as all 4xx are. Yahoo defers unknown senders with
    it."""
    for one in (domain.first, domain.second):
        one.act(stage, Reply("421 4.7.0 temporarily deferred"))
    run, failure = await domain.send(probe_message(), how={"retry_after": "10ms"})
    assert failure is None
    waits = [span.note for span in run.spans if span.step is Step.RETRY]
    assert waits == ["421, again in 0.01 s"]


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        (Stage.GREETING, "421 4.3.2 too many connections"),
        (Stage.GREETING, "554 5.7.1 not you"),
        (Stage.EHLO, "what?"),
    ],
)
async def test_an_exchanger_that_defers_the_message_gets_it_again_whatever_the_others_say(
    domain: Domain, stage: Stage, words: str
) -> None:
    domain.first.always(stage, Reply(words))
    domain.second.act(Stage.RCPT, Reply("450 4.2.0 greylisted"))
    run, failure = await domain.send(probe_message(), how={"retry_after": "10ms"})
    assert failure is None
    assert taker(run) == ["second.example.test"]
    assert len([span for span in run.spans if span.step is Step.RETRY]) == 1


async def test_what_is_refused_for_good_in_the_end_is_not_sent_again(domain: Domain) -> None:
    for one in (domain.first, domain.second):
        one.act(Stage.RCPT, Reply("450 4.2.0 greylisted"), Reply("550 5.1.1 no such user"))
    run, failure = await domain.send(probe_message(), how={"retry_after": "10ms"})
    assert failure is not None
    assert (failure.reason, failure.code) == (Reason.REJECTED, "550")
    assert len([span for span in run.spans if span.step is Step.RETRY]) == 1


async def test_a_wait_that_does_not_fit_into_the_trip_is_not_begun(domain: Domain) -> None:
    for one in (domain.first, domain.second):
        one.always(Stage.RCPT, Reply("450 4.2.0 greylisted"))
    run, failure = await domain.send(probe_message(), how={"retry_after": "1h"})
    assert failure is not None
    assert failure.reason is Reason.DEFERRED
    assert not [span for span in run.spans if span.step is Step.RETRY]


async def test_a_refusal_for_now_that_must_come_ends_the_trip_as_a_success(
    domain: Domain, tmp_path: Path
) -> None:
    """A module that tests the greylisting of a server expects 450. Sent again, the message would be
    accepted, and the trip fail."""
    for one in (domain.first, domain.second):
        one.act(Stage.RCPT, Reply("450 4.2.0 greylisted"))
    async with name_server(ZONE) as address:
        settings = f"""
resolver: {{nameservers: ["{address}"]}}
modules: {{m: {{roundtrip: {{from: a@example.test, expect: {{code: 450}},
  send: {{mx: {{port: {domain.first.port}, retry_after: 1ms}}}}}}}}}}
probes: [{{name: p, module: m, target: someone@example.test}}]
"""
        parsed = Settings.parse(settings.encode(), "f")
        async with App(parsed, Store.open(tmp_path), new_key()) as app:
            app.recover()
            (probe,) = app.probes
            outcome = await app.prober.start(probe)
    assert outcome.failure is None
    assert (len(domain.first.lines), len(domain.second.lines)) == (1, 1)


@pytest.mark.parametrize(("knows_authority", "reason"), [(True, None), (False, Reason.TLS)])
async def test_mx_verifies_the_exchanger_s_certificate_if_it_is_told_to(
    lab: Lab, lab_user: LabUser, knows_authority: bool, reason: Reason | None
) -> None:
    options = {"tls": "starttls", "verify": True, "ca_file": lab.ca if knows_authority else None}
    _, failure = await sent(lab, {"mx": options}, probe_message(lab_user.address))
    assert (failure and failure.reason) == reason


async def test_mx_finds_the_exchanger_and_uses_tls_because_it_is_offered(
    lab: Lab, lab_user: LabUser
) -> None:
    run, failure = await sent(
        lab, {"mx": {"source_address": lab.mon_ip}}, probe_message(lab_user.address)
    )
    assert failure is None
    assert Exchanger("mx1.lab.test", 10, lab.mx_ip) in run.facts
    assert Step.TLS in steps(run)
    (mail,) = lab_user.wait_for_mails(1)
    assert b"using TLSv1" in mail.content
    assert f"({lab.mon_name} [{lab.mon_ip}])".encode() in mail.content


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("key", "mx1.lab.test answered 454 4.7.0 TLS not available due to local problem"),
        ("cipher", "TLS handshake with mx1.lab.test failed: "),
    ],
)
async def test_mx_sends_in_plain_text_where_the_tls_of_postfix_is_broken(
    lab: Lab, lab_user: LabUser, how: str, why: str
) -> None:
    """As Postfix itself does: tests/lab/test_lab.py."""
    await asyncio.to_thread(lab.break_tls, how)
    options: dict[str, Any] = {"source_address": lab.mon_ip}
    _, failure = await sent(
        lab, {"mx": options | {"tls": "starttls"}}, probe_message(lab_user.address)
    )
    assert failure is not None
    assert (failure.step, failure.reason) == (Step.TLS, Reason.TLS)
    for tls in ({"tls": "opportunistic"}, {}):
        run, failure = await sent(lab, {"mx": options | tls}, probe_message(lab_user.address))
        assert failure is None
        (fact,) = (fact for fact in run.facts if isinstance(fact, PlaintextFallback))
        assert (fact.host, fact.why[: len(why)]) == ("mx1.lab.test", why)
    for mail in lab_user.wait_for_mails(2):
        assert b"using TLS" not in mail.content.partition(lab.mon_ip.encode())[2][:300]


@pytest.mark.parametrize(
    ("recipient", "expected"),
    [
        ("probe@nullmx.test", (Step.RESOLVE, Reason.NULL_MX, "")),
        ("probe@nxdomain.test", (Step.RESOLVE, Reason.DNS, "NXDOMAIN")),
        ("nobody@lab.test", (Step.RCPT, Reason.REJECTED, "550")),
        ("tempfail@lab.test", (Step.RCPT, Reason.DEFERRED, "451")),  # its second exchanger is dead
    ],
)
async def test_mx_names_what_is_wrong(
    lab: Lab, recipient: str, expected: tuple[Step, Reason, str]
) -> None:
    _, failure = await sent(lab, {"mx": {"source_address": lab.mon_ip}}, probe_message(recipient))
    assert failure is not None
    assert (failure.step, failure.reason, failure.code) == expected
