"""Opportunistic TLS that is offered and broken: the message leaves in plain text, and that is
told."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import trustme

from exporter.commands.preflight.attempts import attempts
from exporter.commands.preflight.remark import Risk
from exporter.commands.preflight.report import lines
from exporter.core.model import Exchanger, PlaintextFallback, TlsSession
from exporter.core.phases import Leg
from exporter.core.reasons import Reason
from exporter.core.steps import Step
from exporter.core.trace.run import Run
from exporter.net.dns.resolver import Resolver
from exporter.settings import Settings
from tests.support.fast_forward import fast_forward
from tests.support.left_behind import nothing_left_behind
from tests.support.name_server import name_server, names
from tests.support.sender_rig import make_sender
from tests.support.sending import new_run, probe_message, send
from tests.support.smtp_rig import ZONE
from tests.support.smtp_witness import Act, Cut, Freeze, Line, Reply, SmtpWitness, Stage, witness


class Handshake:
    """One that is real, with a certificate; then the server is gone."""

    def __init__(self) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert("mx.example.test").configure_cert(self._context)

    async def on(self, line: Line) -> bool:
        with suppress(ssl.SSLError, ConnectionError):
            await line.writer.start_tls(self._context)
        line.writer.close()
        return False


class TooMuch:
    """More text than the reply, in one piece with it or at once after it; then silence."""

    def __init__(self, *words: str) -> None:
        self._words = words

    async def on(self, line: Line) -> bool:
        for words in self._words:
            line.writer.write(words.encode())
            await line.writer.drain()
            await asyncio.sleep(0)
        return await Freeze().on(line)


BROKEN: dict[str, tuple[Stage, Act]] = {
    "refused for now": (Stage.STARTTLS, Reply("454 4.7.0 TLS not available due to local problem")),
    "refused for good": (Stage.STARTTLS, Reply("502 5.5.1 not implemented")),
    "nonsense": (Stage.STARTTLS, Reply("what was that?")),
    "no TLS": (Stage.TLS, Reply("220 and now for something different")),
    "text injected": (Stage.STARTTLS, TooMuch("220 go ahead\r\n250 2.0.0 injected\r\n")),
    "half a line injected": (Stage.STARTTLS, TooMuch("220 go ahead\r\nSTARTTLS")),
    "text injected later": (Stage.STARTTLS, TooMuch("220 go ahead\r\n", "250 2.0.0 injected\r\n")),
    "cut at once": (Stage.STARTTLS, Cut()),
    "cut": (Stage.TLS, Cut()),
    "reset": (Stage.TLS, Cut(reset=True)),
    "frozen at once": (Stage.STARTTLS, Freeze()),
    "frozen": (Stage.TLS, Freeze()),
    "gone when it is complete": (Stage.TLS, Handshake()),
}
every_way = pytest.mark.parametrize("way", BROKEN)


@asynccontextmanager
async def exchanger(
    stage: Stage, act: Act, *more: tuple[Stage, Iterable[Act | None]]
) -> AsyncIterator[tuple[SmtpWitness, Resolver]]:
    async with names(ZONE) as resolver, witness(offers=["STARTTLS"]) as one:
        one.always(stage, act)
        for later, acts in more:
            one.act(later, *acts)
        async with nothing_left_behind():
            yield one, resolver
            await one.ended()


async def delivered(
    there: tuple[SmtpWitness, Resolver], patience: float, **options: Any
) -> tuple[Run, str]:
    one, resolver = there
    sender = make_sender("mx", {"port": one.port, "retry_after": "1h", **options}, resolver)
    run = new_run(patience)
    return run, str(await send(sender, probe_message(), run) or "")


def patience(way: str) -> float:
    return 1.5 if "frozen" in way else 20


@every_way
@fast_forward
async def test_the_message_leaves_in_plain_text_and_that_is_a_fact(way: str) -> None:
    async with exchanger(*BROKEN[way]) as there:
        run, failure = await delivered(there, patience(way))
    one, _ = there
    assert not failure
    assert len(one.received) == 1
    assert len(one.lines) == 2
    (fact,) = (fact for fact in run.facts if isinstance(fact, PlaintextFallback))
    assert fact.host == "mx.example.test"
    assert fact.why
    assert any(isinstance(fact, Exchanger) for fact in run.facts)
    assert not any(isinstance(fact, TlsSession) and fact.leg is Leg.SEND for fact in run.facts)
    assert any("retrying in plain text" in line for line in run.transcript)
    assert one.lines[1].commands[1].startswith("MAIL")


@every_way
@fast_forward
async def test_who_demands_tls_does_without_nothing(way: str) -> None:
    async with exchanger(*BROKEN[way]) as there:
        _, failure = await delivered(there, patience(way), tls="starttls")
    one, _ = there
    assert failure.startswith(("send/tls", "send/ehlo"))
    assert not one.received
    assert len(one.lines) == 1


class Welcome(Handshake):
    """Begins it with another code of success."""

    async def on(self, line: Line) -> bool:
        line.say("250 go ahead")
        return await super().on(line)


async def test_another_success_than_220_begins_the_handshake_too() -> None:
    async with exchanger(Stage.STARTTLS, Welcome()) as there:
        run, failure = await delivered(there, 20)
    assert not failure
    assert any("-- TLSv1" in line for line in run.transcript)


async def test_a_certificate_that_is_refused_is_no_broken_tls() -> None:
    async with exchanger(Stage.TLS, Handshake()) as there:
        run, failure = await delivered(there, 20, verify=True)
    one, _ = there
    assert failure.startswith("send/tls: tls: the certificate of")
    assert "-- for the names: mx.example.test" in "\n".join(run.transcript)
    assert len(one.lines) == 1


async def test_a_broken_handshake_is_got_over_also_where_certificates_are_verified() -> None:
    async with exchanger(Stage.TLS, Cut()) as there:
        run, failure = await delivered(there, 20, verify=True)
    assert not failure
    assert any(isinstance(fact, PlaintextFallback) for fact in run.facts)


async def test_a_ca_file_that_is_missing_is_our_own_mistake() -> None:
    async with exchanger(Stage.TLS, Cut()) as there:
        _, failure = await delivered(there, 20, ca_file="/nowhere.pem")
    one, _ = there
    assert failure.startswith("send/tls: tls: cannot read ca_file")
    assert len(one.lines) == 1


@pytest.mark.parametrize(
    ("stage", "says", "step", "reason"),
    [
        (Stage.GREETING, "421 4.7.0 too many connections", Step.GREETING, Reason.UNAVAILABLE),
        (Stage.RCPT, "550 5.1.1 no such user", Step.RCPT, Reason.REJECTED),
        (Stage.MAIL, "451 4.7.1 later", Step.MAIL, Reason.DEFERRED),
        (Stage.MAIL, "530 5.7.0 Authentication required", Step.MAIL, Reason.AUTH),
    ],
)
async def test_what_goes_wrong_in_plain_text_is_told_with_both(
    stage: Stage, says: str, step: Step, reason: Reason
) -> None:
    first = [None] if stage is Stage.GREETING else []
    async with exchanger(Stage.TLS, Cut(), (stage, [*first, Reply(says)])) as there:
        run, failure = await delivered(there, 20)
    assert failure.startswith(f"send/{step}: {reason} {says[:3]}")
    assert "in plain text, because" in failure
    assert "TLS handshake" in failure
    assert not any(isinstance(fact, PlaintextFallback) for fact in run.facts)


@pytest.mark.parametrize(
    "says",
    [
        "530 5.7.0 Must issue a STARTTLS command first",
        "451 5.7.3 STARTTLS is required to send mail",
        "550 5.7.10 Encryption Needed",
    ],
)
async def test_an_exchanger_that_wants_tls_and_cannot_is_blamed_for_its_tls(says: str) -> None:
    async with exchanger(Stage.TLS, Cut(), (Stage.MAIL, [Reply(says)])) as there:
        _, failure = await delivered(there, 20)
    one, _ = there
    assert failure.startswith("send/tls: disconnected")
    assert len(one.lines) == 2


async def test_the_command_line_says_that_it_would_be_plain_text() -> None:
    async with name_server(ZONE) as address, witness(offers=["STARTTLS"]) as one:
        one.always(Stage.TLS, Cut())
        text = f"""
resolver: {{nameservers: ["{address}"]}}
mailboxes: {{m: {{maildir: {{path: /nowhere}}}}}}
modules: {{a: {{roundtrip: {{from: a@example.test, mailbox: m,
    send: {{mx: {{port: {one.port}}}}}}}}}}}
probes: [{{name: p, module: a, target: someone@example.test}}]
"""
        tried = [
            attempt
            async for attempt in attempts(Settings.parse(text.encode(), "f"))
            if attempt.exchanger
        ]
    (remark,) = (remark for remark in tried[0].remarks if remark.risk is Risk.PLAINTEXT)
    assert remark.about == "mx.example.test"
    said = "\n".join(lines(tried[0]))
    assert "note: mx.example.test offers STARTTLS, but TLS fails: mx.example.test cut" in said
    assert "Messages are sent in plain text." in said
